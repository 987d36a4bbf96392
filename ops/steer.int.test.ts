import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { listParked, orderParked, showParked, type Filters } from './dlq.ts'
import { giveHold, showHold } from './hold.ts'
import { giveOrder, listMasks, type Order } from './masks.ts'
import { checkPipelines } from './pipelines.ts'
import { showDetectors } from './show-detectors.ts'
import { printer } from './testing/config.ts'
import type { Config } from '../streams/main/config.ts'
import { openStore } from '../streams/main/world.ts'
import { startWholeSystem, type WholeSystem } from '../dev/demo/testing/whole-system.ts'
import { connectSummit, type Summit } from '../dev/night/kafka-world.ts'
import { freePorts } from '../dev/services/ports.ts'
import { objectCreated } from '../dev/night/notification.ts'
import type { Audit, DetectorVisit, LogeventNextVisit, Parked, RawArrival, Visit } from '../schemas/avro/generated.ts'
import { avroType, frame } from '../schemas/codec.ts'
import { unitsSummary } from '../sinks/ledger/summary.ts'
import { activeDetectors } from '../topology/settings.ts'
import { sidecarKey } from '../topology/raw-key.ts'
import { audit, detectorVisit, nextVisitCanceled, parked, rawArrival, visit } from '../topology/streams.ts'
import { nextVisitAt } from '../topology/testing/announcements.ts'

/** The running system, steered by the command line and announced to as the summit would. */

const checkout = fileURLToPath(new URL('..', import.meta.url))
let whole: WholeSystem
let summit: Summit
/** Until the tests are over, and after one that failed. */
let keepLogs = true

beforeAll(async () => {
  // No raw will come: the windows shall not be waited for.
  const overrides = { decide: { imageTimeoutSeconds: 2 }, worker: { rehearsals: 0 } }
  whole = await startWholeSystem(inject('services').provider, overrides)
  const { kafka, registry } = whole.services
  summit = await connectSummit({ brokers: kafka.brokers, registry: registry.url })
  keepLogs = false
}, 300_000)
afterEach(({ task }) => void (keepLogs ||= task.result?.state === 'fail'))
afterAll(async () => {
  await summit?.close()
  await whole.stop(keepLogs)
}, 60_000)

/** What the command line complained of and how it ended. */
function pp(
  ...args: readonly string[]
): Promise<{ readonly said: string; readonly complained: string; readonly code: number }> {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('PP_'))
  const env = { ...Object.fromEntries(environment), PP_CONFIG: whole.system.configFile }
  return new Promise(resolve => {
    execFile('./pp', args, { cwd: checkout, env }, (error, said, complained) =>
      resolve({ said, complained, code: error ? Number(error.code) : 0 }),
    )
  })
}
/** What a command of ours prints, run in this process: starting one takes seconds on a busy machine. */
async function said(command: (config: Config, print: (text: string) => void) => Promise<void>): Promise<string> {
  const { print, said } = printer()
  await command(whole.system.config, print)
  return said()
}
const order = (kind: 'mask' | 'unmask', detectors: string, more: Pick<Order, 'reason' | 'by' | 'for'>) =>
  said((config, print) => giveOrder(config, { kind, instrument: 'LSSTComCam', detectors, ...more }, print))
const masks = (json = false) => said((config, print) => listMasks(config, 'LSSTComCam', { json }, print))

const announce = (groupId: string, more: Partial<LogeventNextVisit>) =>
  summit.announce({ ...nextVisitAt(Date.now(), { groupId, duration: 0, survey: 'engineering' }), ...more })

/** Values of a topic, without watermarks. */
async function valuesOf<T>(topic: string, contract: Parameters<typeof avroType>[0]): Promise<T[]> {
  const records = await whole.recordsOf(topic)
  return records.flatMap(({ value }) => (value?.length ? [avroType(contract).decode(value.subarray(5)) as T] : []))
}
/** By group: of several partitions no other order is known. */
const visitsOf = async (prefix: string) =>
  (await valuesOf<Visit>(visit.topic, 'visit'))
    .filter(it => it.announcement.group.startsWith(prefix))
    .sort((a, b) => (a.announcement.group < b.announcement.group ? -1 : 1))
