import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import type { ServiceAddresses, ServiceName } from './services.ts'

/**
 * One question to each service, of the kind its clients will ask; each resolves when it was answered and rejects
 * otherwise, within about two seconds. The launcher repeats them until a service is up, `status()` asks them once.
 */
export const probes: Readonly<Record<ServiceName, (addresses: ServiceAddresses) => Promise<void>>> = {
  kafka: ({ kafka }) => kafkaAnswers(kafka.brokers),
  registry: ({ registry }) => registryAnswers(registry.url),
  s3: ({ s3 }) => s3Answers(s3.endpoint),
  postgres: ({ postgres }) => postgresAnswers(postgres.url),
}

const timeoutMs = 2000

/** Whether a broker is registered with its controller: it then lists itself, and `known` brokers in all. */
export async function kafkaAnswers(brokers: readonly string[], known = 1): Promise<void> {
  const kafka = new Kafka({
    brokers: [...brokers],
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const cluster = await admin.describeCluster()
    if (cluster.brokers.length < known) throw new Error(`${cluster.brokers.length} of ${known} brokers are registered`)
  } finally {
    await admin.disconnect()
  }
}

/** Whether the registry lists its subjects. */
export async function registryAnswers(url: string): Promise<void> {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(timeoutMs) })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${url}/subjects answers ${response.status}`)
}

/** Whether an S3 server answers at all: without keys the right answer is a refusal. */
export async function s3Answers(endpoint: string): Promise<void> {
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(timeoutMs) })
  await response.arrayBuffer()
  if (response.status !== 200 && response.status !== 403) throw new Error(`${endpoint} answers ${response.status}`)
}

/** Whether Postgres takes a connection and a query. */
export async function postgresAnswers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  // A server that goes away in between also tells the idle client, which must not end this process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end()
  }
}
