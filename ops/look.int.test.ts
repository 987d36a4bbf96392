import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DetectorJob } from '../schemas/avro/generated.ts'
import { associate } from '../sinks/associate/associate.ts'
import { dispatch } from '../sinks/ledger/dispatch.ts'
import { openLeases } from '../sinks/ledger/leases.ts'
import { sweep } from '../sinks/ledger/sweep.ts'
import { announcement, decision, event, jobEvent, raw } from '../sinks/testing/builders.ts'
import { createDatabase, type TestDatabase } from '../sinks/testing/database.ts'
import { type Config, loadConfig } from '../streams/main/config.ts'
import { unitKey } from '../topology/identifiers.ts'
import { activeDetectors, defaultSettings } from '../topology/settings.ts'
import { pipelineResult as stream } from '../topology/streams.ts'
import { pipelineResult as report } from '../topology/testing/sources.ts'
import { nightOf } from './ledger.ts'
import { checkPipelines } from './pipelines.ts'
import { type DeferredVisit, showUnits, type UnitsOptions } from './units.ts'
import { showVisit } from './visit.ts'

let db: TestDatabase
let config: Config
beforeAll(async () => {
  db = await createDatabase()
  config = loadConfig({
    ...{ PP_KAFKA_BROKERS: 'none:1', PP_REGISTRY_URL: 'http://none', PP_S3_ENDPOINT: 'http://none' },
    ...{ PP_S3_ACCESS_KEY_ID: 'k', PP_S3_SECRET_ACCESS_KEY: 'k', PP_POSTGRES_URL: db.url },
  })
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.pool.query('truncate unit cascade')
  await db.pool.query(`update ledger_pulse set beat = now(), live_since = now() - interval '1 min'`)
})

const EVENING = Date.UTC(2026, 10, 22, 23)
const HOUR = 3_600_000
const { group } = announcement
const say = async (...jobs: DetectorJob[]) => {
  for (const job of jobs) await dispatch(db.pool)(jobEvent(job))
}
const of = (instrument: string, name = group) => ({ announcement: { ...announcement, instrument, group: name } })

/** What the command prints. */
async function printed(show: (print: (text: string) => void) => Promise<void>): Promise<string> {
  const lines: string[] = []
  await show(text => lines.push(text))
  return lines.join('\n')
}
const units = (options: Partial<UnitsOptions> = {}, now = EVENING) =>
  printed(print => showUnits(config, { json: false, ...options }, print, now))
const numbers = async (options: Partial<UnitsOptions>, now?: number) =>
  (JSON.parse(await units({ ...options, json: true }, now)) as { detector: number }[]).map(it => it.detector).sort()
const visit = (name: string, json = false) => printed(print => showVisit(config, name, { json }, print))

/** One unit each: published (with a word), failed, missed, announced. */
async function mixedVisit(): Promise<void> {
  await say(
    ...[0, 1].map(detector => decision(detector, { deadline: EVENING, raws: [{ at: EVENING, raw: raw(detector) }] })),
    decision(2, { kind: 'missed', reason: 'nothing came in 190 s', deadline: EVENING }),
    decision(3, { kind: 'announced', deadline: EVENING + 24 * HOUR }),
  )
  await db.pool.query(`update unit set attempt = 0, deadline = now() where inputs = 'ready'`)
  for (const outcome of ['succeeded', 'failed'] as const) {
    const { detector, epoch } = (await openLeases(db.pool).lease({ id: 'w' }))!
    const product = { datasetType: 'post_isr_image', bucket: 'central', size: 1n, sha256: 'd' }
    const result = report([], {
      ...{
        outcome,
        detector,
        epoch,
        worker: 'w',
        pipeline: 'ApPipe',
        products: [{ ...product, key: `out/${detector}/a.fits` }],
      },
      ...(outcome === 'failed'
        ? { reason: 'raw-unreadable', detail: 'raw 1: FITS ends early' }
        : { detail: 'exposure 7: dropped' }),
    })
    await associate(db.pool)(event(stream, unitKey('LATISS', group, detector), result))
  }
  await db.pool.query(`update unit set deadline = to_timestamp($1) where inputs = 'ready'`, [EVENING / 1000])
  await db.pool.query(`update outbox set state = 'sent' where terminal = 'published'`)
}

