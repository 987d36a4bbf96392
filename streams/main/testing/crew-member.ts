import { setTimeout as sleep } from 'node:timers/promises'
import { calibrationCache } from '../../../pipeline/worker/preload.ts'
import { emptySky } from '../../../pipeline/worker/testing/repository.ts'
import { startWorker } from '../../../pipeline/worker/worker.ts'
import { associate } from '../../../sinks/associate/associate.ts'
import { defaultRules, openLeases } from '../../../sinks/ledger/leases.ts'
import { openPool } from '../../../sinks/postgres/pool.ts'
import { unitKey } from '../../../topology/identifiers.ts'
import { pipelineResult } from '../../../topology/streams.ts'

/**
 * A worker as a process of its own, which a test can kill or stop: the real loop on the real ledger. Its store gives one byte for
 * everything, its pipeline takes its time and finds nothing, and its reports land at once. Arguments: id, database, seconds of a lease,
 * milliseconds of a run. It says what it does on standard output, a line each.
 */
const [id, url, leaseSeconds, runMs] = process.argv.slice(2) as [string, string, string, string]
const say = (line: string) => void process.stdout.write(`${line}\n`)
const pool = openPool(url, { name: id, max: 3 })
const get = async () => new Uint8Array(1)
const store = {
  get,
  getShared: get,
  put: async (_bucket: string, _key: string, bytes: Uint8Array) => ({ size: bytes.length, sha256: 'd' }),
  async *list(_bucket: string, prefix: string) {
    await Promise.resolve()
    yield { key: `${prefix}20000101T000000_29990101T000000.fits` }
  },
}
const outputs = {
  ...{ boundary: [], width: 1, height: 1, midpointMjdTai: 61000, exposureTime: 15, sources: [], forced: [] },
  ...{ cutouts: [], products: [], metrics: {} },
}
const log = {
  debug: () => {},
  info: (fields: object, message: string) => say(`${message} ${'unit' in fields ? String(fields.unit) : ''}`),
  warn: (fields: object, message: string) => say(`${message} ${'unit' in fields ? String(fields.unit) : ''}`),
  error: (_: object, message: string) => say(message),
}
const worker = startWorker({
  id,
  ledger: openLeases(pool, { ...defaultRules, leaseSeconds: Number(leaseSeconds), backOffSeconds: 0.1 }),
  report: async (value, at) => {
    const key = unitKey(value.instrument, value.group, value.detector)
    const landed = associate(pool, (unit, landing) => say(`landed ${landing} ${unit}`))
    await landed({ stream: pipelineResult.topic, key, at, replay: 0, value })
  },
  preload: {
    ...{ store, bucket: 'central', paddingArcsec: 30, cache: calibrationCache(8) },
    ...{ history: { objectsIn: async () => [] }, geometry: () => undefined, ...emptySky },
  },
  run: {
    ...{ worker: id, store, bucket: 'central', deployment: 'd', deadlineMs: 60_000, paddingArcsec: 30, now: Date.now },
    thread: {
      run: async (_job, { signal }) => {
        await sleep(Number(runMs), undefined, { signal })
        return { outputs }
      },
      close: async () => {},
    },
  },
  ...{ log, holdsLimit: 8, pollMs: 50, drainMs: 200, maxUnits: 0 },
  heartbeatMs: (Number(leaseSeconds) * 1000) / 4,
  wake: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
})
process.once('SIGTERM', () => void worker.drain().then(() => pool.end()))
