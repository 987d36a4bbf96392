import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import { avroType, frame } from '../../schemas/codec.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import type { FoundRaw, LogeventNextVisitCanceled } from '../../schemas/avro/generated.ts'
import type { ObjectStore } from '../../sinks/objects/s3.ts'
import { openStore } from '../../streams/main/world.ts'
import { BACK, SILENT } from '../../streams/raws/silence-watch.ts'
import { dayObsOf, exposureId, unitKey } from '../../topology/identifiers.ts'
import { buildRawKey, sidecarKey } from '../../topology/raw-key.ts'
import { decodeTick } from '../../schemas/json/clock-tick.ts'
import { clock, nextVisit, nextVisitCanceled, parked, rawNotification } from '../../topology/streams.ts'
import { nextVisitAt } from '../../topology/testing/announcements.ts'
import { connectSummit, type Summit } from '../night/kafka-world.ts'
import { objectCreated } from '../night/notification.ts'
import { DECIDING, decoded, mustDecide, told } from './testing/decisions.ts'
import { startWholeSystem, type WholeSystem } from './testing/whole-system.ts'

/**
 * The steps and the effects away for longer than several windows, on real brokers, while the observatory and the clock go on: what is
 * decided afterwards is what the pure steps decide from the entrances' own records. No pixels: only decisions matter here.
 */

const WINDOW_S = 5
const HOLD_S = 6
const overrides = {
  decide: { imageTimeoutSeconds: WINDOW_S - 1, unclaimedHoldSeconds: HOLD_S },
  raws: { silenceSeconds: 4, silenceToleranceMs: 1000 },
}
const LONE = ['fan-out', 'raw-intake', 'exposure-window', 'raw-reconcile'] as const
const dayObs = dayObsOf(Date.now())

let whole: WholeSystem
let summit: Summit
let store: ObjectStore
let keepLogs = true
const sidecars = new Map<string, { group: string; snap: number }>()
let sequence = 0

beforeAll(async () => {
  whole = await startWholeSystem(inject('services').provider, overrides, {}, 1, {
    lone: LONE,
    doubled: ['clock'],
    readyMs: 120_000,
  })
  const { kafka, registry } = whole.services
  // Nobody is to take up what is decided.
  await Promise.all([...whole.system.workers, 'publish' as const].map(name => whole.system.kill(name)))
  summit = await connectSummit({ brokers: kafka.brokers, registry: registry.url })
  store = openStore(whole.system.config)
  keepLogs = false
}, 300_000)
afterEach(({ task }) => void (keepLogs ||= task.result?.state === 'fail'))
afterAll(async () => {
  await summit.close()
  store.close()
  await whole.stop(keepLogs)
}, 60_000)

const announce = (group: string, nimages = 1, more: object = {}) =>
  summit.announce(
    nextVisitAt(Date.now(), { groupId: group, nimages: BigInt(nimages), duration: (WINDOW_S - 4) / 2, ...more }),
  )

async function cancel(group: string): Promise<void> {
  const contract = avroType('next-visit-canceled')
  const id = await summit.register(`${nextVisitCanceled.topic}-value`, contract.schema)
  const known = new Set(wholeSchema('next-visit-canceled').fields!.map(({ name }) => name))
  const value = Object.fromEntries(
    Object.entries(nextVisitAt(Date.now(), { groupId: group })).filter(([name]) => known.has(name)),
  ) as unknown as LogeventNextVisitCanceled
  const record = { topic: nextVisitCanceled.topic, partition: 0, key: null, value: frame(id, contract.encode(value)) }
  await whole.client.produce([record])
}

/** A raw of the group with its sidecar in the bucket; `isTold`: whether the store notifies. */
async function expose(group: string, snap = 0, isTold = true): Promise<void> {
  const { rawBucket } = whole.system.config.s3
  const number = ++sequence
  const names = { instrument: 'LATISS', detector: 0, exposure: exposureId(dayObs, number), dayObs, sequence: number }
  const key = buildRawKey({ family: 'lsst', controller: 'O', extension: 'fits', ...names })
  sidecars.set(key, { group, snap })
  await store.put(rawBucket, sidecarKey(key), Buffer.from(JSON.stringify({ GROUPID: group, CURINDEX: snap + 1 })))
  await store.put(rawBucket, key, Buffer.from('no pixels'))
  if (isTold) await summit.notify(objectCreated(rawBucket, key, Buffer.from('no pixels'), Date.now()))
}

/** One of each end; it takes about as long as a window. */
async function night(name: string): Promise<void> {
  const of = (visit: string) => `${name}-${visit}`
  await expose(of('early'))
  await announce(of('complete'))
  await announce(of('partial'), 2)
  await announce(of('missed'))
  await announce(of('cancelled'))
  await announce(of('lost notification'))
  await announce(of('unwanted'), 1, { survey: 'BLOCK-T250' })
  await announce(of('any number'), 0)
  await announce(of('late'))
  await sleep(1500)
  await announce(of('early'))
  await expose(of('complete'))
  await expose(of('partial'), 1)
  await expose(of('lost notification'), 0, false)
  await expose(of('unwanted'))
  await expose(of('any number'))
  await expose(of('nobody'))
  await cancel(of('cancelled'))
  await sleep(WINDOW_S * 1000)
  await expose(of('late'))
}

