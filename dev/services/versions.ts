/**
 * The one place that pins what the services are made of. Both providers take the same versions where the artifact
 * exists in both forms, so that a difference between them is never a difference of version.
 */
export const versions = {
  kafka: '4.3.1',
  registry: '3.0.9',
  s3proxy: '4.1.0',
  log4j: '2.25.4',
} as const

/** Official upstream images of the container provider, by name and tag. */
export const images = {
  kafka: `apache/kafka:${versions.kafka}`,
  registry: `apicurio/apicurio-registry:${versions.registry}`,
  s3: `andrewgaul/s3proxy:s3proxy-${versions.s3proxy}`,
  postgres: 'postgres:18.4',
} as const

/** A raw of a large detector and an alert with its history both have to fit into one Kafka record: 10 MiB. */
export const recordBytesMax = 10_485_760

/** The keys of the local S3 server. Not a secret: it listens on the loopback interface and is gone after the run. */
export const s3Keys = { accessKeyId: 'prompt', secretAccessKey: 'prompt-secret', region: 'us-east-1' } as const

/** The account and database of the local Postgres; same remark. The database is the one that every new cluster has. */
export const database = { user: 'postgres', password: 'prompt', name: 'postgres' } as const
