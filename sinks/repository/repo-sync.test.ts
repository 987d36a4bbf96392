import { describe, expect, it, vi } from 'vitest'
import type { DetectorResult, RepositoryIngested } from '../../schemas/avro/generated.ts'
import { codecWith } from '../../schemas/codec.ts'
import { contractNames } from '../../schemas/schemas.ts'
import { Driver } from '../../streams/testing/driver.ts'
import { visitKey } from '../../topology/identifiers.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { detectorResult, repositoryIngested } from '../../topology/streams.ts'
import { NIGHT } from '../../topology/testing/announcements.ts'
import { ended, productOf } from '../../topology/testing/results.ts'
import type { Pool } from '../postgres/pool.ts'
import { repoSync } from './repo-sync.ts'

const codec = codecWith(new Map(contractNames.map((name, i) => [name, i + 1])))
const KEY = visitKey('LATISS', ended().group)

/** A registry that takes everything and finds no contradiction; `commits` are its transactions. */
function registry(atCommit: () => Promise<void> = async () => undefined) {
  const commits: string[] = []
  const query = async (sql: string) => {
    if (sql === 'commit') {
      commits.push(sql)
      await atCommit()
    }
    return { rows: [] }
  }
  const client = { query, on: () => undefined, off: () => undefined, release: () => undefined }
  return { commits, pool: { connect: async () => client } as unknown as Pool }
}
const start = (pool: Pool) =>
  Driver.start({
    topology: promptTopology(),
    codec,
    startAt: NIGHT,
    stages: ['repo-sync'],
    effects: { 'repo-sync': repoSync(pool) },
  })
/** Gathering takes a moment of real time. */
const eventually = (night: Driver, check: () => void) =>
  vi.waitFor(async () => {
    await night.advance(0)
    check()
  })
const told = (night: Driver) =>
  night
    .outputs(repositoryIngested)
    .map(({ key, value }) => `${key}: ${(value as RepositoryIngested).datasets.length}`)
    .sort()
const unit = (detector: number) => `${KEY}/${detector}`

describe('repo-sync in the topology, in memory', () => {
  it('parks bytes that are no result and products that cannot be registered; their neighbours are registered and told', async () => {
    const night = await start(registry().pool)
    const bad: DetectorResult = ended({ detector: 1, products: [productOf(ended({ detector: 1 }), 'calexp')] })
    await night.feed(detectorResult, KEY, ended())
    await night.feedBytes(detectorResult, KEY, Buffer.from('poison'))
    await night.feed(detectorResult, KEY, bad)
    await night.feed(detectorResult, KEY, ended({ detector: 2 }))
    await night.feed(detectorResult, KEY, ended({ detector: 3, state: 'missed', visit: null }))
    await eventually(night, () => expect(told(night)).toEqual([`${unit(0)}: 2`, `${unit(2)}: 2`]))
    expect(night.parked().map(({ topic, code }) => [topic, code])).toEqual([
      [detectorResult.topic, 'undecodable'],
      [detectorResult.topic, 'unregistered-dataset-type'],
    ])
    expect(night.fatal).toEqual([])
  })

  it('killed when the database has committed and Kafka has not, its successor registers again and tells once', async () => {
    let kill: (() => Promise<void>) | undefined
    const { pool, commits } = registry(async () => {
      const now = kill
      kill = undefined
      await now?.()
    })
    const night = await start(pool)
    kill = () => night.first.crash()
    await night.feed(detectorResult, KEY, ended())
    await eventually(night, () => expect(commits).toHaveLength(1))
    await night.advance(1000)
    expect(told(night)).toEqual([])
    await night.process()
    await eventually(night, () => expect(told(night)).toEqual([`${unit(0)}: 2`]))
    expect(commits).toHaveLength(2)
    expect(night.fatal).toEqual([])
  })
})
