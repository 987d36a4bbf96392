import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { runsFolder } from './processes/folders.ts'
import { isAlive } from './processes/identity.ts'
import { endStaleRuns, type RunRecord } from './processes/run.ts'
import { probes } from './probes.ts'
import { serviceNames, type ServiceAddresses } from './services.ts'

// A start may take its own two minutes on a busy machine, and says better than a time-out here what was missing.
vi.setConfig({ testTimeout: 180_000 })

const launchers: ChildProcess[] = []
afterEach(() => launchers.splice(0).forEach(launcher => launcher.kill('SIGTERM')))

interface Launched {
  readonly launcher: ChildProcess
  readonly addresses: ServiceAddresses
  readonly folder: string
  readonly record: RunRecord
}

/** Starts `npm run services -- --json` in its last link, the launcher, and waits for its addresses. */
async function launch(): Promise<Launched> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const launcher = spawn(process.execPath, ['--import', 'tsx', main, '--json', '--provider', 'processes'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  launchers.push(launcher)
  const [line] = (await once(createInterface(launcher.stdout), 'line')) as [string]
  const { folder, record } = runOf(launcher.pid!)
  return { launcher, addresses: JSON.parse(line) as ServiceAddresses, folder, record }
}

function runOf(pid: number): { folder: string; record: RunRecord } {
  for (const name of readdirSync(runsFolder())) {
    const folder = join(runsFolder(), name)
    if (!existsSync(join(folder, 'run.json'))) continue
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord
    if (record.launcher.pid === pid) return { folder, record }
  }
  throw new Error(`no run of launcher ${pid} in ${runsFolder()}`)
}

/** Resolves when every process of the run has ended and its folder is gone. */
async function untilGone({ folder, record }: Launched): Promise<void> {
  const processes = [...record.processes, record.supervisor!]
  while (processes.some(isAlive) || existsSync(folder)) await sleep(50)
}

describe.each(['SIGKILL', 'SIGINT'] as const)('a launcher that gets %s', signal => {
  it('takes its services and their folder with it', async () => {
    const launched = await launch()
    for (const name of serviceNames) await probes[name](launched.addresses)
    const names = launched.record.processes.map(process => process.name)
    expect(names).toEqual(expect.arrayContaining([...serviceNames]))

    const exit = once(launched.launcher, 'exit')
    launched.launcher.kill(signal)
    const [code] = (await exit) as [number | null]
    expect(code).toBe(signal === 'SIGKILL' ? null : 0)
    await untilGone(launched)
    for (const name of serviceNames) await expect(probes[name](launched.addresses), name).rejects.toThrow()
    // The services of this test run are another launcher's: they were there all the time and have not noticed.
    for (const name of serviceNames) await probes[name](inject('services'))
  })
})

it('names a service that ends by itself, and ends the others', async () => {
  const launched = await launch()
  const exit = once(launched.launcher, 'exit')
  const kafka = launched.record.processes.find(process => process.name === 'kafka')!
  process.kill(kafka.pid, 'SIGKILL')
  expect((await exit)[0]).toBe(1)
  await untilGone(launched)
})

it('finds the leftovers of one that was killed with its supervisor', async () => {
  const launched = await launch()
  process.kill(launched.record.supervisor!.pid, 'SIGKILL')
  launched.launcher.kill('SIGKILL')
  await once(launched.launcher, 'exit')
  const left = launched.record.processes.filter(isAlive).map(process => process.name)
  expect(left).toEqual(expect.arrayContaining([...serviceNames]))

  const lines: string[] = []
  await endStaleRuns(runsFolder(), line => lines.push(line))
  await untilGone(launched)
  expect(lines).toContainEqual(expect.stringContaining(`launcher ${launched.launcher.pid} is dead`))
})
