import { Kafka, Partitioners, logLevel } from 'kafkajs'
import { avroType, frame } from '../../schemas/codec.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { nextVisit, rawNotification } from '../../topology/streams.ts'
import type { NightPorts } from './play.ts'

export interface SummitOptions {
  readonly brokers: readonly string[]
  /** Address of the Confluent-compatible interface, with its path. */
  readonly registry: string
}

/** The observatory's side of Kafka: its ScriptQueue and its object store's notifications. */
export interface Summit extends Pick<NightPorts, 'announce' | 'notify'> {
  /** Raw bytes as one record, for input that is wrong on purpose. */
  send(stream: 'next-visit' | 'raw-notification', value: Buffer): Promise<void>
  /** The registry's id of a schema under a subject. */
  register(subject: string, schema: AvroSchema): Promise<number>
  close(): Promise<void>
}

/**
 * Connects as the outside world would: a plain kafkajs producer, Avro in the Confluent wire format under `next-visit-value`. The topics
 * must exist. Rejects when brokers or registry do not answer.
 */
export async function connectSummit({ brokers, registry }: SummitOptions): Promise<Summit> {
  const kafka = new Kafka({ clientId: 'summit', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const register = (subject: string, schema: AvroSchema) => registerAt(registry, subject, schema)
  const contract = avroType('next-visit')
  const id = await register(`${nextVisit.topic}-value`, contract.schema)
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const send = async (stream: 'next-visit' | 'raw-notification', value: Buffer) => {
    const { topic } = stream === 'next-visit' ? nextVisit : rawNotification
    await producer.send({ topic, acks: -1, messages: [{ value }] })
  }
  return {
    send,
    register,
    announce: visit => send('next-visit', frame(id, contract.encode(visit))),
    notify: event => send('raw-notification', Buffer.from(JSON.stringify(event))),
    close: () => producer.disconnect(),
  }
}

async function registerAt(registry: string, subject: string, schema: AvroSchema): Promise<number> {
  const response = await fetch(`${registry}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok)
    throw new Error(`The registry at ${registry} refused ${subject} with ${response.status}: ${await response.text()}`)
  return ((await response.json()) as { readonly id: number }).id
}
