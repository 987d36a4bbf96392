import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DiaObject, DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { associate as decide } from '../../topology/association/associate.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { pipelineResult as stream } from '../../topology/streams.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { openLeases } from '../ledger/leases.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { associate } from './associate.ts'

const WRITERS = 16
const ROUNDS = 6
const ARCSEC = 1 / 3600
/** Four fields of ten stars, half a degree apart: an image has one of them or two that are neighbours. */
const fields = [30, 30.5, 31, 31.5].map(ra =>
  Array.from({ length: 10 }, (_, i) => [ra + i * 0.002, -20 + i * 0.001] as const),
)

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

/** What one image finds: which of the stars, each a little off and of some flux, in any order. */
const image = fc.record({ first: fc.nat(fields.length - 1), isWide: fc.boolean() }).chain(({ first, isWide }) => {
  const stars = fields.slice(first, first + (isWide ? 2 : 1)).flat()
  const detection = (star: readonly [number, number]) =>
    fc.record({
      star: fc.constant(star),
      off: fc.integer({ min: -300, max: 300 }),
      psfFlux: fc.integer({ min: 100, max: 9999 }),
    })
  return fc.shuffledSubarray(stars, { minLength: 1 }).chain(found => fc.tuple(...found.map(detection)))
})

type Image = typeof image extends fc.Arbitrary<infer I> ? I : never

/** Announces and leases a unit of its own for each image; what its worker will report. */
async function prepare(images: readonly Image[], round: number): Promise<PipelineResult[]> {
  const results: PipelineResult[] = []
  for (const [i, found] of images.entries()) {
    const n = round * WRITERS + i
    const [visit, group, midpointMjdTai] = [2026112100042n + BigInt(n), `visit ${n}`, 61365 + n / 1000]
    const raws = [{ at: Date.now(), raw: { ...raw(0, visit), group } }]
    await dispatch(db.pool)(jobEvent(decision(0, { announcement: { ...announcement, group }, raws })))
    const { epoch } = (await openLeases(db.pool).lease({ id: 'w' }))!
    const sources = found.map(({ star: [ra, dec], off, psfFlux }, k) =>
      source(k + 1, ra + (off / 1000) * ARCSEC, dec, { visit, midpointMjdTai, psfFlux }),
    )
    results.push(report(sources, { visit, exposures: [visit], group, epoch, midpointMjdTai, boundary: [] }))
  }
  return results
}

/** The same reports one after the other, in the order in which they were committed: every version of every object. */
async function inSequence(results: readonly PipelineResult[]): Promise<DiaObject[]> {
  const { rows } = await db.pool.query<{ group_id: string; at: number }>(
    'select group_id, committed_at_mjd_tai as at from unit order by committed_at_mjd_tai',
  )
  const versions: DiaObject[] = []
  const open = new Map<bigint, DiaObject>()
  const history: DiaSource[] = []
  for (const { group_id, at } of rows) {
    const result = results.find(({ group }) => group === group_id)!
    const { objects, sources } = decide(result, { objects: [...open.values()], history }, at)
    history.push(...sources)
    for (const object of objects) open.set(object.diaObjectId, object)
    versions.push(...objects)
  }
  return versions
}

const narrow = wholeSchema('lsst.v11_1.diaObject').fields!.filter(({ type }) =>
  JSON.stringify(type).includes('"float"'),
)
const asStored = (object: DiaObject): Record<string, unknown> => {
  const row: Record<string, unknown> = { ...object }
  for (const { name } of narrow) if (typeof row[name] === 'number') row[name] = Math.fround(row[name])
  return row
}

it(`${WRITERS} at once on shared objects, ${ROUNDS} times: what they leave is what they would have left one after the other`, async () => {
  const seed = Number(process.env.SEED ?? 16)
  const pool = db.open({ max: WRITERS })
  const all: PipelineResult[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const images = fc.sample(image, { seed: seed + round, numRuns: WRITERS })
    const results = await prepare(images, round)
    const landings: string[] = []
    const land = associate(pool, (_, landing) => landings.push(landing))
    // A deadlock, or a statement that waited too long for a lock, would reject.
    await Promise.all(results.map(result => land(event(stream, unitKey('LATISS', result.group, 0), result))))
    expect(landings, `SEED=${seed}`).toEqual(images.map(() => 'committed'))
    all.push(...results)
  }

  const { rows } = await db.pool.query<DiaObject & { validityEndMjdTai: number | null; pixelId: bigint }>(
    'select * from "DiaObject" order by "diaObjectId", "validityStartMjdTai"',
  )
  const expected = await inSequence(all)
  const key = ({ diaObjectId, validityStartMjdTai }: DiaObject) => `${diaObjectId}@${validityStartMjdTai}`
  const wanted = new Map(expected.map(object => [key(object), asStored(object)]))
  expect(rows.length, `SEED=${seed}`).toBe(wanted.size)
  for (const row of rows) expect(row, `SEED=${seed}`).toMatchObject(wanted.get(key(row))!)
  // Each object's versions follow each other without gap or overlap; the last is open.
  for (const [i, row] of rows.entries()) {
    const next = rows[i + 1]
    expect(row.validityEndMjdTai).toBe(next?.diaObjectId === row.diaObjectId ? next.validityStartMjdTai : null)
  }
})