const unitsOf = async (group: string) =>
  (await valuesOf<DetectorVisit>(detectorVisit.topic, 'detector-visit')).filter(it => it.announcement.group === group)

async function cancel(groupId: string): Promise<void> {
  const contract = avroType('next-visit-canceled')
  const id = await summit.register(`${nextVisitCanceled.topic}-value`, contract.schema)
  const value = frame(id, contract.encode(cancellationOf(nextVisitAt(Date.now(), { groupId }))))
  await whole.client.produce([{ topic: nextVisitCanceled.topic, partition: 0, key: null, value }])
}

describe('a detector switched off at run time', () => {
  const camera = { instrument: 'LSSTComCam' }
  it('gets no unit of the next visit, without a restart; the others go on, and everybody sees who did it and why', async () => {
    await announce('mask-1', camera)
    const set = await order('mask', '4', { reason: 'hot', by: 'ann', for: '2h' })
    expect(set).toMatch(/Masked for visits announced from now on: LSSTComCam 4[^]*\n4 .* hot \(ann\)/)
    await announce('mask-2', camera)
    const [listed] = JSON.parse(await masks(true)) as Record<string, unknown>[]
    expect(listed).toMatchObject({ detector: 4, reason: 'hot (ann)' })
    expect(await said((config, print) => showDetectors(config, 'LSSTComCam', { json: false }, print))).toMatch(
      /active {2}8 .* 0-3, 5-8\nmasked {2}1 .*hot \(ann\) +4/,
    )
    await order('mask', 'all', { reason: 'storm', by: 'bob' })
    await announce('mask-3', camera)
    expect(await masks()).toMatch(/all .* cleared +storm \(bob\)\n4 .* hot \(ann\)/)
    await order('unmask', 'all', { reason: 'over', by: 'bob' })
    await order('unmask', '0-8', { reason: 'mended', by: 'ann' })
    expect(await masks()).toBe('No detector of LSSTComCam is masked.')
    await announce('mask-4', camera)

    await expect.poll(async () => (await visitsOf('mask-')).length, { timeout: 30_000 }).toBe(4)
    const masked = (await visitsOf('mask-')).map(({ masked, detectors }) => [
      masked.map(it => `${it.detector} ${it.reason}`),
      detectors.length,
    ])
    const storm = Array.from({ length: 9 }, (_, id) => `${id} storm (bob)`)
    expect(masked).toEqual([
      [[], 9],
      [['4 hot (ann)'], 8],
      [storm, 0],
      [[], 9],
    ])
    const audits = await valuesOf<Audit>(audit.topic, 'audit')
    expect(audits.map(({ action, by, reason }) => `${action} ${by} ${reason}`)).toEqual([
      ...['mask set ann hot', 'mask set bob storm', 'mask clear bob over', 'mask clear ann mended'],
    ])
    expect(JSON.parse(audits[0]!.detail)).toMatchObject([{ kind: 'mask', instrument: 'LSSTComCam', detector: 4 }])
  }, 120_000)
  it('is refused where there is none, with what is allowed, and nothing is written', async () => {
    const before = (await whole.recordsOf('control')).length
    const { code, complained } = await pp('mask', 'set', 'LATISS', '1', '--reason', 'x')
    expect([code, complained]).toEqual([2, '"1" names no detectors of LATISS; allowed are 0 to 0, like 3 or 0,5-9\n'])
    expect(await whole.recordsOf('control')).toHaveLength(before)
  })
})

