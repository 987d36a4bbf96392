/**
 * The one place that pins what the services are made of. Both providers take the same versions, so that a difference
 * between them is never a difference of version.
 */
export const versions = {
  kafka: '4.3.1',
  registry: '3.0.9',
  s3proxy: '4.1.0',
  log4j: '2.25.4',
} as const

/**
 * The images of the container provider: the official ones by name and tag. A site that has its own copies of them
 * names those in `KAFKA_IMAGE`, `REGISTRY_IMAGE`, `S3_IMAGE` and `POSTGRES_IMAGE`. The reaper is testcontainers' own
 * (and its variables are used): it removes the containers of a launcher that was killed.
 */
export function imagesOf(environment: NodeJS.ProcessEnv) {
  const services = {
    kafka: environment.KAFKA_IMAGE ?? `apache/kafka:${versions.kafka}`,
    registry: environment.REGISTRY_IMAGE ?? `apicurio/apicurio-registry:${versions.registry}`,
    s3: environment.S3_IMAGE ?? `andrewgaul/s3proxy:s3proxy-${versions.s3proxy}`,
    postgres: environment.POSTGRES_IMAGE ?? 'postgres:18.4',
  }
  const reaper = environment.RYUK_CONTAINER_IMAGE ?? 'testcontainers/ryuk:0.14.0'
  return environment.TESTCONTAINERS_RYUK_DISABLED === 'true' ? services : { ...services, reaper }
}

/** A raw of a large detector and an alert with its history both have to fit into one Kafka record: 10 MiB. */
export const recordBytesMax = 10_485_760

/** The keys of the local S3 server. Not a secret: it listens on the loopback interface and is gone after the run. */
export const s3Keys = { accessKeyId: 'prompt', secretAccessKey: 'prompt-secret', region: 'us-east-1' } as const

/** The account and database of the local Postgres; same remark. The database is the one every new cluster has. */
export const database = { user: 'postgres', password: 'prompt', name: 'postgres' } as const

/** The path of the registry's API that Confluent's clients speak. */
export const registryPath = '/apis/ccompat/v7'
