import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { rubinPython } from '../../schemas/testing/python.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { angle, ARCSEC, vectorOf } from '../../topology/sphere.ts'
import { pipelineResult as stream } from '../../topology/streams.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { openLeases } from '../ledger/leases.ts'
import { type ApdbTable, apdbTables } from '../postgres/columns.ts'
import { addMonth } from '../postgres/partitions.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { associate } from './associate.ts'

/** The observatory's own reader of its database, from its package, opens ours. */
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined

const prelude = `
import sys, json, math
import astropy.time, numpy, pandas, sqlalchemy
from lsst.dax.apdb.sql import ApdbSql, ApdbSqlConfig
from lsst.sphgeom import Angle, Circle, LonLat, UnitVector3d
asked = json.load(sys.stdin)
def plain(x):
    if x is None or x is pandas.NA or (isinstance(x, (float, numpy.floating)) and math.isnan(x)): return None
    if isinstance(x, (bool, numpy.bool_)): return bool(x)
    if isinstance(x, (int, numpy.integer)): return str(x)
    return float(x) if isinstance(x, (float, numpy.floating)) else x
rows = lambda frame: None if frame is None else [{n: plain(x) for n, x in r.items()} for r in frame.astype(object).to_dict('records')]
config = ApdbSqlConfig(db_url=asked['url'])
config.pixelization.htm_level = 7
`
const read = `${prelude}
apdb = ApdbSql(config)
ra, dec, radius = asked['region']
region = Circle(UnitVector3d(LonLat.fromDegrees(ra, dec)), Angle.fromDegrees(radius))
time = astropy.time.Time(asked['mjd'], format='mjd', scale='tai')
ids = [int(i) for i in asked['ids']]
print(json.dumps({
  'config': [apdb.config.enable_replica, apdb.config.dia_object_index, apdb.config.pixelization.htm_level],
  'versions': [apdb.metadata.get('version:schema'), str(apdb.apdbImplementationVersion()), str(apdb.schema.schemaVersion())],
  'objects': rows(apdb.getDiaObjects(region)),
  'byIds': rows(apdb.getDiaSources(region, ids, time)),
  'byRegion': rows(apdb.getDiaSources(region, None, time)),
  'byNone': rows(apdb.getDiaSources(region, [], time)),
  'forced': rows(apdb.getDiaForcedSources(region, ids, time)),
  'contains': [apdb.containsVisitDetector(int(v), d) for v, d in asked['units']],
}))
`
/** What its code would create, beside what is there. */
const compare = `${prelude}
apdb = ApdbSql(config)
there = sqlalchemy.inspect(apdb._engine)
dialect = apdb._engine.dialect
def kind(t):
    # Ours has no limit of length: where theirs refuses a longer text, ours keeps it.
    name = t.compile(dialect=dialect)
    return {'FLOAT': 'REAL', 'DOUBLE': 'DOUBLE PRECISION'}.get(name, 'TEXT' if name.startswith('VARCHAR') else name)
found = {}
for name, table in apdb._schema._metadata.tables.items():
    columns = {c['name']: [kind(c['type']), c['nullable']] for c in there.get_columns(name)}
    indexes = {tuple(i['column_names']) for i in there.get_indexes(name)}
    found[name] = {
      'columns': [c.name for c in table.columns if columns.get(c.name) != [kind(c.type), c.nullable]],
      'more': sorted(set(columns) - {c.name for c in table.columns}),
      'key': [[c.name for c in table.primary_key], there.get_pk_constraint(name)['constrained_columns']],
      'indexes': [[c.name for c in i.columns] for i in table.indexes if tuple(c.name for c in i.columns) not in indexes],
    }
print(json.dumps(found))
`
const refuse = `${prelude}
try:
    ApdbSql(config)
    print(json.dumps('opened'))
except Exception as error:
    print(json.dumps(type(error).__name__))
`
async function ask<T>(script: string, asked: object): Promise<T> {
  return JSON.parse('run' in python ? await python.run(script, JSON.stringify({ url: url(), ...asked })) : 'null') as T
}

let db: TestDatabase
const url = () => db.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:')
beforeAll(async () => {
  db = await createDatabase()
  await addMonth(db.pool, '2026-11')
})
afterAll(() => db.drop())

const VISIT = 2026112100042n
type Place = readonly [ra: number, dec: number]
const far: Place = [0.001, 60]
const places: readonly Place[] = [
  [30, -20],
  [30.002, -20.001],
  [30.004, -20.003],
]

/** One unit of LATISS, committed: detections at these places, and forced photometry at the objects given. */
async function commit(n: number, where: readonly Place[], midpointMjdTai: number, forced: readonly DiaObject[] = []) {
  const visit = VISIT + BigInt(n)
  const group = `visit ${n}`
  const job = decision(0, {
    announcement: { ...announcement, group },
    raws: [{ at: Date.now(), raw: { ...raw(0, visit), group } }],
  })
  await dispatch(db.pool)(jobEvent(job))
  const { epoch } = (await openLeases(db.pool).lease({ id: 'w' }))!
  const more = {
    visit,
    midpointMjdTai,
    snr: 7.3,
    shape_flag: n % 2 === 0,
    trailRa: 30.1,
    reliabilityVersion: 'tab\\t and "π"',
  }
  const sources = where.map(([ra, dec], i) => source(i + 1, ra, dec, { ...more, psfFlux: 1000.1 + n }))
  const result = report(sources, {
    ...{ visit, exposures: [visit], group, epoch, midpointMjdTai },
    ...(where.includes(far) && { boundary: [] }),
    forced: forced.map(({ diaObjectId, ra, dec }) => ({
      ...{
        diaObjectId,
        diaSourceId: null,
        ra,
        dec,
        psfFlux: 12.3,
        psfFluxErr: 1.1,
        scienceFlux: null,
        scienceFluxErr: null,
      },
    })),
  })
  await associate(db.pool)(event(stream, unitKey('LATISS', group, 0), result))
  return visit
}

