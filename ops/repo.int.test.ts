import { afterAll, beforeAll, expect, it } from 'vitest'
import { repoSync } from '../sinks/repository/repo-sync.ts'
import { event } from '../sinks/testing/builders.ts'
import { createDatabase, type TestDatabase } from '../sinks/testing/database.ts'
import { visitKey } from '../topology/identifiers.ts'
import { detectorResult } from '../topology/streams.ts'
import { DEPLOYMENT, ended } from '../topology/testing/results.ts'
import { showRepository } from './repo.ts'
import { configWith } from './testing/config.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

const CHAIN = 'LATISS/prompt/output-2026-02-24'
async function shown(name: string, json = false): Promise<string> {
  let text = ''
  await showRepository(configWith({ PP_POSTGRES_URL: db.url }), { name, json }, line => void (text += line))
  return text
}

it('shows a chain, a run and a group, as a table and as JSON, and says what there is where a name is unknown', async () => {
  await expect(shown('x')).rejects.toThrow('no chain, run or group "x"; nothing is registered yet')
  await repoSync(db.pool)(event(detectorResult, visitKey('LATISS', ended().group), ended()))
  expect(await shown(CHAIN)).toMatch(new RegExp(`1 +${CHAIN}/ApPipe/${DEPLOYMENT} +2 +2468 +2026-02-25T04:01:06.000Z`))
  const { key } = ended().products[0]!
  for (const name of [`${CHAIN}/ApPipe/${DEPLOYMENT}`, ended().group]) {
    expect(await shown(name)).toContain(`central/${key}`)
    expect(JSON.parse(await shown(name, true))).toMatchObject([
      { type: 'difference_image', size: '1234' },
      { attempt: 0 },
    ])
  }
  await expect(shown('x')).rejects.toThrow(`its newest chains are ${CHAIN}`)
})
