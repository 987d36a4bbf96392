import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { identify, isAlive, type ProcessIdentity } from './identity.ts'
import { endStaleRuns, RunFolder, type RunRecord } from './run.ts'

let runs: string
let children: ChildProcess[]

beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'runs-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(runs, { recursive: true })
})

/** A process that does nothing, as a stand-in for a service left behind. */
function idleProcess(): ProcessIdentity {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' })
  children.push(child)
  return identify(child.pid!)!
}

/** A process that has ended. */
async function deadProcess(): Promise<ProcessIdentity> {
  const identity = idleProcess()
  const child = children.at(-1)!
  child.kill('SIGKILL')
  await once(child, 'exit')
  return identity
}

function writeRun(record: RunRecord): string {
  const folder = join(runs, 'a-run')
  mkdirSync(folder)
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record))
  return folder
}

async function endStale(): Promise<readonly string[]> {
  const lines: string[] = []
  await endStaleRuns(runs, line => lines.push(line), 300)
  return lines
}

it('leaves a run alone whose launcher lives', async () => {
  const service = idleProcess()
  const folder = writeRun({ checkout: '/x', launcher: idleProcess(), processes: [{ name: 'kafka', ...service }] })
  expect(await endStale()).toEqual([])
  expect(isAlive(service)).toBe(true)
  expect(existsSync(folder)).toBe(true)
})

it('names a run whose launcher is dead, ends what is left of it and removes its folder', async () => {
  const service = idleProcess()
  const launcher = await deadProcess()
  const folder = writeRun({ checkout: '/x', launcher, processes: [{ name: 'kafka', ...service }] })
  const exited = once(children[0]!, 'exit')
  const lines = await endStale()
  await exited
  expect(isAlive(service)).toBe(false)
  expect(existsSync(folder)).toBe(false)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain(`kafka (pid ${service.pid})`)
  expect(lines[0]).toContain('/x')
})

it('does not end a process that only has the pid of one of the run', async () => {
  const other = idleProcess()
  const launcher = await deadProcess()
  const reused = { name: 'kafka', pid: other.pid, started: 'long ago' }
  const folder = writeRun({ checkout: '/x', launcher, processes: [reused] })
  expect((await endStale())[0]).toContain('nothing was running')
  expect(isAlive(other)).toBe(true)
  expect(existsSync(folder)).toBe(false)
})

it('ends a supervisor that outlives its patience, and the processes it held', async () => {
  const [supervisor, service] = [idleProcess(), idleProcess()]
  const launcher = await deadProcess()
  writeRun({ checkout: '/x', launcher, supervisor, processes: [{ name: 's3', ...service }] })
  const exited = children.slice(0, 2).map(child => once(child, 'exit'))
  const [line] = await endStale()
  await Promise.all(exited)
  expect(line).toContain('supervisor')
  expect([supervisor, service].map(isAlive)).toEqual([false, false])
})

it('passes over folders that are no runs, or not yet', async () => {
  mkdirSync(join(runs, '.new-abc'))
  expect(await endStale()).toEqual([])
  expect(readdirSync(runs)).toEqual(['.new-abc'])
})

it('knows its own run, with the processes it was told of, as a living one', async () => {
  const run = new RunFolder(runs, '/here')
  const service = idleProcess()
  run.started('kafka', service.pid)
  expect(await endStale()).toEqual([])
  expect(isAlive(service)).toBe(true)
  expect(existsSync(run.path)).toBe(true)
})
