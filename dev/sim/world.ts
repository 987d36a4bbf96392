import { codecWith } from '../../schemas/codec.ts'
import { contractNames } from '../../schemas/schemas.ts'
import { publishShard } from '../../sinks/publish/publish.ts'
import { isOf } from '../../topology/model/step.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { defaultSettings, type Settings } from '../../topology/settings.ts'
import { alertsLedger, detectorJob } from '../../topology/streams.ts'
import { listings } from '../../streams/raws/listings.ts'
import { rawIntake } from '../../streams/raws/raw-intake.ts'
import { rawReconcile } from '../../streams/raws/raw-reconcile.ts'
import { sidecars } from '../../streams/raws/sidecars.ts'
import { memoryBucket } from '../../streams/raws/testing/bucket.ts'
import type { ServiceTask } from '../../streams/run-service.ts'
import { sleep, type Scheduler } from '../../streams/scheduler.ts'
import type { Effect } from '../../streams/task/effects.ts'
import { BUCKET, settings as nightSettings, type NightSize } from '../../streams/testing/adverse-night.ts'
import { Ledger, type LedgerRules } from './ledger.ts'

export const SIZE: NightSize = { visits: 3, detectors: 2 }
export const PARTITIONS = 2
export const INSTRUMENT = 'LSSTComCam'
const others = Array.from({ length: 9 - SIZE.detectors }, (_, i): [string, string] => [
  String(SIZE.detectors + i),
  'not simulated',
])

/** A night of few detectors: what breaks the runtime breaks it with two of them too. */
export const settings: Settings = {
  ...nightSettings,
  instruments: { ...defaultSettings.instruments, [INSTRUMENT]: { off: Object.fromEntries(others) } },
  visitGraceSeconds: 60,
}
export const codec = codecWith(new Map(contractNames.map((name, i) => [name, i + 1])))
export const topology = promptTopology({ partitions: PARTITIONS, settings })

/** The world around the runtime, on virtual time: the bucket of raws, the database, and what stands between. */
export interface World {
  readonly store: ReturnType<typeof memoryBucket>
  readonly ledger: Ledger
  readonly effects: Readonly<Record<string, Effect>>
  readonly services: Readonly<
    Record<string, { readonly table: typeof alertsLedger; readonly start: (task: ServiceTask) => Promise<void> }>
  >
}

export interface WorldOptions {
  /** Whether the listing tells what is in the bucket, or finds nothing: a truthful one hides a broken watermark. */
  readonly listing: 'truthful' | 'blind'
  readonly rules: LedgerRules
}

export function worldOf(time: Scheduler, { listing, rules }: WorldOptions): World {
  const store = memoryBucket()
  const ledger = new Ledger(time, PARTITIONS, rules)
  const slow = {
    ...store.bucket,
    get: async (bucket: string, key: string) => {
      await pause(time, 800)
      return store.bucket.get(bucket, key)
    },
    async *list(bucket: string, prefix: string) {
      await pause(time, 800)
      if (time.random() < 0.05) throw new Error('the store does not answer')
      if (listing === 'truthful') yield* store.bucket.list(bucket, prefix)
    },
  }
  const log = { warn: () => undefined, info: () => undefined, error: () => undefined }
  const known = sidecars({ bucket: slow, tries: 1, pauseMs: 0, pause: async () => undefined, capacity: 100 })
  const bell = { next: (ms: number, signal?: AbortSignal) => sleep(time, SLOWER * ms, signal) }
  const publisher = { pool: ledger.pool, store: noStamps, codec, alertPartitions: PARTITIONS, bell: () => bell, log }
  return {
    ...{ store, ledger },
    effects: {
      'raw-intake': rawIntake(known, BUCKET),
      'raw-reconcile': rawReconcile(listings({ bucket: slow, rawBucket: BUCKET, sidecars: known, log })),
      dispatch: async event => {
        if (!isOf(detectorJob, event)) throw new Error(`unexpected ${event.stream}`)
        await ledger.decide(event, event.value)
        return { out: [] }
      },
    },
    services: { publish: { table: alertsLedger, start: task => publishShard(publisher, task) } },
  }
}

/** Publish looks every three seconds and not twice in one: fewer turns for the same protocol. */
const SLOWER = 6
const noStamps = { getRange: async () => Promise.reject(new Error('no unit of this night has alerts')) }

const pause = (time: Scheduler, mostMs: number): Promise<void> =>
  new Promise(resolve => void time.after(time.random() * mostMs, resolve))
