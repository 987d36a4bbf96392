import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../sinks/testing/database.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Inside the checkout, so that the compiled files find node_modules. */
const target = mkdtempSync(join(root, '.build-'))

/** Runs plain Node, as the image does, and gives what it printed. */
async function node(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  return stdout
}
const script = (text: string) => node('--input-type=module', '-e', text)
const compiled = (path: string) => JSON.stringify(pathToFileURL(join(target, path)).href)

beforeAll(() => node('--import', 'tsx', 'dev/build.ts', target), 300_000)
afterAll(() => rmSync(target, { recursive: true }))

describe('what is built', () => {
  it('holds no test, nor anything for tests', () => {
    const files = readdirSync(target, { recursive: true, encoding: 'utf8' })
    expect(files).toContain(join('ops', 'pp.js'))
    expect(files.filter(file => /\.(test|contract)\.|testing/.test(file))).toEqual([])
  })

  it('is the command line', async () => {
    expect(await node(join(target, 'ops/pp.js'), 'topology', 'show')).toBe(
      await node('--import', 'tsx', 'ops/pp.ts', 'topology', 'show'),
    )
  })

  it('runs the pipeline in its thread', async () => {
    const answer = await script(`
      import { pipelineThread } from ${compiled('pipeline/worker/thread-runner.js')}
      const job = {
        pipeline: 'Isr', instrument: 'LATISS', detector: 0, visit: 1n, physicalFilter: 'r', band: 'r',
        raws: [Buffer.from('SIMPLE')], bias: new Uint8Array(10), flat: undefined, templates: [], objects: [],
      }
      const thread = pipelineThread()
      const { refused } = await thread.run(job, { deadlineMs: 20_000, signal: new AbortController().signal })
      await thread.close()
      console.log(refused.code)`)
    expect(answer).toBe('raw-unreadable\n')
  })

  it('carries the migrations of the database', async () => {
    const database = await createDatabase()
    try {
      await database.pool.query('drop schema public, repository cascade; create schema public')
      await script(`
        import { migrate } from ${compiled('sinks/postgres/migrate.js')}
        await migrate(${JSON.stringify(database.url)})`)
      const { rows } = await database.pool.query("select to_regclass('unit') is not null as made")
      expect(rows).toEqual([{ made: true }])
    } finally {
      await database.drop()
    }
  })
})
