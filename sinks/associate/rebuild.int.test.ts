import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { codecWith } from '../../schemas/codec.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { alertsRetracted, detectorResult, pipelineResult as reports } from '../../topology/streams.ts'
import { pipelineResult, source } from '../../topology/testing/sources.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { defaultRules, openLeases } from '../ledger/leases.ts'
import { openObjectStore } from '../objects/s3.ts'
import { type OutboxRow, toResult } from '../publish/outbox.ts'
import { addMonth, detachMonth } from '../postgres/partitions.ts'
import { transact } from '../postgres/pool.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { archiveResults } from './archive-results.ts'
import { associate } from './associate.ts'
import { comparedTables, diffTable } from './diff.ts'
import { rebuild } from './rebuild.ts'
import { withdrawSources } from './withdraw.ts'

/** A night that is committed and archived as it happens, then made again from the archive alone. */

const store = openObjectStore(inject('services').s3)
const codec = codecWith(new Map([['pipeline-result', 7]]))
let live: TestDatabase
let made: TestDatabase
let bucket: string
beforeAll(async () => {
  live = await createDatabase()
})
afterAll(async () => {
  await live.drop()
  store.close()
})
beforeEach(async () => {
  await live.pool.query(
    'truncate unit, "DiaObject", "DiaSource", "DiaForcedSource", "SSSource", "mpc_orbits", dia_source_provenance cascade',
  )
  made = await createDatabase()
  bucket = `test-${randomBytes(6).toString('hex')}`
  await store.createBucket(bucket)
  return () => made.drop()
})

const archive = () => archiveResults(store, bucket, codec)

/** One unit through dispatch, a lease and associate; its report, as the topic has it. */
async function commit(visitNumber: number, detector: number, places: readonly (readonly [number, number])[]) {
  const visit = 2026112100042n + BigInt(visitNumber)
  const group = `visit/${visitNumber}`
  const job = decision(detector, {
    announcement: { ...announcement, group },
    raws: [{ at: Date.now(), raw: { ...raw(detector, visit), group } }],
  })
  await dispatch(live.pool)(jobEvent(job))
  const { epoch } = (await openLeases(live.pool, { ...defaultRules, backOffSeconds: 0 }).lease({ id: 'w' }))!
  const midpointMjdTai = 61365 + visitNumber / 100
  const sources = places.map(([ra, dec], i) =>
    source(i + 1, ra, dec, { visit, detector, midpointMjdTai, psfFlux: 900 + 7.3 * visitNumber + i }),
  )
  const more = { visit, exposures: [visit], group, detector, epoch, midpointMjdTai }
  // As it comes off the topic: fluxes there have 32 bits.
  const result = codec.decode('pipeline-result', codec.encode('pipeline-result', pipelineResult(sources, more)))
  const unit = unitKey('LATISS', group, detector)
  await associate(live.pool)(event(reports, unit, result))
  return { unit, result }
}

async function archiveAll(results: readonly { readonly unit: string; readonly result: PipelineResult }[]) {
  const { rows } = await live.pool.query<OutboxRow>('select * from outbox')
  const effect = archive()
  const events = [
    ...results.map(({ unit, result }) => event(reports, unit, result)),
    ...rows.map(row => event(detectorResult, `LATISS/${row.group_id}`, toResult(row, 0))),
  ]
  await Promise.all(events.map(effect))
}

const differences = async () => {
  const diffs = []
  for (const table of comparedTables) diffs.push(await diffTable(live.pool, made.pool, table))
  return diffs
}
const same = { onlyLeft: 0, onlyRight: 0, different: 0, examples: [] }

