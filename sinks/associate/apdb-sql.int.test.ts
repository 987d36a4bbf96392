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

const script = `
import sys, json, math
import astropy.time, numpy, pandas, sqlalchemy
from lsst.dax.apdb.sql import ApdbSql, ApdbSqlConfig
from lsst.sphgeom import Angle, Circle, LonLat, UnitVector3d
asked = json.load(sys.stdin)
config = ApdbSqlConfig(db_url=asked['url'])
config.pixelization.htm_level = 7
apdb = ApdbSql(config)

# What its code would create, beside what is there.
there = sqlalchemy.inspect(apdb._engine)
def kind(t):
    # Ours has no limit of length: where theirs refuses a longer text, ours keeps it.
    name = t.compile(dialect=apdb._engine.dialect)
    return {'FLOAT': 'REAL', 'DOUBLE': 'DOUBLE PRECISION'}.get(name, 'TEXT' if name.startswith('VARCHAR') else name)
def compare(name, table):
    columns = {c['name']: [kind(c['type']), c['nullable']] for c in there.get_columns(name)}
    indexes = {tuple(i['column_names']) for i in there.get_indexes(name)}
    wanted = [tuple(c.name for c in i.columns) for i in table.indexes]
    return {
        'table': name,
        'missing': [c.name for c in table.columns if columns.get(c.name) != [kind(c.type), c.nullable]],
        'more': sorted(set(columns) - {c.name for c in table.columns}),
        'sameKey': [c.name for c in table.primary_key] == there.get_pk_constraint(name)['constrained_columns'],
        'missingIndexes': [i for i in wanted if i not in indexes],
    }
tables = [compare(name, table) for name, table in apdb._schema._metadata.tables.items()]

def plain(x):
    if x is None or x is pandas.NA or (isinstance(x, (float, numpy.floating)) and math.isnan(x)): return None
    if isinstance(x, (bool, numpy.bool_)): return bool(x)
    if isinstance(x, (int, numpy.integer)): return str(x)
    return float(x) if isinstance(x, (float, numpy.floating)) else x
rows = lambda frame: [{n: plain(x) for n, x in r.items()} for r in frame.astype(object).to_dict('records')]
ra, dec, radius = asked['region']
region = Circle(UnitVector3d(LonLat.fromDegrees(ra, dec)), Angle.fromDegrees(radius))
time = astropy.time.Time(asked['mjd'], format='mjd', scale='tai')
ids = [int(i) for i in asked['ids']]
answer = {
    'tables': tables,
    'config': [apdb.config.enable_replica, apdb.config.dia_object_index, apdb.config.pixelization.htm_level],
    'versions': [apdb.metadata.get('version:schema'), str(apdb.apdbImplementationVersion()), str(apdb.schema.schemaVersion())],
    'objects': rows(apdb.getDiaObjects(region)),
    'byIds': rows(apdb.getDiaSources(region, ids, time)),
    'byRegion': rows(apdb.getDiaSources(region, None, time)),
    'byNone': rows(apdb.getDiaSources(region, [], time)),
    'forced': rows(apdb.getDiaForcedSources(region, ids, time)),
    'contains': [apdb.containsVisitDetector(int(v), d) for v, d in asked['units']],
}
with apdb._engine.begin() as connection:
    connection.execute(sqlalchemy.text("update metadata set value = '11.0.0' where name = 'version:schema'"))
try:
    ApdbSql(config)
    answer['otherVersion'] = 'opened'
except Exception as error:
    answer['otherVersion'] = type(error).__name__
print(json.dumps(answer))
`
const ask = async (asked: object): Promise<Answer> =>
  JSON.parse('run' in python ? await python.run(script, JSON.stringify(asked)) : 'null') as Answer

let db: TestDatabase
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
  readonly tables: Rows
  readonly config: readonly unknown[]
  readonly versions: readonly string[]
  readonly objects: Rows
  readonly byIds: Rows
  readonly byRegion: Rows
  readonly byNone: Rows
  readonly forced: Rows
  readonly contains: readonly boolean[]
  readonly otherVersion: string
}

describe.skipIf(missing !== undefined)(`ApdbSql${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const ids: string[] = []
  const units: bigint[] = []
  let near: DiaObject[]
  let answer: Answer
  beforeAll(async () => {
    units.push(await commit(0, places, 61365.1), await commit(1, places, 61365.2))
    await commit(4, [far], 61365.1)
    const { rows: objects } = await db.pool.query<DiaObject>(
      'select * from "DiaObject" where "validityEndMjdTai" is null order by 1',
    )
    units.push(await commit(2, [], 61365.3, objects), await commit(3, [], 61365.4), VISIT + 99n)
    near = objects.filter(({ ra, dec }) => angle(vectorOf(ra, dec), vectorOf(...places[1]!)) < 60 * ARCSEC)
    ids.push(...objects.slice(0, 2).map(it => String(it.diaObjectId)))
    answer = await ask({
      url: db.url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
      region: [...places[1]!, 60 / 3600],
      ids,
      // 360 days after the first midpoint: by region that is not within 12 months (>), by object it is (>=).
      mjd: 61365.1 + 360,
      units: units.map(visit => [String(visit), 0]),
    })
  })
  const isAsked = ({ diaObjectId }: { diaObjectId: bigint | null }) => ids.includes(String(diaObjectId))
  const expectSame = (table: ApdbTable, theirs: Rows, ours: readonly object[], ...keys: string[]) =>
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

  it('finds the tables, columns, types, keys and indexes that it would have created', () => {
    const all = ['DiaForcedSource', 'DiaObject', 'DiaObject_To_Object_Match', 'DiaSource', 'metadata']
    expect(byId(answer.tables, 'table')).toEqual(
      all.map(table => ({ table, missing: [], more: [], sameKey: true, missingIndexes: [] })),
    )
  })

  it('takes its configuration and versions from our metadata, and does not open another version', () => {
    expect(answer.config).toEqual([false, 'baseline', 20])
    expect(answer.versions).toEqual(['10.0.0', '1.2.1', '10.0.0'])
    expect(answer.otherVersion).toBe('IncompatibleVersionError')
  })

  it('reads the rows that were committed', async () => {
    expect(near).toHaveLength(3)
    expectSame('DiaObject', answer.objects, near, 'diaObjectId')
    const { rows: sources } = await db.pool.query<DiaSource>('select * from "DiaSource"')
    expectSame('DiaSource', answer.byIds, sources.filter(isAsked), 'diaSourceId')
    const since = sources.filter(({ midpointMjdTai, dec }) => midpointMjdTai > 61365.1 && dec < 0)
    expectSame('DiaSource', answer.byRegion, since, 'diaSourceId')
    expect(answer.byNone).toEqual([])
    const { rows: forced } = await db.pool.query<{ diaObjectId: bigint }>('select * from "DiaForcedSource"')
    expect(forced).toHaveLength(near.length)
    expectSame('DiaForcedSource', answer.forced, forced.filter(isAsked), 'diaObjectId', 'visit')
  })

  it('knows which units were committed with rows; of one without, only our ledger does', async () => {
    // Two with sources, one with forced sources alone, one with nothing, one that never was.
    expect(answer.contains).toEqual([true, true, true, false, false])
    const { rows } = await db.pool.query(`select visit from unit where work = 'committed' and visit = any($1)`, [units])
    expect(rows).toContainEqual({ visit: units[3] })
    expect(rows).toHaveLength(4)
  })
})
