/**
 * npm run services [-- --json] [--provider containers|processes]
 *
 * Keeps the local services up until Ctrl-C and says where they answer. With `--json` standard output is one line, the
 * addresses; everything else goes to standard error.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import type { ServiceAddresses, Services } from './services.ts'
import { startServices } from './start.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, provider: { type: 'string' } } })

function providerOf(name: string | undefined): { provider?: ServiceAddresses['provider'] } {
  if (name === undefined) return {}
  if (name === 'containers' || name === 'processes') return { provider: name }
  throw new Error(`--provider is "${name}"; allowed are containers and processes`)
}

function describe({ addresses, timings }: Services): string {
  const { kafka, registry, s3, postgres } = addresses
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  return [
    '',
    `  Kafka      ${kafka.brokers.join(',')}`,
    `  Registry   ${registry.url}`,
    `  S3         ${s3.endpoint}   key ${s3.accessKeyId}   secret ${s3.secretAccessKey}   region ${s3.region}`,
    `  Postgres   ${postgres.url}`,
    '',
    `Kafka's tools: npm run kafka -- consumer-groups --bootstrap-server ${kafka.brokers[0]} --list`,
    `Started in ${seconds(timings.startMs)} (before that: downloads ${seconds(timings.downloadMs)}, ` +
      `preparation ${seconds(timings.prepareMs)}). Ctrl-C ends them.`,
  ].join('\n')
}

/** Resolves with undefined on a signal to end, or with what went wrong when a service ends by itself. */
async function untilEnd(services: Services): Promise<string | undefined> {
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(signal => once(process, signal).then(() => undefined))
  // Services do not keep their launcher alive, and a signal handler does not either.
  const alive = setInterval(() => {}, 60_000)
  const failure = await Promise.race([services.failure, ...signals])
  clearInterval(alive)
  return failure
}

async function main(): Promise<void> {
  const services = await startServices({ progress: line => console.error(line), ...providerOf(values.provider) })
  if (values.json) console.log(JSON.stringify(services.addresses))
  else console.log(describe(services))

  const failure = await untilEnd(services)
  if (failure) console.error(failure)
  else console.error('Ending the services')
  await services.stop()
  process.exitCode = failure ? 1 : 0
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
