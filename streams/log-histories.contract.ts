import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Isolation, LogWorld, Transaction } from './log-client.contract.ts'
import { at, type LogClient, type LogRecord, type TopicPartition } from './log-client.ts'
import { drain, record } from './testing/reading.ts'

/** One step of a history. Four zero bytes as a key look like the key of an abort marker; only the control bit tells them apart. */
type Step =
  | { readonly kind: 'plain'; readonly zeroKey: boolean }
  | { readonly kind: 'send'; readonly producer: number; readonly count: number; readonly zeroKey: boolean }
  | { readonly kind: 'commit' | 'abort' | 'die'; readonly producer: number }

const PRODUCERS = 3
const producer = fc.nat({ max: PRODUCERS - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plain' as const), zeroKey: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      producer,
      count: fc.integer({ min: 1, max: 3 }),
      zeroKey: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'abort', 'die'), producer }) },
)

/** What the next request of a kind meets. */
const loss = fc.record({
  request: fc.constantFrom('fence' as const, 'produce', 'end'),
  loss: fc.constantFrom('request lost' as const, 'reply lost'),
})

/** How many histories, how many of them with a cleaner, and how many rows of losses are tried. */
export interface Runs {
  readonly histories: number
  readonly compactions: number
  readonly outages: number
  /** Where a run is dear, a failing one is told as it is, instead of being tried again until it is short. */
  readonly dear?: true
}

/**
 * What every implementation of `LogClient` must do with histories that nobody thought of: the seeds of a failing one are printed.
 */
export function logHistoriesContract(name: string, makeWorld: () => Promise<LogWorld>, runs: Runs): void {
  describe(`LogClient contract: histories, ${name}`, () => {
    let world: LogWorld
    let client: LogClient
    const partition = async (config: Record<string, string> = {}): Promise<TopicPartition> => {
      const topic = `h-${randomUUID()}`
      await client.createTopics([{ topic, partitions: 1, config }])
      return { topic, partition: 0 }
    }
    /** The answer to an end may come before its markers: only a fence says that the end of the log is the end. */
    const endOf = async (tp: TopicPartition, ids: readonly string[]): Promise<bigint> => {
      for (const id of ids) await client.fence(id)
      return (await client.offsets([tp], 'latest')).get(at(tp))!
    }
    const readAll = async (tp: TopicPartition, isolation: Isolation, from: bigint, end: bigint) =>
      (await drain(() => client.read({ ...tp, offset: from }, isolation), from, end)).records

    beforeAll(async () => {
      world = await makeWorld()
      client = await world.client()
    })
    afterAll(async () => {
      await client.close()
      await world.close()
    })

    it('shows exactly what was committed, from wherever and in whatever pieces it is read', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 45 }), fc.nat(), async (steps, shift) => {
          const tp = await partition()
          const { ids, fates } = await play(world, client, tp, steps, () => null)
          const end = await endOf(tp, ids)
          const all = await readAll(tp, 'uncommitted', 0n, end)
          expect(all.map(r => String(r.value)).sort(), 'nothing is lost or doubled').toEqual([...fates.keys()].sort())
          const committed = all.filter(r => fates.get(String(r.value)) === 'commit')
          await readsEverywhere(world, tp, end, shift, { committed, uncommitted: all })
        }),
        { numRuns: runs.histories, endOnFailure: runs.dear ?? false },
      )
    })

    it('shows the last of each key after the cleaner was there, and passes what it has emptied', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 30 }), fc.nat(), async (steps, shift) => {
          const tp = await partition(world.compacted)
          const { ids } = await play(world, client, tp, steps, n => Buffer.from(`k${n % 4}`))
          const before = await readAll(tp, 'committed', 0n, await endOf(tp, ids))
          await world.compact(tp)
          const last = new Map(before.map(r => [String(r.key), r.offset]))
          const survivors = before.filter(r => last.get(String(r.key)) === r.offset)
          await readsEverywhere(world, tp, await endOf(tp, []), shift, { committed: survivors })
        }),
        { numRuns: runs.compactions, endOnFailure: runs.dear ?? false },
      )
    })

    it('lets an owner that fences and restores after each loss store each record once, with its offsets', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(loss, { minLength: 6, maxLength: 10 }), async losses => {
          const tp = await partition()
          const [id, group] = [randomUUID(), randomUUID()]
          const note = (n: number) => ({ offset: BigInt(n), metadata: `note ${n}` })
          let owner = await client.fence(id)
          let next = 0
          const commit = () => owner.commit([record(tp, `${next}`)], { group, offsets: [{ ...tp, ...note(next) }] })
          for (const { request, loss } of losses) {
            await commit()
            next++
            world.lose(request, loss)
            const error = await commit().then(nothing, (error: Error) => error)
            // An end that was not asked for cannot have happened; one whose answer is lost may have.
            if (request === 'fence') expect(error).toBeUndefined()
            else expect(error?.name).toMatch(request === 'end' ? 'UnknownOutcome' : /^(NotCommitted|UnknownOutcome)$/)
            const heir = await client.fence(id).catch(() => client.fence(id))
            expect(heir.epoch).toBeGreaterThan(owner.epoch)
            owner = heir
            if (request === 'fence' || (request === 'end' && loss === 'reply lost')) next++
            const end = (await client.offsets([tp], 'latest')).get(at(tp))!
            const stored = (await readAll(tp, 'committed', 0n, end)).map(r => Number(String(r.value)))
            expect(stored).toEqual([...Array(next).keys()])
            expect((await client.committed(group, [tp])).get(at(tp))).toEqual(note(next - 1))
          }
        }),
        { numRuns: runs.outages, endOnFailure: runs.dear ?? false },
      )
    })
  })
}