/** Every decision that the topology has written, and every one that the pure steps find in the records of its entrances. */
async function decisions() {
  const streams = [nextVisit, nextVisitCanceled, rawNotification]
  const [announcements, cancellations, notifications] = await Promise.all(streams.map(it => whole.recordsOf(it.topic)))
  const recorded = {
    ...{ announcements: announcements!, cancellations: cancellations!, notifications: notifications! },
    ...{ stored: await storedByUnit(), sidecars },
  }
  const { decide } = whole.system.config
  const written = await Promise.all(
    DECIDING.map(async stream =>
      (await whole.recordsOf(stream.topic)).flatMap(record => {
        if (record.key === null) return []
        return told(stream, String(record.key), Number(String(record.headers['at'])), decoded(stream, record)) ?? []
      }),
    ),
  )
  return { written: written.flat().sort(), expected: mustDecide(decide, recorded, Date.now()) }
}

async function storedByUnit(): Promise<Map<string, FoundRaw[]>> {
  const stored = new Map<string, FoundRaw[]>()
  for await (const { key, lastModified } of store.list(whole.system.config.s3.rawBucket, `LATISS/${dayObs}/`)) {
    const sidecar = sidecars.get(key)
    if (!sidecar) continue
    const { group, snap } = sidecar
    const exposure = exposureId(dayObs, Number(/(\d{6})_R/.exec(key)![1]))
    const unit = unitKey('LATISS', group, 0)
    const raw = { instrument: 'LATISS', group, detector: 0, snap, exposure, bucket: '', key, size: 9n, eTag: null }
    stored.set(unit, [...(stored.get(unit) ?? []), { at: lastModified, raw }])
  }
  return stored
}

/** What was due is decided within the length of the stop: whoever waited for real time would need as long again. */
async function decidesAllWithin(stoppedMs: number): Promise<void> {
  const ready = Date.now()
  for (;;) {
    const { written, expected } = await decisions()
    if (written.length >= expected.length || Date.now() - ready > 30_000) {
      const seconds = ((Date.now() - ready) / 1000).toFixed(1)
      console.log(`${expected.length} decisions, the last ${seconds} s after the start`)
      expect(written).toEqual(expected)
      break
    }
    await sleep(250)
  }
  expect(Date.now() - ready).toBeLessThan(stoppedMs)
}

it('decides after a stop of several windows what it had to, and at full speed', async () => {
  const begun = night('before')
  await sleep(1000)
  const killed = Date.now()
  const all = ['steps', 'effects', ...LONE] as const
  await Promise.all(all.map(name => whole.system.kill(name)))
  await begun
  await night('during')
  await sleep((WINDOW_S + HOLD_S) * 1000)
  const started = Date.now()
  await Promise.all(all.map(name => whole.system.restart(name)))
  await decidesAllWithin(started - killed)
  const ends = new Set(
    (await decisions()).written.map(line =>
      line
        .split(' ')
        .filter(it => !/^[@\d]|\//.test(it))
        .join(' '),
    ),
  )
  for (const end of ['missed', 'cancelled', 'ignored', 'ready complete', 'ready partial'])
    expect(
      [...ends].some(it => it.startsWith('detector-job') && it.endsWith(end)),
      end,
    ).toBe(true)
  expect([...ends].some(it => it.startsWith('raw-late'))).toBe(true)
  expect([...ends].some(it => it.startsWith('raw-unclaimed'))).toBe(true)
  expect(await whole.recordsOf(parked.topic)).toEqual([])
}, 120_000)

it.each(LONE)(
  'a stop of %s alone, for longer than a window, changes no decision',
  async stage => {
    const killed = Date.now()
    await whole.system.kill(stage)
    await night(`without ${stage}`)
    await sleep(500)
    await whole.system.restart(stage)
    await decidesAllWithin(Date.now() - killed)
    expect(await whole.recordsOf(parked.topic)).toEqual([])
  },
  60_000,
)

it('a clock takes over from one that was killed, and time never goes back', async () => {
  const ticks = async () => (await whole.recordsOf(clock.topic)).map(({ value }) => decodeTick(value!).t)
  const restoredAt = async (name: 'clock' | 'clock-2') =>
    Math.max(
      ...(await whole.system.logOf(name)).split('\n').flatMap(line => {
        if (!line.includes('"msg":"task restored"')) return [0]
        return [(JSON.parse(line) as { time: number }).time]
      }),
    )
  const [first, second] = await Promise.all([restoredAt('clock'), restoredAt('clock-2')])
  // One ticks and the other stands by.
  expect([first, second].filter(time => time > 0)).toHaveLength(1)
  const before = (await ticks()).length
  const killed = Date.now()
  await whole.system.kill(first > second ? 'clock' : 'clock-2')
  while ((await ticks()).length <= before + 2 && Date.now() - killed < 20_000) await sleep(200)
  const times = await ticks()
  const gap = Math.max(...times.slice(before - 1).map((t, i) => t - times[before - 2 + i]!))
  console.log(`${(gap / 1000).toFixed(1)} s without a tick`)
  expect(gap).toBeLessThan(10_000)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  await whole.system.restart(first > second ? 'clock' : 'clock-2')
}, 60_000)

it('raises an alarm when objects appear and no notification does, and ends it when they come again', async () => {
  const heard: string[] = []
  const stop = whole.system.onLine('raw-intake', line => {
    const code = [SILENT, BACK].find(it => line.includes(`"${it}"`))
    if (code) heard.push(code)
  })
  const until = async (code: string) => {
    for (let i = 0; i < 100 && heard.at(-1) !== code; i++) await sleep(200)
    expect(heard.at(-1)).toBe(code)
  }
  await expose('told', 0, true)
  // Stores tell whole seconds, and the watch looks once a second.
  await sleep(4000)
  await expose('not told', 0, false)
  await until(SILENT)
  await expose('told again', 0, true)
  await until(BACK)
  stop()
}, 60_000)
