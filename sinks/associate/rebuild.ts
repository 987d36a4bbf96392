import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { codecWith, schemaIdOf, type Codec } from '../../schemas/codec.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { regionOf } from '../../topology/association/check.ts'
import { isMadeFrom } from '../postgres/months.ts'
import { listMonths } from '../postgres/partitions.ts'
import { type Client, type Pool, transact } from '../postgres/pool.ts'
import { type Archive, type Commit, COMMITS, resultKey, type Retraction, RETRACTIONS, schemaKey } from './archive.ts'
import { writeAssociated } from './write.ts'

/** What cannot be rebuilt, in words for an operator. */
export class RebuildError extends Error {
  override readonly name = 'RebuildError'
}

export interface Rebuilt {
  readonly commits: number
  readonly sources: number
  readonly objects: number
  /** Sources that this call has withdrawn. */
  readonly withdrawn: number
  /** Of the last commit applied, MJD TAI; null where there was none. */
  readonly untilMjdTai: number | null
}

/** Where a rebuild keeps how far it came, in the rebuilt database itself. */
const PROGRESS = 'rebuild:last-commit'
/** Reports fetched before their turn: the store's latency is then not paid once for each commit. */
const AHEAD = 16

/**
 * Applies the archived commits, in the order in which they were made, to a database that has seen none or the first of them. Each is one
 * transaction, which also notes how far the rebuild came: stopped at any moment and called again it goes on, and called again next day
 * it adds that day's.
 *
 * What was withdrawn from the APDB is withdrawn at the end: a withdrawal changes that one column, and no commit reads it. All of them are
 * looked at in each call, since one may have been archived before the commit of its source was.
 *
 * The outcome is the APDB's: association is a function of the report, of the sky as the commits before left it, and of the commit's time.
 *
 * @param onCommit hears of each, with how many there were before it in this call
 * @throws RebuildError where the database holds rows that no rebuild made, a committed report is not in the archive, or a month that a commit
 *   reads is detached
 */
export async function rebuild(
  pool: Pool,
  store: Omit<Archive, 'put'>,
  bucket: string,
  onCommit: (commit: Commit, before: number) => void = () => undefined,
): Promise<Rebuilt> {
  const startAfter = await progressOf(pool)
  const codec = archivedCodec(store, bucket)
  const away = (await listMonths(pool)).flatMap(({ month, state }) => (state === 'attached' ? [] : [month]))
  let [commits, sources, objects] = [0, 0, 0]
  let untilMjdTai: number | null = null
  const fetched = ahead(store.list(bucket, COMMITS, startAfter), AHEAD, ({ key }) =>
    fetchCommit(store, bucket, codec, key),
  )
  for await (const { key, commit, result } of fetched) {
    refuseWithout(away, commit, result)
    const rows = await transact(pool, client => apply(client, key, commit, result))
    onCommit(commit, commits)
    commits++
    sources += rows.sources.length
    objects += rows.created
    untilMjdTai = commit.committedAtMjdTai
  }
  return { commits, sources, objects, withdrawn: await withdrawAll(pool, store, bucket), untilMjdTai }
}

/** A commit that does not see all that it saw would come out otherwise, and all that build on it. */
function refuseWithout(away: readonly string[], { unit, committedAtMjdTai }: Commit, { visit }: PipelineResult): void {
  const month = away.find(it => visit !== null && isMadeFrom(it, visit, committedAtMjdTai))
  if (month !== undefined)
    throw new RebuildError(
      `${unit}: its commit reads ${month}, which is detached from the database to rebuild into. Attach it again ` +
        `(pp apdb partitions add ${month} --apply, with that database as postgres.url), and run the command again; it goes on from here`,
    )
}

