import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, Partitioners, logLevel } from 'kafkajs'
import type { Control, LogeventNextVisit, LogeventNextVisitCanceled } from '../../schemas/avro/generated.ts'
import { avroType, frame } from '../../schemas/codec.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { control, nextVisit, nextVisitCanceled, rawNotification } from '../../topology/streams.ts'
import type { NightPorts } from './play.ts'

export interface SummitOptions {
  readonly brokers: readonly string[]
  /** Address of the Confluent-compatible interface, with its path. */
  readonly registry: string
  /** How often a write is tried, a second apart, where brokers may be away: so it may be there twice. Once where it is not said. */
  readonly tries?: number
}

const ENTRANCES = {
  'next-visit': nextVisit,
  'next-visit-canceled': nextVisitCanceled,
  control,
  'raw-notification': rawNotification,
} as const
/** Where the world may write. */
export type Entrance = keyof typeof ENTRANCES
/** Entrances in Avro, and what is written there. */
interface Written {
  readonly 'next-visit': LogeventNextVisit
  readonly 'next-visit-canceled': LogeventNextVisitCanceled
  readonly control: Control
}

/** Where a record stands. */
export interface Sent {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** The observatory's side of Kafka: its ScriptQueue, its operators and its object store's notifications. */
export interface Summit extends Pick<NightPorts, 'announce' | 'notify'> {
  cancel(canceled: LogeventNextVisitCanceled): Promise<void>
  order(control: Control): Promise<void>
  /** A value as it is framed for its entrance, under the schema that was agreed. */
  framed<E extends keyof Written>(entrance: E, value: Written[E]): Buffer
  /** Raw bytes as one record, for input that is wrong on purpose. */
  send(entrance: Entrance, value: Buffer, key?: string): Promise<Sent>
  /** The registry's id of a schema under a subject. */
  register(subject: string, schema: AvroSchema): Promise<number>
  close(): Promise<void>
}

/**
 * Connects as the outside world would: a plain kafkajs producer, Avro in the Confluent wire format under `next-visit-value` and so on. The
 * topics must exist. Rejects when brokers or registry do not answer.
 */
export async function connectSummit({ brokers, registry, tries = 1 }: SummitOptions): Promise<Summit> {
  const kafka = new Kafka({ clientId: 'summit', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const register = (subject: string, schema: AvroSchema) => registerAt(registry, subject, schema)
  const contracts = ['next-visit', 'next-visit-canceled', 'control'] as const
  const registered = contracts.map(async contract => {
    const id = await register(`${ENTRANCES[contract].topic}-value`, avroType(contract).schema)
    return [contract, id] as const
  })
  const ids = new Map(await Promise.all(registered))
  const framed = <E extends keyof Written>(entrance: E, value: Written[E]) =>
    frame(ids.get(entrance)!, avroType(entrance).encode(value as never))
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const send = async (entrance: Entrance, value: Buffer, key?: string): Promise<Sent> => {
    const { topic } = ENTRANCES[entrance]
    const [written] = await persistently(tries, () =>
      producer.send({ topic, acks: -1, messages: [{ value, ...(key && { key }) }] }),
    )
    return { topic, partition: written!.partition, offset: BigInt(written!.baseOffset!) }
  }
  return {
    ...{ send, register, framed },
    announce: async visit => void (await send('next-visit', framed('next-visit', visit))),
    cancel: async it => void (await send('next-visit-canceled', framed('next-visit-canceled', it))),
    order: async it => void (await send('control', framed('control', it), it.instrument)),
    notify: async event => void (await send('raw-notification', Buffer.from(JSON.stringify(event)))),
    close: () => producer.disconnect(),
  }
}

async function persistently<T>(tries: number, work: () => Promise<T>): Promise<T> {
  for (let left = tries - 1; ; left--) {
    try {
      return await work()
    } catch (error) {
      if (left <= 0) throw error
      await sleep(1000)
    }
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
