import type Cluster from 'kafkajs/src/cluster/index.js'
import {
  at,
  Fenced,
  NotCommitted,
  UnknownOutcome,
  type FencedProducer,
  type GroupOffsets,
  type NewRecord,
} from '../log-client.ts'
import { COORDINATOR_BUSY, FENCED, kafkaErrorOf, messageOf } from './errors.ts'
import type { Broker, Compression } from './internals.ts'
import { batchesOf, produceBatch, type Identity, type PartitionBatches } from './produce.ts'
import { retrying } from './retry.ts'
import { byTopic } from './topics.ts'

const GROUP = 0
const TRANSACTION = 1
const SEQUENCES = 2 ** 31
const FENCE_DEADLINE_MS = 30_000
/** How long a failed transaction may take to say "abort". The next fence, or the broker's time-out, aborts it in any case. */
const ABORT_DEADLINE_MS = 1_000

export interface TransactionOptions {
  /** After which the broker aborts a transaction that its owner left open, and fences the owner. */
  readonly transactionTimeoutMs: number
  readonly compressionOf: (topic: string) => Compression
}

/**
 * Takes the transactional id. Returns when every transaction of an older holder is complete; asks again while the
 * coordinator is busy with that or cannot be reached, for at most 30 s.
 */
export async function fence(
  connect: () => Promise<Cluster>,
  id: string,
  options: TransactionOptions,
): Promise<TxProducer> {
  const transactionTimeout = options.transactionTimeoutMs
  const again = (error: unknown) => COORDINATOR_BUSY.has(kafkaErrorOf(error)) || kafkaErrorOf(error) === undefined
  return retrying(performance.now() + FENCE_DEADLINE_MS, again, async () => {
    const cluster = await connect()
    const coordinator = await cluster.findGroupCoordinator({ groupId: id, coordinatorType: TRANSACTION })
    const { producerId, producerEpoch } = await coordinator.initProducerId({ transactionalId: id, transactionTimeout })
    return new TxProducer(cluster, coordinator, { transactionalId: id, producerId, producerEpoch }, options)
  }).catch((cause: unknown) => {
    throw new Error(`transactional id ${id} cannot be fenced: ${messageOf(cause)}`, { cause })
  })
}

/**
 * One epoch of a transactional id. The order inside `commit` is: tell the coordinator all partitions and the group, then
 * write records and offsets side by side, then end. Whatever fails, the producer is dead.
 */
export class TxProducer implements FencedProducer {
  readonly epoch: number
  readonly #cluster: Cluster
  readonly #identity: Identity
  readonly #options: TransactionOptions
  readonly #sequences = new Map<string, number>()
  readonly #groupCoordinators = new Map<string, Broker>()
  #coordinator: Broker
  #busy = false
  #dead: Error | undefined

  constructor(cluster: Cluster, coordinator: Broker, identity: Identity, options: TransactionOptions) {
    this.#cluster = cluster
    this.#coordinator = coordinator
    this.#identity = identity
    this.#options = options
    this.epoch = identity.producerEpoch
  }