const nothing = () => undefined

/** Reads from many places in pieces of several sizes, each of which must give exactly what of `expected` lies there, and end at the end. */
async function readsEverywhere(
  world: LogWorld,
  tp: TopicPartition,
  end: bigint,
  shift: number,
  expected: Readonly<Partial<Record<Isolation, readonly LogRecord[]>>>,
): Promise<void> {
  // The smallest limit makes one batch an answer, so that each answer begins inside some transaction, or is an emptied batch.
  const pieces = [
    { maxBytes: 1, every: 11 },
    { maxBytes: 250, every: 7 },
    { maxBytes: 1 << 20, every: 2 },
  ]
  for (const { maxBytes, every } of pieces)
    for (let from = BigInt(shift % every); from <= end; from += BigInt(every))
      for (const [isolation, all] of Object.entries(expected) as [Isolation, readonly LogRecord[]][]) {
        const got = await drain(() => world.readInPieces({ ...tp, offset: from }, isolation, maxBytes), from, end)
        const records = told(all.filter(r => r.offset >= from))
        expect({ from, maxBytes, isolation, next: got.next, records: told(got.records) }).toEqual({
          ...{ from, maxBytes, isolation, next: end, records },
        })
      }
}
/** What a comparison is told; the records with which a world makes the cleaner come are none of the history's. */
const told = (records: readonly LogRecord[]) =>
  records.filter(r => String(r.key) !== 'roll').map(r => [r.offset, r.key?.toString('hex'), String(r.value)])

/** Plays a history; what is still open at its end is aborted by the next fence of its id. Returns what became of each value. */
async function play(
  world: LogWorld,
  client: LogClient,
  tp: TopicPartition,
  steps: readonly Step[],
  keyOf: (n: number) => Buffer | null,
) {
  const ids = Array.from({ length: PRODUCERS }, () => randomUUID())
  const fates = new Map<string, 'commit' | 'abort'>()
  const open = new Map<number, { readonly transaction: Transaction; readonly values: string[] }>()
  let values = 0
  const fresh = (zeroKey: boolean) => {
    const value = `${++values}`
    return { ...record(tp, value), key: zeroKey ? Buffer.alloc(4) : keyOf(values) }
  }
  const end = (producer: number, how: 'commit' | 'abort') => {
    for (const value of open.get(producer)?.values ?? []) fates.set(value, how)
    open.delete(producer)
  }
  for (const step of steps) {
    if (step.kind === 'plain') {
      await client.produce([fresh(step.zeroKey)])
      fates.set(`${values}`, 'commit')
    } else if (step.kind === 'send') {
      const found = open.get(step.producer) ?? { transaction: await world.begin(ids[step.producer]!), values: [] }
      open.set(step.producer, found)
      const records = Array.from({ length: step.count }, () => fresh(step.zeroKey))
      await found.transaction.send(records)
      found.values.push(...records.map(r => String(r.value)))
    } else if (step.kind === 'die') {
      end(step.producer, 'abort')
      await client.fence(ids[step.producer]!)
    } else {
      await open.get(step.producer)?.transaction.end(step.kind)
      end(step.producer, step.kind)
    }
  }
  for (const producer of [...open.keys()]) end(producer, 'abort')
  return { ids, fates }
}