describe('pp units', () => {
  it('prints a line per unit and how many are in which state', async () => {
    await mixedVisit()
    const text = await units()
    expect(text).toMatch(/LATISS\/\S+\/0 +ready \(complete\) +published +0 sources, 0 new objects; exposure 7: dropped/)
    expect(text).toMatch(/LATISS\/\S+\/1 +ready \(complete\) +failed +raw 1: FITS ends early/)
    expect(text).toMatch(/LATISS\/\S+\/2 +missed +missed +nothing came in 190 s/)
    expect(text.split('\n').at(-2)).toBe('4 units: 1 announced, 1 published, 1 missed, 1 failed')
  })

  it.each<[Partial<UnitsOptions>, number[]]>([
    [{ group }, [0, 1, 2, 3]],
    [{ group: 'another' }, []],
    [{ instrument: 'LSSTCam' }, []],
    [{ state: 'missed' }, [2]],
    [{ state: 'published' }, [0]],
    [{ failed: true }, [1]],
    [{ night: '20261122' }, [0, 1, 2]],
    [{ night: '20261123' }, [3]],
    [{ night: '20261122', state: 'announced' }, []],
  ])('takes %j', async (options, detectors) => {
    await mixedVisit()
    expect(await numbers(options)).toEqual(detectors)
  })

  it('refuses a night that is none, and says so where the ledger does not answer', async () => {
    for (const night of ['tonight', '20261322', '20260230', '2026112'])
      await expect(units({ night })).rejects.toThrow(`"${night}" is no night`)
    expect(nightOf('20260224')[0]).toBe(Date.parse('2026-02-24T11:59:23Z'))
    const away = { ...config, postgres: { ...config.postgres, url: 'postgres://x@127.0.0.1:1/x' } }
    await expect(showUnits(away, { json: false }, () => {})).rejects.toThrow(
      'The ledger cannot be read at postgres.url',
    )
  })

  it("lists the next day's work by visit, until a replay has done it", async () => {
    const stale = { deadline: Date.now() - 20 * HOUR }
    await say(...[0, 1, 2, 4].map(detector => decision(detector, { ...of('LSSTComCam', 'a'), ...stale })))
    await say(decision(7, { ...of('LSSTComCam', 'b'), deadline: Date.now() - 2 * HOUR }), decision(0))
    expect(await units({ deferred: true })).toBe('Nothing was deferred.')
    expect(await sweep(db.pool)).toMatchObject({ deferred: 5 })
    const text = await units({ deferred: true })
    expect(text).toMatch(/LSSTComCam +a +4 +0-2, 4 +found-stale: not started within 3600 s after its deadline/)
    expect(text.split('\n').at(-1)).toBe('5 units of 2 visits are deferred')
    const list = JSON.parse(await units({ deferred: true, json: true })) as DeferredVisit[]
    expect(list).toMatchObject([
      { instrument: 'LSSTComCam', group: 'a', detectors: [0, 1, 2, 4], reason: 'found-stale' },
      { group: 'b', detectors: [7] },
    ])
    await say(decision(7, { ...of('LSSTComCam', 'b'), attempt: 1_795_000_000_000 }))
    expect(JSON.parse(await units({ deferred: true, json: true }))).toHaveLength(1)
  })

  it('takes tonight and what has not ended, and says so; of other nights what is asked for', async () => {
    await mixedVisit()
    const dayLater = EVENING + 24 * HOUR
    expect(await numbers({}, EVENING)).toEqual([0, 1, 2, 3])
    expect(await numbers({}, dayLater)).toEqual([3])
    expect(await numbers({ failed: true }, dayLater)).toEqual([])
    expect(await numbers({ failed: true, all: true }, dayLater)).toEqual([1])
    expect(await numbers({ all: true }, dayLater)).toEqual([0, 1, 2, 3])
    expect(await units({}, dayLater)).toMatch(
      /\n1 units: 1 announced\nof the night 20261123, or not ended; .* all there are: --all$/,
    )
    // Of a night long over: one whose alerts are not out, one that is cancelled but not decided, one that somebody works on.
    await db.pool.query(`update outbox set state = 'pending' where terminal = 'published'`)
    await db.pool.query(`update unit set withdrawn = true where inputs = 'announced'`)
    await db.pool.query(
      `update unit set inputs = 'ready', completeness = 'partial', work = 'leased', lease_until = now() where detector = 2`,
    )
    await db.pool.query(`delete from outbox where detector = 2`)
    expect(await numbers({}, EVENING + 240 * HOUR)).toEqual([0, 2, 3])
  })
})

