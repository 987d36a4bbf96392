import { userInfo } from 'node:os'
import { codecWith, type Codec } from '../schemas/codec.ts'
import type { Audit, Contracts } from '../schemas/avro/generated.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { openKafka, openLog } from '../streams/main/world.ts'
import {
  Fenced,
  UnknownOutcome,
  type FencedProducer,
  type GroupOffsets,
  type LogClient,
  type NewRecord,
} from '../streams/log-client.ts'
import { prepareRegistry, writerSchemas } from '../streams/registry/registry.ts'
import { eventHeaders } from '../streams/task/records.ts'
import type { Stream } from '../topology/model/stream.ts'
import { audit } from '../topology/streams.ts'

/** What an operator's command has of Kafka. */
export interface Operator {
  readonly client: LogClient
  readonly codec: Codec
}

/** Connects for as long as `work` takes. @throws ConfigError where brokers or registry do not answer, or one of the topics is missing */
export async function asOperator<T>(
  config: Config,
  name: string,
  streams: readonly Stream[],
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const unreachable = (error: Error) => {
    throw new ConfigError(error.message)
  }
  const log = openLog({ ...config, logLevel: 'error' }, name)
  const contracts = streams.flatMap(({ topic, format }) =>
    'avro' in format ? [{ topic, contract: format.avro satisfies keyof Contracts }] : [],
  )
  const ids = await prepareRegistry(config.registry.url, contracts).catch(unreachable)
  const codec = codecWith(ids, writerSchemas(config.registry.url))
  const client = await openKafka(config, name, log).catch(unreachable)
  try {
    const known = await client.describeTopics(streams.map(({ topic }) => topic))
    const missing = streams.filter(({ topic }) => !known.has(topic)).map(({ topic }) => topic)
    if (missing.length > 0) throw new ConfigError(`There is no topic ${missing.join(', ')}: run pp init first`)
    return await work({ client, codec })
  } finally {
    await client.close()
  }
}

/**
 * Writes records or the offsets of a group, and beside them who ordered them and why, in one transaction. `whatTells`: the command that says what became of it.
 * @throws ConfigError where somebody else gave an order meanwhile (nothing is written), or where no answer came
 */
export async function commitOrder(
  { codec }: Operator,
  producer: FencedProducer,
  records: readonly NewRecord[],
  note: Audit,
  whatTells: string,
  groupOffsets?: GroupOffsets,
): Promise<void> {
  const noted = {
    topic: audit.topic,
    partition: 0,
    key: Buffer.from(note.by),
    value: codec.encode('audit', note),
    headers: eventHeaders(Date.now(), 0),
  }
  await producer.commit([...records, noted], groupOffsets).catch((error: unknown) => {
    if (error instanceof Fenced)
      throw new ConfigError('Another order was given at the same moment; nothing was written')
    if (error instanceof UnknownOutcome)
      throw new ConfigError(`No answer: whether the order was written is not known; \`${whatTells}\` will say`)
    throw error
  })
}

/** Who gives an order: as said, else who is logged in. @throws ConfigError where that is nobody */
export function orderedBy(said: string | undefined, login: () => string = () => userInfo().username): string {
  const by = said ?? knownLogin(login)
  if (by.trim() === '') throw new ConfigError('--by is blank or nobody is logged in; say --by and who gives the order')
  return by
}

/** A process in a container may run under a number that has no name: then blank. */
function knownLogin(login: () => string): string {
  try {
    return login()
  } catch {
    return ''
  }
}
