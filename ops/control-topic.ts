import { codecWith, schemaIdOf, UndecodableError, type Codec } from '../schemas/codec.ts'
import type { Audit, Control } from '../schemas/avro/generated.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { openKafka, openLog } from '../streams/main/world.ts'
import { Fenced, UnknownOutcome, type LogClient, type NewRecord } from '../streams/log-client.ts'
import { partitionsOfTopic, readCommitted } from '../streams/read-topic.ts'
import { prepareRegistry, writerSchemas } from '../streams/registry/registry.ts'
import { eventHeaders } from '../streams/task/records.ts'
import { applyControl, type Masks } from '../topology/masks.ts'
import { Rejection } from '../topology/model/step.ts'
import { audit, control } from '../topology/streams.ts'

/** The operators' end of the `control` topic: orders go in, and what fan-out makes of all of them is read off it. */
export interface ControlTopic {
  /** Writes the orders, and beside them who gave them and why, in one transaction. */
  give(orders: readonly Control[], note: Audit): Promise<void>
  /** The masks of every instrument as fan-out knows them once it has read all that is committed now; undefined: none. */
  masks(): Promise<ReadonlyMap<string, Masks | undefined>>
}

/** Opens the topic for as long as `work` takes. @throws ConfigError where brokers or registry do not answer. */
export async function withControlTopic<T>(config: Config, work: (topic: ControlTopic) => Promise<T>): Promise<T> {
  const unreachable = (error: Error) => {
    throw new ConfigError(error.message)
  }
  const log = openLog({ ...config, logLevel: 'error' }, 'control')
  const contracts = [
    { topic: control.topic, contract: 'control' as const },
    { topic: audit.topic, contract: 'audit' as const },
  ]
  const ids = await prepareRegistry(config.registry.url, contracts).catch(unreachable)
  const codec = codecWith(ids, writerSchemas(config.registry.url))
  const client = await openKafka(config, 'control', log).catch(unreachable)
  try {
    return await work({
      give: (orders, note) => give(client, codec, `${config.app}.operator`, orders, note),
      masks: () => foldMasks(client, codec),
    })
  } finally {
    await client.close()
  }
}

/** Both topics have one partition: fan-out takes orders in the order of their append. */
async function give(client: LogClient, codec: Codec, id: string, orders: readonly Control[], note: Audit) {
  await refuseMissing(client)
  const records: NewRecord[] = [
    ...orders.map(order => ({
      topic: control.topic,
      partition: 0,
      key: Buffer.from(order.instrument),
      value: codec.encode('control', order),
    })),
    {
      topic: audit.topic,
      partition: 0,
      key: Buffer.from(note.by),
      value: codec.encode('audit', note),
      headers: eventHeaders(Date.now(), 0),
    },
  ]
  const producer = await client.fence(id)
  await producer.commit(records).catch((error: unknown) => {
    if (error instanceof Fenced)
      throw new ConfigError('Another order was given at the same moment; nothing was written')
    if (error instanceof UnknownOutcome)
      throw new ConfigError('No answer: whether the order was written is not known; `pp mask ls` will say')
    throw error
  })
}

/** Orders that fan-out refuses change nothing: it parks them, with the reason. */
async function foldMasks(client: LogClient, codec: Codec): Promise<ReadonlyMap<string, Masks | undefined>> {
  await refuseMissing(client)
  const records = await readCommitted(client, await partitionsOfTopic(client, control.topic))
  await codec.prefetch(records.flatMap(({ value }) => (value && !codec.knows(value) ? [schemaIdOf(value)] : [])))
  const masks = new Map<string, Masks | undefined>()
  for (const { value, timestamp } of records) {
    if (!value) continue
    try {
      const order = codec.decode('control', value)
      masks.set(order.instrument, applyControl(masks.get(order.instrument), order, timestamp))
    } catch (error) {
      if (!(error instanceof Rejection || error instanceof UndecodableError)) throw error
    }
  }
  return masks
}

async function refuseMissing(client: LogClient): Promise<void> {
  const known = await client.describeTopics([control.topic, audit.topic])
  const missing = [control.topic, audit.topic].filter(topic => !known.has(topic))
  if (missing.length > 0) throw new ConfigError(`There is no topic ${missing.join(', ')}: run pp init first`)
}