it('pp pipelines check says of a visit whose camera is not processed any more that it is not', async () => {
  await say(decision(0))
  const { LSSTCam } = config.decide.instruments
  const later = { ...config, decide: { ...config.decide, instruments: { LSSTCam: LSSTCam! } } }
  const check = () => checkPipelines(later, { group, instrument: 'LATISS', json: false }, () => {})
  await expect(check()).rejects.toThrow('LATISS is not processed here (decide.instruments); processed are LSSTCam')
})

describe('pp visit show', () => {
  it('tells what was announced, how each unit stands, and where its products are', async () => {
    await mixedVisit()
    const text = await visit(group)
    expect(text).toContain(`visit       LATISS/${group}`)
    expect(text).toContain('survey      spec, filter SDSSr_65mm, 1 image\n')
    expect(text).toContain('units       4: 1 announced, 1 published, 1 missed, 1 failed')
    expect(text).toMatch(/^0 +published +complete +23:00:00.0 +\+\d+.*ApPipe: 0 sources, 0 new objects; exposure 7/m)
    expect(text).toMatch(/^1 +failed .* raw-unreadable: raw 1: FITS ends early$/m)
    expect(text).toMatch(/^0 +s3:\/\/central\/out\/0\/ +a.fits$/m)
  })

  it('draws the focal plane of a large camera, and lists only what needs a look', async () => {
    const detectors = activeDetectors(defaultSettings, 'LSSTCam')!.filter(detector => detector !== 94)
    await say(...detectors.map(detector => decision(detector, { ...of('LSSTCam'), kind: 'announced' })))
    await db.pool.query(
      `update unit set inputs = 'ready', completeness = 'complete', work = 'published', committed_at_mjd_tai = 1`,
    )
    await db.pool.query(
      `insert into outbox (unit, attempt, shard, state, terminal, instrument, group_id, detector, exposures, products,
         dia_sources, dia_objects, deadline, terminal_at)
       select key, 0, 0, 'sent', 'published', instrument, group_id, detector, '{}', '[]', 0, 0, deadline, now() from unit`,
    )
    await say(decision(94, { ...of('LSSTCam'), kind: 'missed', reason: 'nothing came' }))
    const text = await visit(group)
    const plane = text.split('\n').filter(line => /^[ .PM]+$/.test(line) && line.trim() !== '')
    expect(plane).toHaveLength(15)
    expect(plane.join('').replaceAll(/[^.]/g, '')).toHaveLength(189 - 172)
    // R22_S11, in the middle.
    expect(plane[7]).toBe('PPP PPP PMP PPP PPP')
    expect(text).toContain('171 units were published with nothing to say')
    expect(text).toMatch(/^94 +missed .* no-raws-in-time: nothing came$/m)
  })

  it('says everything as JSON, ids unharmed', async () => {
    await mixedVisit()
    const [shown] = JSON.parse(await visit(group, true)) as [
      { announcement: unknown; units: Record<string, unknown>[] },
    ]
    expect(shown).toMatchObject({ instrument: 'LATISS', group, announcement: { survey: 'spec' } })
    expect(shown.units[1]).toMatchObject({
      ...{ detector: 1, state: 'failed', exposures: ['2026112100042'], worker: 'w' },
      endings: [{ attempt: 0, terminal: 'failed', told: false }],
    })
  })

  it('tells of a replay what was before it, and of a committed unit that it was not redone', async () => {
    await mixedVisit()
    await say(...[0, 1].map(detector => decision(detector, { attempt: 1_795_000_000_000 })))
    const text = await visit(group)
    expect(text).toMatch(/^0 .*not redone by the replay of 2026-\d\d-\d\d .* UTC: it is committed$/m)
    expect(text).toMatch(/^1 +ready .*replay of 2026-.* UTC, before: failed$/m)
  })

  it('of an unknown group names those beside it, and of none says that', async () => {
    await expect(visit('x')).rejects.toThrow('knows no visit of group "x"; it knows none at all yet')
    for (const name of ['2026-11-21T01', '2026-11-22T03', '2026-11-23T05', '2026-11-24T07', '2026-11-25T09'])
      await say(decision(0, of('LATISS', name)))
    await expect(visit('2026-11-22T04')).rejects.toThrow(
      'nearest are: 2026-11-21T01, 2026-11-22T03, 2026-11-23T05, 2026-11-24T07, 2026-11-25T09',
    )
  })
})
