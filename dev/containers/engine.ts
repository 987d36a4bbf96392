import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cached, withCacheLock } from '../services/processes/cache.ts'
import { isRoot, runsFolder } from '../services/processes/folders.ts'
import { logTail } from '../services/processes/plan.ts'
import { endStaleRuns, RunFolder } from '../services/processes/run.ts'
import { Supervisor } from '../services/processes/supervisor.ts'
import { engineAddress, engineAnswers } from '../services/engine.mjs'
import type { Progress } from '../services/services.ts'
import { containersCache } from './declared.ts'
import { rulesToRestore } from './firewall.ts'
import { type Shell, works } from './shell.ts'

export interface Engine {
  /** As `DOCKER_HOST` wants it. */
  readonly address: string
  /** Whether we started it: with it goes everything that was in it. */
  readonly isOurs: boolean
  stop(): Promise<void>
}

/**
 * The container engine that answers, or one of our own: Debian's, with folders and a socket of its own, so that nothing of the machine is
 * touched. It ends with `stop()`, and with this process however that ends. Rejects where neither is possible, saying what is needed.
 */
export async function provideEngine(shell: Shell, tidy: Shell, say: Progress): Promise<Engine> {
  const address = engineAddress()
  const { answers, why } = await engineAnswers(address)
  if (address && answers) {
    say(`The container engine at ${address} answers.`)
    return { address, isOurs: false, stop: async () => {} }
  }
  say(`No container engine answers (${why}): starting one.`)
  await install(shell, say)
  return startEngine(tidy, say)
}

async function install(shell: Shell, say: Progress): Promise<void> {
  const programs = ['dockerd', 'docker', 'iptables', 'debootstrap']
  const found = await Promise.all(programs.map(program => works(shell, 'sh', '-c', `command -v ${program}`)))
  if (isRoot && found.every(Boolean)) return
  if (!isRoot || !(await works(shell, 'apt-get', '--version'))) {
    const need = 'start one (its address in DOCKER_HOST), or run this as root on Debian, where one is brought up'
    throw new Error(`These tests need a container engine, and none answers: ${need}.`)
  }
  const packages = ['docker.io', 'iptables', 'debootstrap']
  say(`Installing ${packages.join(', ')}`)
  await shell.run('apt-get', ['update', '-q'])
  await shell.run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}

const START_MS = 60_000
const BRIDGE = '/sys/class/net/docker0'
/** Its containers are removed before it: what is left gets this long. */
const SHUTDOWN_S = 4

/** An engine leaves its bridge and its rules of the firewall behind, one of which forwards nothing any more; the answer takes both back. */
async function rememberNetwork(tidy: Shell): Promise<() => Promise<void>> {
  const hadBridge = existsSync(BRIDGE)
  const before = await tidy.run('iptables-save', [])
  return async () => {
    const now = await tidy.run('iptables-save', [])
    await tidy.run('iptables-restore', [], { input: rulesToRestore(before, now) })
    if (!hadBridge && existsSync(BRIDGE)) await tidy.run('ip', ['link', 'delete', basename(BRIDGE)])
  }
}

async function startEngine(tidy: Shell, say: Progress): Promise<Engine> {
  await endStaleRuns(runsFolder(), say)
  const restore = await rememberNetwork(tidy)
  const run = new RunFolder(runsFolder())
  const supervisor = new Supervisor(run.path)
  run.supervisedBy(supervisor.pid)
  const at = (name: string) => join(run.path, name)
  const address = `unix://${at('docker.sock')}`
  const log = at('dockerd.log')
  const folders = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('dockerd.pid')]
  const dockerd = ['dockerd', ...folders, '--shutdown-timeout', String(SHUTDOWN_S), '--host', address]
  try {
    // In a mount namespace of its own, so that what it mounted is gone when it is, and its folders can be removed.
    const program = {
      name: 'dockerd',
      command: 'unshare',
      args: ['--mount', ...dockerd],
      log,
      stopSignal: 'SIGTERM' as const,
    }
    const running = await supervisor.spawn(program)
    run.started('dockerd', running.pid)
    let ended = false
    void running.exited.then(() => (ended = true))
    for (const until = Date.now() + START_MS; !(await engineAnswers(address)).answers; await sleep(200)) {
      if (!ended && Date.now() < until) continue
      throw new Error(`dockerd did not come up. The end of its log:\n${logTail(log)}`)
    }
    say(`The engine of this run is up: pid ${running.pid}, all it has is in ${run.path}`)
    return {
      address,
      isOurs: true,
      stop: async () => {
        supervisor.stop('dockerd', 30_000)
        await running.exited
        await supervisor.close()
        await restore()
      },
    }
  } catch (error) {
    await supervisor.close()
    await restore().catch((fault: unknown) => say(`The firewall was not taken back: ${(fault as Error).message}`))
    throw error
  }
}

const COMPOSE = 'v2.29.7'

/** The command that is Docker Compose, version 2: the engine's plugin, or one built from its Go module and kept in the cache. */
export async function provideCompose(shell: Shell, say: Progress): Promise<readonly [string, ...string[]]> {
  if (await works(shell, 'docker', 'compose', 'version')) return ['docker', 'compose']
  const folder = await goProgram(shell, say, 'docker-compose', `github.com/docker/compose/v2/cmd@${COMPOSE}`)
  return [join(folder, 'cmd')]
}

/** The folder with a program built from a Go module, made once. */
export async function goProgram(shell: Shell, say: Progress, name: string, module: string): Promise<string> {
  const version = module.slice(module.lastIndexOf('@') + 1)
  return withCacheLock(containersCache(), say, () =>
    cached(containersCache(), `${name}-${version}`, async folder => {
      if (!(await works(shell, 'go', 'version')))
        throw new Error(`${name} is missing and cannot be built without Go: install either`)
      say(`Building ${module} with Go: some minutes, once`)
      await shell.run('go', ['install', module], {
        env: { GOBIN: folder, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
      })
    }),
  )
}