describe('a rebuilt APDB', () => {
  it('has the rows of the live one, to the last bit, whatever the units and their order', async () => {
    const place = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -3, max: 3 }))
    const unit = fc.uniqueArray(place, { maxLength: 5, selector: ([star]) => star })
    const nights = fc.array(unit, { minLength: 4, maxLength: 12 })
    // A star is seen again within its arc second; errors of a third of it move its mean about.
    const [night] = fc.sample(nights, { seed: 7, numRuns: 1 })
    const results = []
    for (const [i, stars] of night!.entries()) {
      const places = stars.map(([star, off]) => [30 + star / 100, -20 + off / 3600 / 9] as const)
      results.push(await commit(i >> 1, i & 1, places))
    }
    await archiveAll(results)
    const rebuilt = await rebuild(made.pool, store, bucket)
    expect(rebuilt).toMatchObject({ commits: night!.length, sources: night!.flat().length })
    const diffs = await differences()
    for (const diff of diffs) expect(diff).toMatchObject(same)
    expect(diffs.find(({ table }) => table === 'DiaSource')!.equal).toBe(night!.flat().length)
  })

  it('goes on where it stopped, and next day from there', async () => {
    const first = [await commit(1, 0, [[30, -20]]), await commit(2, 0, [[30, -20]]), await commit(3, 0, [])]
    await archiveAll(first)
    const killed = new Error('killed')
    const stopping = rebuild(made.pool, store, bucket, (_, before) => {
      if (before === 1) throw killed
    })
    await expect(stopping).rejects.toBe(killed)
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 1, sources: 0 })
    await archiveAll([await commit(4, 0, [[30, -20]])])
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 1, sources: 1, objects: 0 })
    for (const diff of await differences()) expect(diff).toMatchObject(same)
  })

  it('has the withdrawals of the live one, whenever each was archived: before its commit was, or after the commits were applied', async () => {
    const units = [
      await commit(1, 0, [[30, -20]]),
      await commit(2, 0, [
        [30, -20],
        [30.1, -20],
      ]),
    ]
    const ids = units.map(({ result }) => result.sources[0]!.diaSourceId)
    const retract = async (id: bigint) => {
      await transact(live.pool, client => withdrawSources(client, [id]))
      const { rows } = await live.pool.query<{ at: number }>(
        'select "timeWithdrawnMjdTai" as at from "DiaSource" where "diaSourceId" = $1',
        [id],
      )
      const told = { diaSourceId: id, timeWithdrawnMjdTai: rows[0]!.at, reason: 'ghost', by: 'kim', at: Date.now() }
      await archive()(event(alertsRetracted, String(id), told))
    }
    await retract(ids[0]!)
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 0, withdrawn: 0 })
    await archiveAll(units)
    // What follows a withdrawn source is associated with its object as ever.
    await archiveAll([await commit(3, 0, [[30, -20]])])
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 3, withdrawn: 1 })
    for (const diff of await differences()) expect(diff).toMatchObject(same)
    await retract(ids[1]!)
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 0, withdrawn: 1 })
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 0, withdrawn: 0 })
    for (const diff of await differences()) expect(diff).toMatchObject(same)
  })

  it('is not gone on with past a commit that reads a month which is detached there', async () => {
    await archiveAll([await commit(1, 0, [[30, -20]])])
    for (const month of ['2025-10', '2026-03']) await addMonth(made.pool, month)
    for (const month of ['2025-10', '2026-03']) await detachMonth(made.pool, month)
    await expect(rebuild(made.pool, store, bucket)).rejects.toThrow(
      'LATISS/visit/1/0: its commit reads 2026-03, which is detached from the database to rebuild into. Attach it again (pp apdb partitions add 2026-03 --apply',
    )
    await addMonth(made.pool, '2026-03')
    expect(await rebuild(made.pool, store, bucket)).toMatchObject({ commits: 1, sources: 1 })
    for (const diff of await differences()) expect(diff).toMatchObject(same)
  })

  it('is told apart from one in which a single number differs, or a row is missing', async () => {
    await archiveAll([
      await commit(1, 0, [
        [30, -20],
        [30.1, -20],
      ]),
    ])
    await rebuild(made.pool, store, bucket)
    await made.pool.query(`update "DiaObject" set "ra" = "ra" + 1e-13 where "ra" = 30.1`)
    await live.pool.query(`delete from dia_source_provenance where cutout_key like '%' and difference_offset = 0`)
    const diffs = await differences()
    const of = (wanted: string) => diffs.find(({ table }) => table === wanted)!
    const [objects, provenance] = [of('DiaObject'), of('dia_source_provenance')]
    expect(objects).toMatchObject({ equal: 1, different: 1 })
    expect(objects.examples[0]).toMatch(/^diaObjectId \d+, validityStartMjdTai \d+\.\d+: ra 30\.1 and 30\.1000\d+$/)
    expect(provenance).toMatchObject({ equal: 1, onlyRight: 1 })
  })

  it('is refused over rows that no rebuild wrote, and without a report that was committed', async () => {
    const done = [await commit(1, 0, [[30, -20]])]
    await archiveAll(done)
    await expect(rebuild(live.pool, store, bucket)).rejects.toThrow(/has rows in "DiaObject" that no rebuild wrote/)
    await commit(2, 0, [[30, -20]])
    await archiveAll([])
    await expect(rebuild(made.pool, store, bucket)).rejects.toThrow(
      `LATISS/visit/2/0: its commit is archived, its report ${bucket}/rebuild/results/LATISS/visit/2/0/0-1.avro.gz is not`,
    )
  })
})
