import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DiaSource } from '../../schemas/avro/generated.ts'
import { WINDOW_DAYS } from '../../topology/association/associate.ts'
import { objectFrom } from '../../topology/association/objects.ts'
import { VISIT_SLACK_DAYS } from '../../topology/association/check.ts'
import { dayObsOf, diaSourceId, exposureId, unitKey } from '../../topology/identifiers.ts'
import { htmIndex } from '../../topology/htm.ts'
import { instantOfMjdTai } from '../../topology/model/time.ts'
import { ARCSEC, vectorOf } from '../../topology/sphere.ts'
import { pipelineResult as stream } from '../../topology/streams.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { associate } from '../associate/associate.ts'
import { readSky } from '../associate/sky.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { openLeases } from '../ledger/leases.ts'
import type { OutboxRow } from '../publish/outbox.ts'
import { packAlerts } from '../publish/pack.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { insertRows } from './columns.ts'
import { addMonth } from './partitions.ts'
import { type Pool, transact } from './pool.ts'

const region = { center: vectorOf(30, -20), radius: 60 * ARCSEC }
const store = { getRange: () => Promise.resolve(Buffer.alloc(30)) }
const months = Array.from({ length: 17 }, (_, i) => new Date(Date.UTC(2025, 7 + i)).toISOString().slice(0, 7))

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
  for (const month of months) await addMonth(db.pool, month)
})
afterAll(() => db.drop())
beforeEach(() =>
  db.pool.query('truncate unit, "DiaObject", "DiaSource", "DiaForcedSource", dia_source_provenance cascade'),
)

/** A pool that notes which partitions the plan of each of its queries would read. */
function watched(): { pool: Pool; read: () => readonly string[] } {
  const read = new Set<string>()
  const query = async (text: string, values: unknown[]) => {
    const { rows } = await db.pool.query<Record<string, string>>(`explain ${text}`, values)
    for (const line of rows.flatMap(row => Object.values(row))) {
      const [, table, part] = /Scan.* on "?(\w+)_(\d{6}|default)\b/.exec(line) ?? []
      if (table !== undefined) read.add(`${table} ${part}`)
    }
    return db.pool.query(text, values)
  }
  return { pool: { query } as unknown as Pool, read: () => [...read].sort() }
}
const of = (table: string, first: string, last = months.at(-1)!) => [
  ...months.filter(it => it >= first && it <= last).map(month => `${table} ${month.replace('-', '')}`),
  `${table} default`,
]

async function commit(visit: bigint, midpointMjdTai: number): Promise<OutboxRow> {
  const group = `visit ${visit}`
  const job = decision(0, {
    announcement: { ...announcement, group },
    raws: [{ at: Date.now(), raw: { ...raw(0, visit), group } }],
  })
  await dispatch(db.pool)(jobEvent(job))
  const { epoch } = (await openLeases(db.pool).lease({ id: 'w' }))!
  const result = report([source(1, 30, -20, { visit, midpointMjdTai })], { visit, group, epoch, midpointMjdTai })
  await associate(db.pool)(event(stream, unitKey('LATISS', group, 0), result))
  const { rows } = await db.pool.query<OutboxRow>('select * from outbox where group_id = $1', [group])
  return rows[0]!
}

it('association and alerts read the months of their window, and of the unit itself its own', async () => {
  const visit = 2026112100042n
  await commit(visit - 1n, 61365.1)
  const row = await commit(visit, 61365.2)

  const sky = watched()
  expect((await readSky(sky.pool, region, 61365.2)).history).toHaveLength(2)
  // 61365.2 less 360 days is 26 November 2025, and the slack of a month reaches into October.
  expect(sky.read()).toEqual(of('DiaSource', '2025-10'))

  const pack = watched()
  expect(await packAlerts(pack.pool, store, row)).toMatchObject([
    { prvDiaSources: [{ diaObjectId: diaSourceId(visit - 1n, 0, 1) }] },
  ])
  expect(pack.read()).toEqual(
    [
      ...of('DiaForcedSource', '2025-10'),
      ...of('DiaSource', '2025-10'),
      ...of('dia_source_provenance', '2026-11', '2026-11'),
    ].sort(),
  )
})

it('leaves out no row that the question asks for, of whatever day and release', async () => {
  const seed = Number(process.env.SEED ?? 11)
  const object = { ...objectFrom(source(1, 30, -20)), diaObjectId: 1n, pixelId: htmIndex(30, -20) }
  const part = fc.record({
    midpointMjdTai: fc.double({ min: 60_900, max: 61_400, noNaN: true }),
    late: fc.double({ min: 0, max: VISIT_SLACK_DAYS, noNaN: true }),
    release: fc.constantFrom(0, 1, 1, 1, 2, 63),
  })
  const rows = fc.sample(part, { seed, numRuns: 1_000 }).map(({ midpointMjdTai, late, release }, i): DiaSource => {
    const visit = exposureId(dayObsOf(instantOfMjdTai(midpointMjdTai - late)), i)
    return source(1, 30, -20, {
      midpointMjdTai,
      visit,
      diaObjectId: 1n,
      diaSourceId: diaSourceId(visit, 0, 1, release),
    })
  })
  await transact(db.pool, async client => {
    await insertRows(client, 'DiaObject', [object])
    await insertRows(
      client,
      'DiaSource',
      rows.map(row => ({ ...row, pixelId: object.pixelId })),
    )
  })
  for (const visit of fc.sample(fc.double({ min: 61_200, max: 61_800, noNaN: true }), { seed, numRuns: 40 })) {
    const { history } = await readSky(db.pool, region, visit)
    const wanted = rows.filter(row => row.midpointMjdTai >= visit - WINDOW_DAYS)
    expect(history.map(it => it.diaSourceId).sort()).toEqual(wanted.map(it => it.diaSourceId).sort())
  }
})
