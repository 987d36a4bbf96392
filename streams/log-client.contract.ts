import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  at,
  DataLoss,
  Fenced,
  NotCommitted,
  type GroupPlan,
  type LogClient,
  type LogRecord,
  type NewRecord,
  type Tail,
  type TopicPartition,
} from './log-client.ts'
import { consume, drain, eventually, record, values } from './testing/reading.ts'

/** A log that several clients share, with the things that no client can be asked to do. */
export interface LogWorld {
  /** A client of its own, as another process would have. The suite closes it. */
  client(): Promise<LogClient>
  /** Fences the id and begins a transaction that goes step by step, or is left open, as by a process that is killed. */
  begin(transactionalId: string): Promise<Transaction>
  /** Reads as a client does, in answers that hold hardly more than so many bytes. */
  readInPieces(from: TopicPartition & { readonly offset: bigint }, isolation: Isolation, maxBytes: number): Tail
  /** The configuration of a topic on which `compact` works. */
  readonly compacted: Readonly<Record<string, string>>
  /** Lets the cleaner take what is superseded in all that the log holds by now. May add records with the key `roll`. */
  compact(partition: TopicPartition): Promise<void>
  /** What retention does: the log of the partition begins at `first` afterwards. */
  deleteBefore(partition: TopicPartition, first: bigint): Promise<void>
  /** The next such request of any client meets this. */
  lose(request: 'fence' | 'produce' | 'end', loss: 'request lost' | 'reply lost'): void
  close(): Promise<void>
}
export interface Transaction {
  send(records: readonly NewRecord[]): Promise<void>
  end(how: 'commit' | 'abort'): Promise<void>
}
export type Isolation = 'committed' | 'uncommitted'

/**
 * What every implementation of `LogClient` must do, run against the real broker and against the twin in memory.
 * A new world is made once; every test takes topics, groups and ids of its own.
 */