describe('time withheld', () => {
  const hold = (kind: 'hold' | 'release', more: object = {}) =>
    said((config, print) => giveHold(config, { kind, reason: 'mending', by: 'eve', ...more }, print))
  const shown = () => said((config, print) => showHold(config, { json: false }, print))
  it('lets nothing be fanned out until it is released, and everybody sees who did it and why', async () => {
    expect(await shown()).toBe('Time goes on.')
    expect(await hold('hold', { for: '10m' })).toMatch(/^Time is withheld since .*, until .*: mending \(eve\)$/)
    // The tick at hand may still say otherwise.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    await announce('held', { instrument: 'LATISS' })
    await new Promise(resolve => setTimeout(resolve, 4_000))
    expect(await visitsOf('held')).toEqual([])
    expect(await shown()).toContain('mending (eve)')
    expect(await hold('release')).toBe('Time goes on.')
    await expect.poll(async () => (await visitsOf('held')).length, { timeout: 30_000 }).toBe(1)
    const audits = await valuesOf<Audit>(audit.topic, 'audit')
    expect(audits.map(({ action, by }) => `${action} ${by}`).slice(-2)).toEqual(['hold set eve', 'hold clear eve'])
  }, 60_000)
})

describe('an announcement', () => {
  it('of LSSTCam becomes exactly 172 units, also when it comes twice, and 172 withdrawals when it is cancelled', async () => {
    const active = activeDetectors(whole.system.config.decide, 'LSSTCam')!
    await announce('big', { instrument: 'LSSTCam' })
    await announce('big', { instrument: 'LSSTCam' })
    await cancel('big')
    await expect.poll(async () => (await unitsOf('big')).length, { timeout: 30_000 }).toBe(2 * 172)
    const kinds = (kind: string) => async () =>
      (await unitsOf('big'))
        .filter(it => it.kind === kind)
        .map(it => it.detector)
        .sort((a, b) => a - b)
    expect(await kinds('announced')()).toEqual(active)
    expect(await kinds('withdrawn')()).toEqual(active)
  }, 60_000)

  it('that is wanted and cancelled ends as cancelled in the ledger, which pp pipelines check can be asked about', async () => {
    await announce('gone', { survey: 'BLOCK-T427', position: [-23, -30] })
    await cancel('gone')
    const ends = async () => (await unitsSummary(whole.pool, { group: 'gone' })).map(it => it.terminal)
    await expect.poll(ends, { timeout: 30_000 }).toEqual(['cancelled'])
    const check = (group: string) => said((config, print) => checkPipelines(config, { group, json: false }, print))
    const answer = await check('gone')
    expect(answer).toContain('LATISS gone, survey "BLOCK-T427", RA 337, declination -30')
    expect(answer).toContain('Detector 0: rule 9 (survey "BLOCK-T427") → Isr')
    await expect(check('never')).rejects.toThrow('The ledger has no unit of group never and LATISS, LSSTComCam')
  }, 60_000)

  it('that cannot be used is parked with its reason, or was refused by the broker, and its neighbours go on', async () => {
    const contract = avroType('next-visit')
    const id = await summit.register('next-visit-value', contract.schema)
    const entire = frame(id, contract.encode(nextVisitAt(Date.now(), { groupId: 'bad-cut' })))
    await announce('bad-before', {})
    await announce('bad-enum', { coordinateSystem: 0n })
    await announce('bad-system', { rotationSystem: 3n })
    await announce('bad-camera', { instrument: 'NIRCam' })
    await announce('bad-stale', nextVisitAt(Date.now() - 4_000_000, { groupId: 'bad-stale' }))
    await announce('bad-blank', { instrument: '' })
    await summit.send('next-visit', entire.subarray(0, entire.length - 20))
    await summit.send('next-visit', Buffer.from('no Avro at all'))
    // The topic takes records of 1 MiB: what is larger is the sender's to hear of, and costs us nothing.
    await expect(summit.send('next-visit', Buffer.alloc(20 << 20))).rejects.toThrow(/larger than|too large/i)
    await announce('bad-after', { private_efdStamp: 0, private_sndStamp: 0 })
    await expect
      .poll(async () => (await visitsOf('bad-')).map(it => it.announcement.group), { timeout: 30_000 })
      .toEqual([...['bad-after', 'bad-before']])
    const reasons = (await valuesOf<Parked>(parked.topic, 'parked')).map(({ code, reason }) => `${code}: ${reason}`)
    expect(reasons).toHaveLength(6)
    for (const sentence of [
      'bad-enum: coordinateSystem is 0; allowed are 1 NONE, 2 ICRS, 3 OBSERVED, 4 MOUNT',
      'unsupported-system: rotationSystem is 3 HORIZON; usable are 1 NONE and 2 SKY',
      'unknown-instrument: instrument is "NIRCam"; processed here are LATISS, LSSTComCam, LSSTCam, HSC',
      'stale: the announcement of LATISS bad-stale came 4000 s after it was published; allowed are 3600 s',
      'undecodable: The first byte is 110, not 0',
    ])
      expect(
        reasons.some(reason => reason.startsWith(sentence)),
        sentence,
      ).toBe(true)
  }, 60_000)
})

