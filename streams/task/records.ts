import { schemaIdOf, UnknownSchemaError, type Codec } from '../../schemas/codec.ts'
import { decodeTick } from '../../schemas/json/clock-tick.ts'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import { Rejection, type Event, type Replay } from '../../topology/model/step.ts'
import type { JsonFormat, Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import { partitionsOf, type Topology } from '../../topology/model/topology.ts'
import { type AlertPacket, parked } from '../../topology/streams.ts'
import type { LogRecord, NewRecord, TopicPartition } from '../log-client.ts'
import { partitionFor } from '../partitioner.ts'
import type { Arrival, Refusal, UpstreamMark } from '../operators/moves.ts'
import { NoAppendTime } from './faults.ts'
import type { TaskPlan } from './plan.ts'
import { redriveOf } from './redrive.ts'

const text = (value: string | number): Buffer => Buffer.from(String(value))

/** Headers of a derived record: when what it tells of entered the system (ms UTC), and the replay it belongs to. */
export const eventHeaders = (at: Instant, replay: Replay): Record<string, Buffer> => ({
  at: text(at),
  replay: text(replay),
})

/** "Everything before `t` has come from me": a record without key and content, in band. */
export const watermarkRecord = (to: TopicPartition, from: string, t: Instant): NewRecord => ({
  topic: to.topic,
  partition: to.partition,
  key: null,
  value: Buffer.alloc(0),
  headers: { watermark: text(JSON.stringify({ from, t })) },
})

/** Bytes of a value of the stream. Throws MisfitError where the value is not what the contract says. */
export function encodeValue(codec: Codec, { topic, format }: Stream, value: unknown): Buffer {
  if ('avro' in format) return codec.encode(format.avro, value as never)
  if ('json' in format) return Buffer.from(JSON.stringify(value))
  throw new TypeError(`${topic} carries alerts, which only publish packs`)
}

const jsonReaders: Readonly<Record<JsonFormat, (bytes: Buffer) => unknown>> = {
  's3-notification': parseNotification,
  'clock-tick': decodeTick,
}

/** The record of an `Out` whose value is encoded already. A key of '' is none: such a record stays with its task. */
export function outRecord(
  topology: Topology,
  stream: Stream,
  out: { readonly key: string; readonly value: Buffer; readonly at: Instant; readonly replay: Replay },
  index: number,
): NewRecord {
  const partitions = partitionsOf(topology, stream)
  return {
    topic: stream.topic,
    partition: out.key === '' ? index % partitions : partitionFor(out.key, partitions),
    key: out.key === '' ? null : Buffer.from(out.key),
    value: out.value,
    headers: eventHeaders(out.at, out.replay),
  }
}

/** A parked record: the refused one's coordinates, reason and bytes. It keeps the key, so that a unit's stay together. */
export function parkedRecord(plan: TaskPlan, codec: Codec, { record, code, reason }: Refusal): NewRecord {
  const partitions = partitionsOf(plan.topology, parked)
  return {
    topic: parked.topic,
    partition: record.key === null ? plan.index % partitions : partitionFor(record.key, partitions),
    key: record.key,
    value: codec.encode('parked', {
      stage: plan.stage.name,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      code,
      reason,
      attempt: timesParked(plan, record) + 1,
      recordKey: record.key,
      recordValue: record.value,
      headers: record.headers,
    }),
    headers: eventHeaders(record.timestamp, 0),
  }
}

/** How often before: as the operator who put it back says; of an entrance's headers, which anybody makes, nothing is believed. */
function timesParked({ entrances }: TaskPlan, record: LogRecord): number {
  if (entrances.has(record.topic)) return 0
  try {
    return redriveOf(record)?.attempt ?? 0
  } catch {
    return 0
  }
}

/** A header's whole number, in decimal; undefined where there is none: headers of entrances are made by anybody. */
function wholeNumber({ headers }: LogRecord, name: string): number | undefined {
  const digits = String(headers[name] ?? '')
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}

/** An alert that can be read, as it was sent: whoever keeps it keeps its bytes. Throws UndecodableError, UnknownSchemaError. */
function packetOf(codec: Codec, bytes: Buffer): AlertPacket {
  const { diaSourceId } = codec.decode('lsst.v11_1.alert', bytes)
  return { diaSourceId, schemaId: schemaIdOf(bytes), bytes }
}

const codeOfError: Readonly<Record<string, string>> = {
  NotJsonError: 'not-json',
  NotANotificationError: 'not-a-notification',
  NotATickError: 'not-a-tick',
}

/**
 * Reads records of a task's inputs: events, other tasks' watermarks, or what must be parked; `undefined` for one that an operator put
 * back for another stage. Throws `UnknownSchemaError`.
 */
export class Reader {
  readonly #plan: TaskPlan
  readonly #codec: Codec

  constructor(plan: TaskPlan, codec: Codec) {
    this.#plan = plan
    this.#codec = codec
  }

  read(record: LogRecord): Arrival | Refusal | UpstreamMark | undefined {
    const entrance = this.#plan.entrances.has(record.topic)
    if (entrance && !record.appendTime) throw new NoAppendTime(record.topic)
    const mark = entrance ? undefined : record.headers['watermark']
    try {
      if (mark) {
        const { from, t } = JSON.parse(String(mark)) as { from: string; t: Instant }
        return { kind: 'upstream', from: `${record.topic}<${from}`, t }
      }
      if (!entrance && (redriveOf(record)?.stage ?? this.#plan.stage.name) !== this.#plan.stage.name) return undefined
      return { kind: 'event', event: this.#event(record, entrance), record }
    } catch (error) {
      if (error instanceof UnknownSchemaError) throw error
      const code = error instanceof Rejection ? error.code : (codeOfError[(error as Error).name] ?? 'undecodable')
      return { kind: 'refusal', record, code, reason: (error as Error).message }
    }
  }

  #event(record: LogRecord, entrance: boolean): Event {
    const stream = this.#plan.reads.get(record.topic)!
    if (record.value === null || record.value.length === 0) {
      throw new Rejection('no-value', 'The record has no value; only a table may have such records.')
    }
    return {
      stream: record.topic,
      key: record.key === null ? '' : record.key.toString('utf8'),
      at: entrance ? record.timestamp : this.#at(record),
      replay: entrance ? 0 : this.#replay(record),
      value: this.#value(stream, record.value),
    }
  }
  #at(record: LogRecord): Instant {
    const at = wholeNumber(record, 'at')
    if (at !== undefined) return at
    // Where time decides nothing, a record written by hand (an operator's redrive, a test) need not carry it.
    if (this.#plan.stage.watermark !== 'streams') return record.timestamp
    throw new Rejection(
      'no-time',
      'The header "at" (ms UTC) is missing or no number: when this entered the system cannot be known.',
    )
  }
  #replay(record: LogRecord): Replay {
    const replay = record.headers['replay'] === undefined ? 0 : wholeNumber(record, 'replay')
    if (replay !== undefined) return replay
    throw new Rejection(
      'bad-replay',
      'The header "replay" is no whole number: which attempt this belongs to cannot be known.',
    )
  }
  #value({ format }: Stream, bytes: Buffer): unknown {
    if ('avro' in format) return this.#codec.decode(format.avro, bytes)
    if ('json' in format) return jsonReaders[format.json](bytes)
    return packetOf(this.#codec, bytes)
  }
}
