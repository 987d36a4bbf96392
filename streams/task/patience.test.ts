import { expect, it } from 'vitest'
import { journalOf } from '../../topology/model/names.ts'
import { demoEffects, demoTopology } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'

/** Commits of the first task of a stage that reads watermarks, two a second, for ten seconds, and nothing else. */
async function commitsOfTime(stage: string): Promise<number> {
  const setup = { topology: demoTopology, codec: jsonCodec, effects: demoEffects, stages: [stage], startAt: 1_000 }
  const night = await Driver.start({ ...setup, options: { timeCommitMs: 500 } })
  const commits = () => night.broker.committedRecords({ topic: journalOf(stage), partition: 0 }).length
  const before = commits()
  for (let t = 2_000; t < 12_000; t += 500) {
    await night.watermark(stage, t)
    await night.advance(500)
  }
  return commits() - before
}

it('a stage without time commits the watermarks that it reads past a tenth as often as one that joins by them', async () => {
  expect(await commitsOfTime('window')).toBe(20)
  expect(await commitsOfTime('ledger')).toBe(2)
})