  async commit(records: readonly NewRecord[], groupOffsets?: GroupOffsets): Promise<void> {
    const id = this.#identity.transactionalId
    if (this.#busy) throw new Error(`${id}: commit was called while another commit is under way`)
    if (this.#dead instanceof Fenced) throw new Fenced(this.#dead.message, { cause: this.#dead })
    if (this.#dead)
      throw new NotCommitted(`${id}: this producer is dead since: ${this.#dead.message}`, { cause: this.#dead })
    const offsets = groupOffsets && groupOffsets.offsets.length > 0 ? groupOffsets : undefined
    if (records.length === 0 && !offsets) return
    this.#busy = true
    try {
      await this.#transact(batchesOf(records), offsets)
    } catch (error) {
      this.#dead = error as Error
      throw error
    } finally {
      this.#busy = false
    }
  }

  async #transact(partitions: readonly PartitionBatches[], offsets: GroupOffsets | undefined): Promise<void> {
    const deadline = performance.now() + this.#options.transactionTimeoutMs
    try {
      await this.#begin(partitions, offsets, deadline)
      // Both are awaited to their end, so that an abort cannot overtake a write that is still under way.
      const writes = partitions.map(p => this.#write(p, deadline))
      if (offsets) writes.push(this.#writeOffsets(offsets, deadline))
      const failures = (await Promise.allSettled(writes)).flatMap(o =>
        o.status === 'rejected' ? [o.reason as Error] : [],
      )
      if (failures.length > 0) throw failures.find(isFencing) ?? failures[0]!
    } catch (cause) {
      if (isFencing(cause)) throw this.#fenced(cause)
      await this.#end(false, performance.now() + ABORT_DEADLINE_MS).catch(() => undefined)
      throw new NotCommitted(`${this.#identity.transactionalId}: ${messageOf(cause)}`, { cause })
    }
    await this.#end(true, deadline).catch((cause: unknown) => {
      if (isFencing(cause)) throw this.#fenced(cause)
      throw new UnknownOutcome(`${this.#identity.transactionalId}: no answer to the commit: ${messageOf(cause)}`, {
        cause,
      })
    })
  }

  async #begin(partitions: readonly PartitionBatches[], offsets: GroupOffsets | undefined, deadline: number) {
    if (partitions.length > 0) {
      const topics = byTopic(
        partitions.map(p => p.to),
        p => p.partition,
      )
      await this.#coordinated(deadline, c => c.addPartitionsToTxn({ ...this.#identity, topics }))
    }
    if (offsets)
      await this.#coordinated(deadline, c => c.addOffsetsToTxn({ ...this.#identity, groupId: offsets.group }))
  }

  async #write({ to, batches }: PartitionBatches, deadline: number): Promise<void> {
    const compression = this.#options.compressionOf(to.topic)
    for (const batch of batches) {
      const sequence = this.#sequences.get(at(to)) ?? 0
      await produceBatch(this.#cluster, to, batch, { compression, deadline, sequence, identity: this.#identity })
      this.#sequences.set(at(to), (sequence + batch.length) % SEQUENCES)
    }
  }

  async #writeOffsets({ group, offsets }: GroupOffsets, deadline: number): Promise<void> {
    const topics = byTopic(offsets, o => ({ partition: o.partition, offset: `${o.offset}`, metadata: o.metadata }))
    const forget = (error: unknown) =>
      COORDINATOR_BUSY.has(kafkaErrorOf(error)) && (this.#groupCoordinators.delete(group), true)
    await retrying(deadline, forget, async () => {
      const coordinator =
        this.#groupCoordinators.get(group) ??
        (await this.#cluster.findGroupCoordinator({ groupId: group, coordinatorType: GROUP }))
      this.#groupCoordinators.set(group, coordinator)
      await coordinator.txnOffsetCommit({ ...this.#identity, groupId: group, topics })
    })
  }

  #end(commit: boolean, deadline: number): Promise<unknown> {
    return this.#coordinated(deadline, c => c.endTxn({ ...this.#identity, transactionResult: commit }))
  }

  /** Asks the transaction's coordinator, again while it says that it did nothing yet; a lost answer is not asked again. */
  #coordinated(deadline: number, ask: (coordinator: Broker) => Promise<unknown>): Promise<unknown> {
    const moved = async (error: unknown) => {
      if (!COORDINATOR_BUSY.has(kafkaErrorOf(error))) return false
      if (kafkaErrorOf(error) !== 'CONCURRENT_TRANSACTIONS') {
        const groupId = this.#identity.transactionalId
        this.#coordinator = await this.#cluster.findGroupCoordinator({ groupId, coordinatorType: TRANSACTION })
      }
      return true
    }
    return retrying(deadline, moved, () => ask(this.#coordinator))
  }

  #fenced(cause: unknown): Fenced {
    const { transactionalId, producerEpoch } = this.#identity
    return new Fenced(`${transactionalId}: epoch ${producerEpoch} is over, somebody newer holds the id`, { cause })
  }
}

const isFencing = (error: unknown): boolean => FENCED.has(kafkaErrorOf(error))
