import type { Role } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { ConfigError, loadConfig, type Config } from './config.ts'
import { serve } from './http.ts'
import { startRole } from './roles.ts'
import { openWorld, type World } from './world.ts'

export const roles: readonly Role[] = ['clock', 'steps', 'effects', 'worker', 'publish']

/**
 * Runs one process of the deployment until SIGTERM or SIGINT, then drains. Ends with 0 after a drain, 1 after a fault that no restart
 * heals (lost data, a broken journal), 2 when the configuration is wrong. Throws why it could not start; its connections are then left
 * to the end of the process. With `stages` it runs these alone of those that are the role's.
 */
export async function runProcess(role: Role, stages?: readonly string[]): Promise<void> {
  let config
  try {
    config = loadConfig(process.env)
    if (stages) refuseOthers(role, stages)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
    return
  }
  let end!: (exitCode: number) => void
  const ended = new Promise<number>(resolve => (end = resolve))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(0))
  // A start that waits for something outside (a group, a registry) holds nothing yet that would have to be drained.
  const started = await Promise.race([start(config, { role, stages }, () => end(1)), ended])
  if (typeof started === 'number') process.exit(started)
  const { world, running, pages } = started
  const { log } = world
  pages.isReady = true
  log.info({ pid: process.pid }, 'ready')
  void running.ended?.then(() => end(0))
  const code = await ended
  pages.isReady = false
  log.info({}, 'draining')
  await running.stop()
  await world.close()
  log.info({}, 'stopped')
  // Not by `exitCode`: connections to a database that has gone silent stay half-closed, and would keep the process alive and idle.
  process.exit(code)
}

function refuseOthers(role: Role, stages: readonly string[]): void {
  const known: readonly string[] = promptTopology().stages.flatMap(stage => (stage.role === role ? [stage.name] : []))
  const unknown = stages.filter(name => !known.includes(name))
  if (stages.length === 0 || unknown.length > 0)
    throw new ConfigError(`--stages names ${unknown.join(', ') || 'none'}; those of ${role} are: ${known.join(', ')}`)
}

interface Part {
  readonly role: Role
  readonly stages: readonly string[] | undefined
}

async function start(config: Config, { role, stages }: Part, onFatal: () => void) {
  const world = await openWorld(config, role)
  const pages = { isReady: false }
  await servePages(world, pages)
  const running = await startRole(world, stages, error => {
    world.log.error({ err: error }, 'a fault that no restart heals: an operator must decide')
    onFatal()
  })
  return { world, running, pages }
}

/** Served from before the start, so that one that hangs can be seen; to the end of the process. Throws where the port is taken. */
async function servePages({ config, log, metrics }: World, pages: { readonly isReady: boolean }): Promise<void> {
  const { host, port } = config.metrics
  if (port === 0) return
  const { contentType } = metrics
  const served = await serve(host, port, { metrics: () => metrics.scrape(), contentType, isReady: () => pages.isReady })
  log.info({ host, port: served.port }, 'metrics are served')
}
