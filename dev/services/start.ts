import { chooseProvider, type Choice } from './choose.ts'
import { startProcesses } from './processes/provider.ts'
import type { Progress, Services } from './services.ts'

/**
 * Starts Kafka, the schema registry, the S3 server and Postgres, each empty, on free ports.
 *
 * Containers are taken when an engine answers and has or can pull the images, plain processes otherwise; `progress`
 * is told which and why. Rejects with what failed and the end of the failing service's log.
 */
export async function startServices(options: {
  readonly progress: Progress
  /** Takes this provider without asking which would do. */
  readonly provider?: Choice['provider'] | undefined
}): Promise<Services> {
  const { progress, provider } = options
  const choice = provider ? { provider, why: 'as asked', downloadMs: 0 } : await chooseProvider(progress)
  progress(`Services run as ${choice.provider}: ${choice.why}.`)
  if (choice.provider === 'processes') return startProcesses(progress)
  // Loaded only when needed: it costs a quarter of a second and some memory.
  const { startContainers } = await import('./containers/provider.ts')
  return startContainers(progress, choice.downloadMs)
}
