import type { Contracts } from '../../schemas/avro/generated.ts'

/** JSON topics: the world's notification of a stored object, and our clock. */
export type JsonFormat = 's3-notification' | 'clock-tick'

/** What a record of the stream is about; streams that are joined share key, partition count and partitioner. */
export type KeyKind = 'unit' | 'visit' | 'instrument' | 'alert' | 'none'

/** A topic. A *stream* is a history (cleanup `delete`), a *table* the latest value per key (cleanup `compact`). */
export interface Stream<V = unknown> {
  readonly topic: string
  readonly key: KeyKind
  readonly cleanup: 'delete' | 'compact'
  readonly format:
    { readonly avro: keyof Contracts } | { readonly json: JsonFormat } | { readonly alert: 'lsst.v11_1.alert' }
  /** Fixed for the life of the state; the default of the topology where it is absent. */
  readonly partitions?: number
  /** How long the history is kept. Tables are kept for ever. */
  readonly retentionHours?: number
  /** The value's type, for the compiler alone. */
  readonly value?: V
}

/** A stream of Avro records: the name of the contract gives the value's type. */
export const stream = <N extends keyof Contracts>(
  topic: string,
  avro: N,
  key: KeyKind,
  more: Partial<Pick<Stream, 'cleanup' | 'partitions' | 'retentionHours'>> = {},
): Stream<Contracts[N]> => ({ topic, key, cleanup: 'delete', format: { avro }, ...more })