export function logClientContract(name: string, makeWorld: () => Promise<LogWorld>): void {
  describe(`LogClient contract: ${name}`, () => {
    let world: LogWorld
    let client: LogClient
    const others: LogClient[] = []
    const another = async (): Promise<LogClient> => {
      const made = await world.client()
      others.push(made)
      return made
    }
    const topic = async (partitions = 1, config: Record<string, string> = {}): Promise<string> => {
      const fresh = `t-${randomUUID()}`
      await client.createTopics([{ topic: fresh, partitions, config }])
      return fresh
    }

    const leaveOpen = async (id: string, records: readonly NewRecord[]) => (await world.begin(id)).send(records)

    beforeAll(async () => {
      world = await makeWorld()
      client = await world.client()
    })
    afterAll(async () => {
      await Promise.all([...others, client].map(each => each.close()))
      await world.close()
    })

    describe('reading', () => {
      it('gives back what was produced: keys, values, headers, nulls, offsets in order', async () => {
        const tp = { topic: await topic(), partition: 0 }
        await client.produce([
          { ...tp, key: Buffer.from('k'), value: Buffer.from('v'), headers: { h: Buffer.from('x') } },
          { ...tp, key: null, value: Buffer.from('no key') },
          { ...tp, key: Buffer.from('tombstone'), value: null },
        ])
        const { records, next } = await readTo(client, tp, 0n, 3n)
        expect(
          records.map(r => [r.offset, r.key?.toString(), r.value?.toString(), r.headers['h']?.toString()]),
        ).toEqual([
          [0n, 'k', 'v', 'x'],
          [1n, undefined, 'no key', undefined],
          [2n, 'tombstone', undefined, undefined],
        ])
        expect([records[1]!.key, records[2]!.value, next]).toEqual([null, null, 3n])
      })

      it('keeps each partition apart and in order', async () => {
        const name = await topic(3)
        const rows = Array.from({ length: 30 }, (_, i) => record({ topic: name, partition: i % 3 }, `${i}`))
        await client.produce(rows)
        for (const partition of [0, 1, 2]) {
          const { records } = await readTo(client, { topic: name, partition }, 0n, 10n)
          expect(values(records)).toEqual(Array.from({ length: 10 }, (_, i) => `${i * 3 + partition}`))
        }
      })

      it('starts in the middle at exactly the wanted offset', async () => {
        const tp = { topic: await topic(), partition: 0 }
        await client.produce(['a', 'b', 'c', 'd'].map(value => record(tp, value)))
        expect(values((await readTo(client, tp, 2n, 4n)).records)).toEqual(['c', 'd'])
      })

      it('says whose time the timestamp is', async () => {
        const ours = { topic: await topic(), partition: 0 }
        const brokers = {
          topic: await topic(1, { 'message.timestamp.type': 'LogAppendTime' }),
          partition: 0,
        }
        await client.produce([record(ours, 'a'), record(brokers, 'b')])
        expect((await readTo(client, ours, 0n, 1n)).records[0]!.appendTime).toBe(false)
        expect((await readTo(client, brokers, 0n, 1n)).records[0]!.appendTime).toBe(true)
      })

      it('finds the first record that is no older than an instant, and the end where none is', async () => {
        const tp = { topic: await topic(1, { 'message.timestamp.type': 'LogAppendTime' }), partition: 0 }
        const since = async (instant: number) => (await client.offsets([tp], { since: instant })).get(at(tp))
        expect(await since(0)).toBe(0n)
        for (const value of ['a', 'b', 'c']) {
          await client.produce([record(tp, value)])
          await new Promise(resolve => setTimeout(resolve, 3))
        }
        const { records } = await readTo(client, tp, 0n, 3n)
        for (const { offset, timestamp } of records)
          expect([await since(timestamp), await since(timestamp + 1)]).toEqual([offset, offset + 1n])
        expect(await since(0)).toBe(0n)
      })

      it('waits at the end and goes on with what comes', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const reading = readTo(client, tp, 0n, 1n)
        await client.produce([record(tp, 'late')])
        expect(values((await reading).records)).toEqual(['late'])
      })

      it('throws DataLoss below the start and above the end, and skips nothing', async () => {
        const tp = { topic: await topic(), partition: 0 }
        await client.produce(['a', 'b', 'c', 'd', 'e'].map(value => record(tp, value)))
        await world.deleteBefore(tp, 3n)
        await expect(readTo(client, tp, 1n, 5n)).rejects.toMatchObject({ name: 'DataLoss', wanted: 1n, first: 3n })
        await expect(readTo(client, tp, 99n, 100n)).rejects.toBeInstanceOf(DataLoss)
        expect(values((await readTo(client, tp, 3n, 5n)).records)).toEqual(['d', 'e'])
        expect(await client.offsets([tp], 'earliest')).toEqual(new Map([[at(tp), 3n]]))
      })

      it('ends the iteration at close, also while it waits', async () => {
        const tail = client.read({ topic: await topic(), partition: 0, offset: 0n }, 'committed')
        const iteration = consume(tail, () => false)
        tail.close()
        await expect(iteration).resolves.toBeUndefined()
      })
    })

    describe('transactions', () => {
      it('makes records of several partitions visible together, and the position passes the markers', async () => {
        const name = await topic(2)
        const [a, b] = [0, 1].map(partition => ({ topic: name, partition })) as [TopicPartition, TopicPartition]
        const id = randomUUID()
        await (await client.fence(id)).commit([record(a, '1'), record(b, '2'), record(a, '3')])
        const ends = await endsAfterFence(id, [a, b])
        expect(ends.get(at(a))).toBe(3n)
        const [readA, readB] = await Promise.all([a, b].map(tp => readTo(client, tp, 0n, ends.get(at(tp))!)))
        expect([values(readA!.records), readA!.next]).toEqual([['1', '3'], 3n])
        expect([values(readB!.records), readB!.next]).toEqual([['2'], 2n])
      })

      it('commits again and again under one fence', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const id = randomUUID()
        const producer = await client.fence(id)
        for (let i = 0; i < 10; i++) await producer.commit([record(tp, `${i}`)])
        const end = (await endsAfterFence(id, [tp])).get(at(tp))!
        expect(values((await readTo(client, tp, 0n, end)).records)).toEqual(
          Array.from({ length: 10 }, (_, i) => `${i}`),
        )
      })

      it('hides an open transaction and all that follows it from committed readers only', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const id = randomUUID()
        await client.produce([record(tp, 'before')])
        await leaveOpen(id, [record(tp, 'open')])
        await client.produce([record(tp, 'after')])
        expect(values((await readTo(client, tp, 0n, 3n, 'uncommitted')).records)).toEqual(['before', 'open', 'after'])
        expect(await client.offsets([tp], 'latest')).toEqual(new Map([[at(tp), 3n]]))
        expect(await client.offsets([tp], 'stable')).toEqual(new Map([[at(tp), 1n]]))
        const blocked = client.read({ ...tp, offset: 0n }, 'committed')
        const seen: LogRecord[] = []
        const reading = consume(blocked, chunk => (seen.push(...chunk.records), chunk.next >= 4n))
        await eventually(() => seen.length > 0)
        expect(values(seen)).toEqual(['before'])
        await client.fence(id)
        await reading
        expect(values(seen)).toEqual(['before', 'after'])
      })

      it('hides aborted records of interleaved transactions, wherever the reading starts', async () => {
        // First offsets are A < B, but B is aborted first: the broker lists them in order of completion, B before A.
        // Keys of four zero bytes look like the key of an abort marker; only the control bit tells them apart.
        const tp = { topic: await topic(), partition: 0 }
        const zero = Buffer.alloc(4)
        const [a, b] = [randomUUID(), randomUUID()]
        await client.produce([record(tp, 'p0')])
        await leaveOpen(a, [{ ...tp, key: zero, value: Buffer.from('aborted A') }, record(tp, 'aborted A')])
        await client.produce([record(tp, 'p1')])
        await leaveOpen(b, [{ ...tp, key: zero, value: Buffer.from('aborted B') }, record(tp, 'aborted B')])
        await client.produce([record(tp, 'p2')])
        await client.fence(b)
        await client.produce([record(tp, 'p3')])
        await (await client.fence(a)).commit([record(tp, 'committed')])
        const end = (await endsAfterFence(a, [tp])).get(at(tp))!
        const expected: [bigint, string][] = [
          [0n, 'p0'],
          [3n, 'p1'],
          [6n, 'p2'],
          [8n, 'p3'],
          [10n, 'committed'],
        ]
        expect(end).toBe(12n)
        for (let from = 0n; from <= end; from++) {
          const { records, next } = await readTo(client, tp, from, end)
          expect([from, records.map(r => [r.offset, r.value!.toString()])]).toEqual([
            from,
            expected.filter(([offset]) => offset >= from),
          ])
          expect(next).toBe(end)
        }
        expect((await readTo(client, tp, 0n, end, 'uncommitted')).records).toHaveLength(9)
      })

      it('lets a position pass a log that holds nothing but aborted records and markers', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const id = randomUUID()
        await leaveOpen(id, [record(tp, 'x'), record(tp, 'y')])
        const end = (await endsAfterFence(id, [tp])).get(at(tp))!
        expect(await readTo(client, tp, 0n, end)).toEqual({ records: [], next: 3n })
      })

      it('leaves no trace of a transaction that surely failed, and says NotCommitted', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const id = randomUUID()
        const producer = await client.fence(id)
        const missing = { topic: `missing-${randomUUID()}`, partition: 0 }
        await expect(producer.commit([record(tp, 'x'), record(missing, 'y')])).rejects.toBeInstanceOf(NotCommitted)
        await expect(producer.commit([record(tp, 'z')]), 'dead after any error').rejects.toThrow()
        await (await client.fence(id)).commit([record(tp, 'after')])
        const end = (await endsAfterFence(id, [tp])).get(at(tp))!
        expect(values((await readTo(client, tp, 0n, end)).records)).toEqual(['after'])
      })

      const endsAfterFence = async (id: string, of: readonly TopicPartition[]) => {
        // The answer to a commit may come before its markers: only a fence says that the end is the end.
        await client.fence(id)
        return client.offsets(of, 'latest')
      }
    })

    describe('fencing', () => {
      it('kills the older producer of the id, for ever, and no other', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const [id, otherId] = [randomUUID(), randomUUID()]
        const bystander = await client.fence(otherId)
        const zombie = await client.fence(id)
        await zombie.commit([record(tp, 'alive')])
        const heir = await (await another()).fence(id)
        expect(heir.epoch).toBeGreaterThan(zombie.epoch)
        await expect(zombie.commit([record(tp, 'zombie')])).rejects.toBeInstanceOf(Fenced)
        await expect(zombie.commit([record(tp, 'zombie')])).rejects.toBeInstanceOf(Fenced)
        await heir.commit([record(tp, 'heir')])
        await bystander.commit([record(tp, 'bystander')])
        await Promise.all([client.fence(id), client.fence(otherId)])
        const end = (await client.offsets([tp], 'latest')).get(at(tp))!
        expect(values((await readTo(client, tp, 0n, end)).records)).toEqual(['alive', 'heir', 'bystander'])
      })

      it('lets one of many that race for an id be the last', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const id = randomUUID()
        const racers = await Promise.all([client, await another(), await another()].map(each => each.fence(id)))
        const outcomes = await Promise.allSettled(racers.map((racer, i) => racer.commit([record(tp, `${i}`)])))
        expect(outcomes.filter(o => o.status === 'fulfilled')).toHaveLength(1)
        expect(outcomes.filter(o => o.status === 'rejected' && o.reason instanceof Fenced)).toHaveLength(2)
      })
    })

    describe('group offsets', () => {
      it('commits them with the transaction, metadata included, and knows nothing of other partitions', async () => {
        const name = await topic(3)
        const [group, id] = [randomUUID(), randomUUID()]
        const [a, b, c] = [0, 1, 2].map(partition => ({ topic: name, partition }))
        const offsets = [
          { ...a!, offset: 7n, metadata: 'a note of ours' },
          { ...b!, offset: 9n, metadata: '' },
        ]
        await (await client.fence(id)).commit([record(c!, 'x')], { group, offsets })
        await client.fence(id)
        expect(await client.committed(group, [a!, b!, c!])).toEqual(
          new Map([
            [at(a!), { offset: 7n, metadata: 'a note of ours' }],
            [at(b!), { offset: 9n, metadata: '' }],
          ]),
        )
      })

      it('commits offsets alone, and keeps the old ones when the transaction fails', async () => {
        const tp = { topic: await topic(), partition: 0 }
        const [group, id] = [randomUUID(), randomUUID()]
        const offsets = (offset: bigint) => ({ group, offsets: [{ ...tp, offset, metadata: 'm' }] })
        await (await client.fence(id)).commit([], offsets(1n))
        const zombie = await client.fence(id)
        await client.fence(id)
        await expect(zombie.commit([], offsets(2n))).rejects.toBeInstanceOf(Fenced)
        expect((await client.committed(group, [tp])).get(at(tp))?.offset).toBe(1n)
      })
    })

    describe('membership', () => {
      const plan = async (tasks: number): Promise<GroupPlan> => {
        const [left, right] = [await topic(tasks), await topic(tasks)]
        const inputs = (partition: number) => [left, right].map(topic => ({ topic, partition }))
        return {
          group: randomUUID(),
          tasks: Array.from({ length: tasks }, (_, i) => inputs(i)),
          sessionTimeoutMs: 1_000,
        }
      }

      it('spreads the tasks over one, two, three, four, five members and back, moving no more than it must', async () => {
        const group = await plan(7)
        const [a, b, c, d, e] = [new Owner('a'), new Owner('b'), new Owner('c'), new Owner('d'), new Owner('e')]
        const all = [a, b, c, d, e]
        const settled = (of: Owner[], sizes: number[]) =>
          eventually(
            () =>
              same(of.flatMap(m => [...m.tasks]).sort(), [0, 1, 2, 3, 4, 5, 6]) &&
              same(of.map(m => m.tasks.size).sort(), sizes),
            () => all.map(String).join(' '),
          )
        a.membership = await client.join(group, a)
        await settled([a], [7])
        b.membership = await (await another()).join(group, b)
        await settled([a, b], [3, 4])
        expect(a.revokedCount + b.revokedCount).toBe(a.tasks.size === 4 ? 3 : 4)
        const kept = new Set(a.tasks)
        c.membership = await (await another()).join(group, c)
        await settled([a, b, c], [2, 2, 3])
        expect([...a.tasks].every(task => kept.has(task))).toBe(true)
        d.membership = await (await another()).join(group, d)
        await settled([a, b, c, d], [1, 2, 2, 2])
        e.membership = await (await another()).join(group, e)
        await settled(all, [1, 1, 1, 2, 2])
        await Promise.all([b, d].map(m => m.membership!.leave()))
        for (const gone of [b, d]) gone.tasks.clear()
        await settled([a, c, e], [2, 2, 3])
        await Promise.all([a, c, e].map(m => m.membership!.leave()))
        expect(all.flatMap(m => m.faults)).toEqual([])
      })

      it('counts the members of a group, and none where there is no such group', async () => {
        const work = await plan(2)
        expect(await client.members(work.group)).toBe(0)
        const memberships = [await client.join(work, new Owner('one')), await client.join(work, new Owner('two'))]
        expect(await client.members(work.group)).toBe(2)
        for (const membership of memberships) await membership.leave()
        expect(await client.members(work.group)).toBe(0)
      })

      it('gives a task to the next member only after the last one has let it go', async () => {
        const group = await plan(4)
        const events: string[] = []
        const a = new Owner('a')
        a.onRevoked = async tasks => {
          await new Promise(resolve => setTimeout(resolve, 150))
          events.push(...tasks.map(task => `released ${task}`))
        }
        const b = new Owner('b')
        b.onAssigned = tasks => events.push(...tasks.map(task => `taken ${task}`))
        a.membership = await client.join(group, a)
        await eventually(() => a.tasks.size === 4)
        b.membership = await (await another()).join(group, b)
        await eventually(() => b.tasks.size === 2)
        for (const task of b.tasks)
          expect(events.indexOf(`released ${task}`)).toBeLessThan(events.indexOf(`taken ${task}`))
        expect(events).toHaveLength(4)
        await Promise.all([a, b].map(m => m.membership!.leave()))
      })

      it('gives the tasks of a member that vanished to the others, with a higher generation', async () => {
        const group = await plan(4)
        const [a, b] = [new Owner('a'), new Owner('b')]
        const doomed = await another()
        await doomed.join(group, a)
        await eventually(() => a.tasks.size === 4)
        const before = a.generation
        b.membership = await client.join(group, b)
        await doomed.close()
        await eventually(() => b.tasks.size === 4)
        expect(b.generation).toBeGreaterThan(before)
        await b.membership.leave()
      })
    })

    describe('topics', () => {
      it('creates what is missing and leaves what exists alone', async () => {
        const [old, fresh] = [await topic(2, { 'cleanup.policy': 'compact' }), `t-${randomUUID()}`]
        const spec = { partitions: 5, config: { 'cleanup.policy': 'delete', 'retention.ms': '86400000' } }
        await client.createTopics([
          { topic: old, ...spec },
          { topic: fresh, ...spec },
        ])
        await client.createTopics([{ topic: fresh, ...spec }])
        const found = await client.describeTopics([old, fresh, `missing-${randomUUID()}`])
        expect([...found.keys()].sort()).toEqual([old, fresh].sort())
        expect(found.get(old)).toMatchObject({ partitions: 2, config: { 'cleanup.policy': 'compact' } })
        expect(found.get(fresh)).toMatchObject({ partitions: 5, config: { 'retention.ms': '86400000' } })
      })

      it('refuses the offsets of a topic that is not there, naming it', async () => {
        const missing = `missing-${randomUUID()}`
        await expect(client.offsets([{ topic: missing, partition: 0 }], 'latest')).rejects.toThrow(missing)
      })
    })

    it('closes promptly with a reader waiting and a member joined, and ends both', async () => {
      const closing = await another()
      const name = await topic()
      const iteration = consume(closing.read({ topic: name, partition: 0, offset: 0n }, 'committed'), () => false)
      const owner = new Owner('closing')
      const tasks = [[{ topic: name, partition: 0 }]]
      await closing.join({ group: randomUUID(), tasks, sessionTimeoutMs: 1_000 }, owner)
      await eventually(() => owner.tasks.size === 1)
      const began = performance.now()
      await closing.close()
      await expect(iteration).resolves.toBeUndefined()
      expect(performance.now() - began).toBeLessThan(500)
    })
  })
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i])

