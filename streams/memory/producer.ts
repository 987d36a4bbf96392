import {
  at,
  Fenced,
  NotCommitted,
  UnknownOutcome,
  type FencedProducer,
  type GroupOffsets,
  type NewRecord,
} from '../log-client.ts'
import { NotLeader, type MemoryBroker } from './broker.ts'
import type { Wire } from './wire.ts'

/** A transaction, request by request: a fence may come between any two of them. */
export class MemoryProducer implements FencedProducer {
  readonly epoch: number
  readonly id: string
  protected readonly broker: MemoryBroker
  protected readonly wire: Wire
  #dead: Error | undefined

  constructor(broker: MemoryBroker, wire: Wire, id: string, epoch: number) {
    this.broker = broker
    this.wire = wire
    this.id = id
    this.epoch = epoch
  }

  async commit(records: readonly NewRecord[], offsets?: GroupOffsets): Promise<void> {
    if (this.#dead) throw this.#dead
    try {
      await this.transact(records, offsets)
    } catch (error) {
      this.#dead =
        error instanceof Fenced ? error : new Error(`${this.id}: the producer is dead since an earlier error`)
      throw error
    }
  }

  protected async transact(records: readonly NewRecord[], offsets?: GroupOffsets): Promise<void> {
    while (this.broker.isCompleting(this.id)) await this.wire.hop()
    for (const batch of byPartition(records)) await this.send(batch)
    await this.wire.hop()
    if (offsets) this.broker.addOffsets(this.id, this.epoch, offsets)
    await this.wire.hop()
    await this.#end()
    await this.wire.hop()
  }

  /** One produce request. */
  protected async send(batch: readonly NewRecord[]): Promise<void> {
    await this.wire.hop()
    const fault = this.wire.fault('produce', this.id)
    if (!this.broker.describe(batch[0]!.topic) || fault === 'refused') {
      this.broker.end(this.id, this.epoch, 'aborted')
      throw new NotCommitted(`${this.id}: ${at(batch[0]!)} refused the records; the transaction was aborted`)
    }
    const append = () => this.broker.append(batch, this)
    if (fault !== 'request lost' && fault !== 'delayed') {
      try {
        append()
      } catch (error) {
        if (!(error instanceof NotLeader)) throw error
        // Whoever refuses it refuses its double too; and what is sent again would be known by its sequence number.
        return this.resend(batch)
      }
    }
    if (fault === 'delayed' || fault === 'doubled') this.wire.later(append)
    if (fault) throw new UnknownOutcome(`${this.id}: no answer from ${at(batch[0]!)}`)
  }

  /** A partition that has moved surely took nothing: it gets the same again. */
  protected async resend(batch: readonly NewRecord[]): Promise<void> {
    return this.send(batch)
  }

  async #end(): Promise<void> {
    const fault = this.wire.fault('end', this.id)
    if (fault === 'refused') {
      this.broker.end(this.id, this.epoch, 'aborted')
      throw new NotCommitted(`${this.id}: the transaction was aborted`)
    }
    const end = () => this.broker.end(this.id, this.epoch, 'committed')
    if (fault === 'delayed' || fault === 'doubled') this.wire.later(end)
    if (fault !== 'request lost' && fault !== 'delayed') end()
    if (fault) throw new UnknownOutcome(`${this.id}: no answer to the end of the transaction`)
  }
}

function byPartition(records: readonly NewRecord[]): NewRecord[][] {
  const batches = new Map<string, NewRecord[]>()
  for (const record of records) {
    const batch = batches.get(at(record)) ?? []
    batches.set(at(record), batch)
    batch.push(record)
  }
  return [...batches.values()]
}