describe('a parked record', () => {
  const RAW = 'LATISS/20260224/AT_O_20260224_000123/AT_O_20260224_000123_R00_S00.fits'
  const dlq = (action: 'redrive' | 'drop', filters: Filters & { apply?: boolean }, ids: readonly string[] = []) =>
    said((config, print) =>
      orderParked(config, action, ids, { reason: 'mended', by: 'ann', json: true, ...filters }, print),
    )
  interface Listed {
    readonly id: string
    readonly attempt: number
    readonly mark?: { readonly action: string }
  }
  const list = async (filters: Filters & { all?: boolean }) =>
    JSON.parse(
      await said((config, print) => listParked(config, { limit: '50', json: true, ...filters }, print)),
    ) as Listed[]
  const parkedOf = async (filters: Filters, count: number) => {
    await expect.poll(async () => (await list({ ...filters, all: true })).length, { timeout: 30_000 }).toBe(count)
    return list({ ...filters, all: true })
  }
  const arrivals = async () =>
    (await valuesOf<RawArrival>(rawArrival.topic, 'raw-arrival')).filter(({ key }) => key === RAW)

  it('is looked at, put back once what was wrong is mended, and has effect once', async () => {
    const filters = { stage: 'raw-intake', code: 'sidecar-missing', since: '1h' }
    const { rawBucket } = whole.system.config.s3
    await summit.send(
      'raw-notification',
      Buffer.from(JSON.stringify(objectCreated(rawBucket, RAW, Buffer.from(''), Date.now()))),
    )
    const [{ id }] = (await parkedOf(filters, 1)) as [Listed]
    expect(id).toMatch(/^raw-intake:raw-notification\/\d@\d+$/)
    const shown = await said((config, print) => showParked(config, id, { json: false }, print))
    expect(shown).toMatch(/because .*sidecar-missing: .* did not appear within[^]*"eventName": "ObjectCreated:Put"/)

    const listed = await said((config, print) => listParked(config, { limit: '50', json: false, ...filters }, print))
    expect(listed).toMatch(
      /^record .*reason\n[─ ]+\nraw-intake:raw-notification\/.* 1 .*open +sidecar-missing +rubin-summit\//,
    )
    const planned = await said((config, print) =>
      orderParked(config, 'redrive', [id], { reason: 'mended', by: 'ann', json: false }, print),
    )
    expect(planned).toMatch(
      /^Would put back 1 record; nothing was written \(--apply does it\)\n[^]*sidecar-missing +enters now$/,
    )

    // Nothing is mended yet: it comes back, counted.
    expect(JSON.parse(await dlq('redrive', filters))).toMatchObject({ applied: false, chosen: [{ entersNow: true }] })
    expect(await list(filters)).toHaveLength(1)
    expect(JSON.parse(await dlq('redrive', { ...filters, apply: true }))).toMatchObject({ applied: true, refused: [] })
    const again = await parkedOf(filters, 2)
    expect(again.map(({ attempt, mark }) => [attempt, mark?.action])).toEqual([
      [1, 'redrive'],
      [2, undefined],
    ])

    const store = openStore(whole.system.config)
    await store.put(rawBucket, sidecarKey(RAW), Buffer.from(JSON.stringify({ GROUPID: 'parked', CURINDEX: 1 })))
    store.close()
    await Promise.all([1, 2].map(() => dlq('redrive', { ...filters, apply: true }).catch(() => '')))
    await dlq(
      'redrive',
      { apply: true },
      again.map(({ id }) => id),
    )
    await expect.poll(arrivals, { timeout: 30_000 }).toMatchObject([{ group: 'parked' }])
    expect((await whole.recordsOf('raw-notification')).filter(({ value }) => String(value).includes(RAW))).toHaveLength(
      3,
    )
    expect(await list(filters)).toEqual([])
    const deeds = (await valuesOf<Audit>(audit.topic, 'audit')).filter(({ action }) => action === 'dlq redrive')
    expect(deeds.map(({ by, reason }) => [by, reason])).toEqual([
      ['ann', 'mended'],
      ['ann', 'mended'],
    ])
  }, 120_000)

  it('is dropped, with a reason, and refused to who does not say which', async () => {
    await summit.send('raw-notification', Buffer.from('no JSON'))
    const [{ id }] = (await parkedOf({ code: 'not-json' }, 1)) as [Listed]
    const { said: text, code } = await pp(...['dlq', 'drop', id, '--apply', '--by', 'ann', '--reason', 'garbage'])
    expect([code, text]).toEqual([0, expect.stringContaining('Dropped 1 record')])
    expect(await list({ code: 'not-json' })).toEqual([])
    await expect(dlq('redrive', { apply: true })).rejects.toThrow('Which? Give ids')
    await expect(dlq('redrive', {}, ['dispatch:detector-job/0@999999'])).rejects.toThrow('Not parked, or not so')
  }, 60_000)
})