/** Everything of one partition from `from` until the position reaches `end`; for `from >= end` nothing is read. */
const readTo = (client: LogClient, tp: TopicPartition, from: bigint, end: bigint, isolation: Isolation = 'committed') =>
  drain(() => client.read({ ...tp, offset: from }, isolation), from, end)

/** A member that keeps the book of its tasks and notes every breach of the port's promises. */
class Owner {
  readonly name: string
  readonly tasks = new Set<number>()
  readonly faults: string[] = []
  generation = -1
  revokedCount = 0
  membership: { leave(): Promise<void> } | undefined
  onAssigned: (tasks: readonly number[]) => void = () => undefined
  onRevoked: (tasks: readonly number[]) => Promise<void> = async () => undefined

  constructor(name: string) {
    this.name = name
  }
  assigned(tasks: readonly number[], generation: number): void {
    if (generation < this.generation) this.faults.push(`${this.name}: generation went back to ${generation}`)
    this.generation = generation
    for (const task of tasks) {
      if (this.tasks.has(task)) this.faults.push(`${this.name}: task ${task} assigned twice`)
      this.tasks.add(task)
    }
    this.onAssigned(tasks)
  }
  async revoked(tasks: readonly number[]): Promise<void> {
    await this.onRevoked(tasks)
    this.revokedCount += tasks.length
    this.drop(tasks)
  }
  lost(tasks: readonly number[]): void {
    this.drop(tasks)
  }
  private drop(tasks: readonly number[]): void {
    for (const task of tasks)
      if (!this.tasks.delete(task)) this.faults.push(`${this.name}: task ${task} taken but never given`)
  }
  toString(): string {
    return `${this.name}{${[...this.tasks].join(',')}}`
  }
}