async function apply(client: Client, key: string, commit: Commit, result: PipelineResult) {
  const { rows } = await writeAssociated(client, commit.unit, result, regionOf(result), () => commit.committedAtMjdTai)
  if (rows.sources.length !== commit.diaSources || rows.created !== commit.diaObjects)
    throw new RebuildError(
      `${commit.unit}: ${rows.sources.length} sources and ${rows.created} new objects, where its commit had ` +
        `${commit.diaSources} and ${commit.diaObjects}; the rules of association, or the archive, have changed since`,
    )
  await client.query(
    `insert into "metadata" values ($1, $2) on conflict ("name") do update set "value" = excluded."value"`,
    [PROGRESS, key],
  )
  return rows
}

/** Gives back how many sources were not withdrawn before, or at another time. */
async function withdrawAll(pool: Pool, store: Pick<Archive, 'get' | 'list'>, bucket: string): Promise<number> {
  const fetched = ahead(
    store.list(bucket, RETRACTIONS),
    AHEAD,
    async ({ key }) => JSON.parse(String(await store.get(bucket, key))) as Retraction,
  )
  let withdrawn = 0
  for await (const { diaSourceId, timeWithdrawnMjdTai } of fetched) {
    const { rowCount } = await pool.query(
      `update "DiaSource" set "timeWithdrawnMjdTai" = $2 where "diaSourceId" = $1 and "timeWithdrawnMjdTai" is distinct from $2`,
      [diaSourceId, timeWithdrawnMjdTai],
    )
    withdrawn += rowCount ?? 0
  }
  return withdrawn
}

/** @throws RebuildError for a database that is in use */
async function progressOf(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ value: string }>('select "value" from "metadata" where "name" = $1', [PROGRESS])
  if (rows[0] !== undefined) return rows[0].value
  for (const table of ['DiaObject', 'DiaSource', 'DiaForcedSource']) {
    const { rows: found } = await pool.query(`select from "${table}" limit 1`)
    if (found.length > 0)
      throw new RebuildError(
        `the database to rebuild into has rows in "${table}" that no rebuild wrote; give an empty one (createdb, pp apdb rebuild)`,
      )
  }
  return undefined
}

/** Decodes with the schemas that lie in the archive. */
const archivedCodec = (store: Pick<Archive, 'get' | 'head'>, bucket: string): Codec =>
  codecWith(new Map(), {
    byId: async id => {
      const bytes = await getOrUndefined(store, bucket, schemaKey(id))
      return bytes === undefined ? undefined : (JSON.parse(String(bytes)) as AvroSchema)
    },
  })

async function fetchCommit(store: Pick<Archive, 'get' | 'head'>, bucket: string, codec: Codec, key: string) {
  const commit = JSON.parse(String(await store.get(bucket, key))) as Commit
  const name = resultKey(commit.unit, commit.attempt, commit.epoch)
  const zipped = await getOrUndefined(store, bucket, name)
  if (zipped === undefined)
    throw new RebuildError(
      `${commit.unit}: its commit is archived, its report ${bucket}/${name} is not. Where result-archive has not come ` +
        'that far yet, run the command again later; it goes on from here',
    )
  const bytes = await unzip(zipped)
  if (!codec.knows(bytes)) await codec.prefetch([schemaIdOf(bytes)])
  return { key, commit, result: codec.decode('pipeline-result', bytes) }
}

const unzip = promisify(gunzip)

async function getOrUndefined(
  store: Pick<Archive, 'get' | 'head'>,
  bucket: string,
  key: string,
): Promise<Buffer | undefined> {
  try {
    return await store.get(bucket, key)
  } catch (error) {
    if ((await store.head(bucket, key)) === undefined) return undefined
    throw error
  }
}

/** What `work` makes of each item, in their order, the next `count` begun while one is looked at. */
async function* ahead<A, B>(items: AsyncIterable<A>, count: number, work: (item: A) => Promise<B>): AsyncIterable<B> {
  const begun: Promise<B>[] = []
  for await (const item of items) {
    const doing = work(item)
    // Heard when its turn comes; until then a failure must not end the process.
    doing.catch(() => undefined)
    begun.push(doing)
    if (begun.length > count) yield await begun.shift()!
  }
  for (const doing of begun) yield await doing
}