describe('a process with a port for its metrics', () => {
  it.each([
    [
      'effects',
      [
        'pp_tasks{stage="dispatch"}',
        'pp_ledger_open_units{state="announced"} 1\n',
        'pp_input_lag_records{stage="dispatch"',
      ],
    ],
    ['publish', ['pp_commits_total{stage="publish"}', 'pp_outbox_pending ', 'pp_outbox_oldest_seconds ']],
  ])(
    '%s says that it is ready, and what it does, until it is stopped',
    async (role, names) => {
      await announce(`open-${role}`, { survey: 'BLOCK-T427', position: [-23, -30], duration: 600 })
      const [port] = await freePorts(1)
      const env = { ...process.env, PP_CONFIG: whole.system.configFile, PP_METRICS_PORT: String(port) }
      const child = spawn('./pp', ['run', role], { cwd: checkout, env, stdio: 'ignore' })
      const ended = once(child, 'exit')
      try {
        const page = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
        const status = (path: string) =>
          page(path).then(
            it => it.status,
            () => 0,
          )
        await expect.poll(() => status('/readyz'), { timeout: 40_000 }).toBe(200)
        expect(await status('/livez')).toBe(200)
        for (const name of names)
          await expect
            .poll(async () => (await page('/metrics')).text(), { timeout: 20_000, interval: 500 })
            .toContain(`\n${name}`)
      } finally {
        child.kill('SIGTERM')
        expect(await ended).toEqual([0, null])
      }
    },
    90_000,
  )
})

/** The envelope of an announcement, without what a cancellation does not say. */
function cancellationOf(announced: LogeventNextVisit) {
  const { private_sndStamp, private_rcvStamp, private_seqNum, private_identity, private_origin } = announced
  const { private_revCode, private_efdStamp, private_kafkaStamp, salIndex, scriptSalIndex, groupId } = announced
  return {
    ...{ private_sndStamp, private_rcvStamp, private_seqNum, private_identity, private_origin, private_revCode },
    ...{ private_efdStamp, private_kafkaStamp, salIndex, scriptSalIndex, groupId },
  }
}