/** A row of ours as JSON that theirs must equal: ids as text, 32-bit numbers rounded. */
function plain(table: ApdbTable, row: object): Record<string, unknown> {
  const fields = wholeSchema(apdbTables[table]).fields!
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = (row as Record<string, unknown>)[name]
      const isInteger = typeof value === 'number' && /"(int|long)"/.test(JSON.stringify(type))
      return [name, typeof value === 'bigint' || isInteger ? String(value) : value]
    }),
  )
}
/** Theirs with 32-bit numbers rounded: the driver gives them with the digits of decimal text. */
function rounded(table: ApdbTable, row: Record<string, unknown>): Record<string, unknown> {
  const fields = wholeSchema(apdbTables[table]).fields!
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = row[name]
      return [name, typeof value === 'number' && /"float"/.test(JSON.stringify(type)) ? Math.fround(value) : value]
    }),
  )
}
const byId = (rows: readonly Record<string, unknown>[], ...keys: string[]) => {
  const key = (row: Record<string, unknown>) => keys.map(name => String(row[name])).join(' ')
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

type Rows = readonly Record<string, unknown>[]
interface Answer {
  readonly config: readonly unknown[]
  readonly versions: readonly string[]
  readonly objects: Rows
  readonly byIds: Rows
  readonly byRegion: Rows
  readonly byNone: Rows
  readonly forced: Rows
  readonly contains: readonly boolean[]
}

describe.skipIf(missing !== undefined)(`ApdbSql${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  it('finds the tables, columns, types, keys and indexes that it would have created', async () => {
    const found = await ask<
      Record<string, { columns: string[]; more: string[]; key: string[][]; indexes: string[][] }>
    >(compare, {})
    expect(Object.keys(found).sort()).toEqual([
      'DiaForcedSource',
      'DiaObject',
      'DiaObject_To_Object_Match',
      'DiaSource',
      'metadata',
    ])
    for (const [table, { columns, more, key, indexes }] of Object.entries(found))
      expect({ table, columns, more, key: key[1], indexes }).toEqual({
        table,
        columns: [],
        more: [],
        key: key[0],
        indexes: [],
      })
  })

  it('reads the rows that were committed, and knows which units have been', async () => {
    const units = [await commit(0, places, 61365.1), await commit(1, places, 61365.2)]
    await commit(4, [far], 61365.1)
    const { rows: objects } = await db.pool.query<DiaObject>(
      'select * from "DiaObject" where "validityEndMjdTai" is null order by 1',
    )
    units.push(await commit(2, [], 61365.3, objects), await commit(3, [], 61365.4), VISIT + 99n)
    const near = objects.filter(({ ra, dec }) => angle(vectorOf(ra, dec), vectorOf(...places[1]!)) < 60 * ARCSEC)
    expect(near).toHaveLength(3)
    const asked = {
      region: [...places[1]!, 60 / 3600],
      ids: objects.slice(0, 2).map(it => String(it.diaObjectId)),
      // 360 days after the first midpoint: that is not within 12 months by region (>), and is by object (>=).
      mjd: 61365.1 + 360,
      units: units.map(visit => [String(visit), 0]),
    }
    const answer = await ask<Answer>(read, asked)

    expect(answer.config).toEqual([false, 'baseline', 20])
    expect(answer.versions).toEqual(['10.0.0', '1.2.1', '10.0.0'])
    const same = (table: ApdbTable, theirs: Rows, ours: readonly object[], ...keys: string[]) =>
      expect(
        byId(
          theirs.map(row => rounded(table, row)),
          ...keys,
        ),
      ).toEqual(
        byId(
          ours.map(row => plain(table, row)),
          ...keys,
        ),
      )
    same('DiaObject', answer.objects, near, 'diaObjectId')
    const { rows: sources } = await db.pool.query<DiaSource>('select * from "DiaSource"')
    const isAsked = ({ diaObjectId }: { diaObjectId: bigint | null }) => asked.ids.includes(String(diaObjectId))
    same('DiaSource', answer.byIds, sources.filter(isAsked), 'diaSourceId')
    const since = sources.filter(({ midpointMjdTai, dec }) => midpointMjdTai > 61365.1 && dec < 0)
    same('DiaSource', answer.byRegion, since, 'diaSourceId')
    expect(answer.byNone).toEqual([])
    const { rows: forced } = await db.pool.query<{ diaObjectId: bigint }>('select * from "DiaForcedSource"')
    expect(forced).toHaveLength(near.length)
    same('DiaForcedSource', answer.forced, forced.filter(isAsked), 'diaObjectId', 'visit')
    // Two with sources, one with forced sources alone; of a unit without any row only our ledger knows.
    expect(answer.contains).toEqual([true, true, true, false, false])
    const { rows: known } = await db.pool.query('select 1 from unit where visit = $1 and work = $2', [
      units[3],
      'committed',
    ])
    expect(known).toHaveLength(1)
  })

  it('refuses to open a database of another version', async () => {
    await db.pool.query(`update "metadata" set "value" = '11.0.0' where "name" = 'version:schema'`)
    expect(await ask(refuse, {})).toBe('IncompatibleVersionError')
  })
})
