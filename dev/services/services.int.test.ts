import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { expect, inject, it } from 'vitest'

const { kafka, registry, s3, postgres } = inject('services')

it('produces a record to Kafka and reads it back', async () => {
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'smoke', numPartitions: 1 }], waitForLeaders: true })
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic: 'smoke', messages: [{ key: 'k', value: 'smoke' }] })
  const consumer = client.consumer({ groupId: 'smoke', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'smoke', fromBeginning: true })
  const value = await new Promise<string>((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) }).catch(reject)
  })
  await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
  expect(value).toBe('smoke')
})

it('takes a Kafka record of almost 10 MiB', async () => {
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const configEntries = [{ name: 'max.message.bytes', value: '10485760' }]
  await admin.createTopics({ topics: [{ topic: 'smoke-large', configEntries }], waitForLeaders: true })
  const producer = client.producer()
  await producer.connect()
  const value = Buffer.alloc(10_480_000, 'x')
  const [sent] = await producer.send({ topic: 'smoke-large', messages: [{ value }] })
  await Promise.all([producer.disconnect(), admin.disconnect()])
  expect(sent).toMatchObject({ topicName: 'smoke-large', errorCode: 0 })
})

it('registers a schema and decodes with it', async () => {
  const schemas = new SchemaRegistry({ host: registry.url })
  const record = { type: 'record', name: 'Smoke', fields: [{ name: 'n', type: 'int' }] }
  const { id } = await schemas.register(
    { type: SchemaType.AVRO, schema: JSON.stringify(record) },
    { subject: 'smoke-value' },
  )
  const fresh = new SchemaRegistry({ host: registry.url })
  expect(await fresh.decode(await schemas.encode(id, { n: 7 }))).toMatchObject({ n: 7 })
})

it('stores an object and gives it back', async () => {
  const { endpoint, region, ...credentials } = s3
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'smoke' }))
  const body = Buffer.alloc(1_000_000, 'pixels')
  await client.send(new PutObjectCommand({ Bucket: 'smoke', Key: 'a/b.fits', Body: body }))
  const got = await client.send(new GetObjectCommand({ Bucket: 'smoke', Key: 'a/b.fits' }))
  expect(Buffer.compare(Buffer.from(await got.Body!.transformToByteArray()), body)).toBe(0)
})

it('refuses an S3 request signed with another key', async () => {
  const { endpoint, region, accessKeyId } = s3
  const credentials = { accessKeyId, secretAccessKey: 'not the secret' }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await expect(client.send(new CreateBucketCommand({ Bucket: 'other' }))).rejects.toThrow()
})

it('answers SQL', async () => {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query('create temporary table smoke (id bigint)')
  await client.query('insert into smoke values ($1)', ['9007199254740993'])
  const { rows } = await client.query<{ id: string }>('select id from smoke')
  await client.end()
  expect(rows).toEqual([{ id: '9007199254740993' }])
})
