import { brokerSettings } from '../broker-settings.ts'
import type { ServiceName } from '../services.ts'
import { database, s3Keys } from '../versions.ts'

/** What a service's container needs beyond its image. */
export interface ContainerSpec {
  readonly port: { readonly container: number; readonly host: number }
  readonly environment: Record<string, string>
  readonly command?: readonly string[]
}

/** The four containers, published on `ports` of the engine's `host`. */
export function containerSpecs(
  host: string,
  ports: Readonly<Record<ServiceName, number>>,
): Readonly<Record<ServiceName, ContainerSpec>> {
  return {
    kafka: {
      // The same port inside: the broker also connects to itself, by the address it advertises.
      port: { container: ports.kafka, host: ports.kafka },
      environment: kafkaEnvironment({
        ...brokerSettings,
        'controller.quorum.voters': '1@localhost:9093',
        listeners: `PLAINTEXT://0.0.0.0:${ports.kafka},CONTROLLER://localhost:9093`,
        'advertised.listeners': `PLAINTEXT://${host}:${ports.kafka}`,
        'log.dirs': '/tmp/kafka-data',
      }),
    },
    registry: { port: { container: 8080, host: ports.registry }, environment: {} },
    s3: {
      port: { container: 80, host: ports.s3 },
      environment: {
        S3PROXY_AUTHORIZATION: 'aws-v2-or-v4',
        S3PROXY_IDENTITY: s3Keys.accessKeyId,
        S3PROXY_CREDENTIAL: s3Keys.secretAccessKey,
        JCLOUDS_PROVIDER: 'filesystem-nio2',
      },
    },
    postgres: {
      port: { container: 5432, host: ports.postgres },
      environment: { POSTGRES_USER: database.user, POSTGRES_PASSWORD: database.password, POSTGRES_DB: database.name },
      // Nothing of this run outlives it, so nothing has to reach the disk.
      command: ['postgres', '-c', 'fsync=off', '-c', 'full_page_writes=off'],
    },
  }
}

/**
 * Settings as the variables of the official image: `node.id` becomes `KAFKA_NODE_ID`. A `_` in a setting's name would
 * be doubled and a `-` tripled there; we set none that has either.
 */
function kafkaEnvironment(settings: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`KAFKA_${key.replaceAll('.', '_').toUpperCase()}`, String(value)]),
  )
}
