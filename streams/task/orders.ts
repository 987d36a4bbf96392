import type { Replay } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { taskCount } from '../../topology/model/topology.ts'
import { clock } from '../../topology/streams.ts'
import { at, type LogClient, type LogRecord, type TopicPartition } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Arrival } from '../operators/moves.ts'
import { OrderRefused } from './faults.ts'
import type { Commit } from './journal.ts'
import type { TaskPlan } from './plan.ts'
import { Progress } from './progress.ts'

/** What our own commits write beside a group's offsets; an operator's tool leaves it empty. */
export const METADATA = 'pp:'

/** For lag tools and operators; the metadata tells our own commits from an operator's order. */
export const groupOffsets = ({ group, inputs }: TaskPlan, { seq, offsets }: Commit) => ({
  group,
  offsets: inputs.map(input => ({ ...input, offset: BigInt(offsets[at(input)]!), metadata: `${METADATA}${seq}` })),
})

type ByInput<T> = ReadonlyMap<string, T>

/** Where a task goes on: what its journal says, or what an operator has ordered. */
export interface Standing {
  /** Where to read on. Every input has one. */
  readonly offsets: ByInput<bigint>
  /** What is done at or above those, and is not done again. Every input has an entry. */
  readonly done: ByInput<readonly bigint[]>
  /** Newest word of each upstream task, "topic<stage#task". */
  readonly marks: ReadonlyMap<string, Instant>
  readonly watermark: Instant | null
  readonly replay: Commit['replay']
}

/** Where the journal says that a task stands; without one, at the earliest records, never at the latest. */
export async function standingOf(
  client: LogClient,
  { inputs }: TaskPlan,
  commit: Commit | undefined,
): Promise<Standing> {
  const earliest = await client.offsets(inputs, 'earliest')
  const offsetOf = (tp: TopicPartition) => {
    const [first, kept] = [earliest.get(at(tp))!, commit?.offsets[at(tp)]]
    // A tick that retention has taken is no loss: a later one says more. So a long stop needs no operator.
    return kept === undefined || (tp.topic === clock.topic && BigInt(kept) < first) ? first : BigInt(kept)
  }
  return {
    offsets: new Map(inputs.map(tp => [at(tp), offsetOf(tp)])),
    done: mapOf(inputs, input => (commit?.done[input] ?? []).map(BigInt)),
    marks: new Map(Object.entries(commit?.upstream ?? {})),
    watermark: commit?.watermark ?? null,
    replay: { id: 0, until: {}, seen: 0, ...commit?.replay },
  }
}

export const progressOf = ({ offsets, done }: Standing): Map<string, Progress> =>
  new Map([...offsets].map(([input, from]) => [input, new Progress(from, done.get(input))]))

/**
 * An operator who resets the offsets of a stopped group orders a replay: a group offset without our metadata is an order. It moves the
 * task back, never forward, to one moment in all its inputs; what it has read before is read again, marked with the order's id, and
 * its time is learned anew from the log. Example: an input read up to 100 and reset to 40 is read from 40 on, and 40 to 99 are marked;
 * one read up to 7 and reset to 9, beyond its last record, goes on at 7. Where records were done out of order the task has reached
 * beyond the last of them: what was done at or above the order is read again too, what was done below it stays done.
 *
 * The id is the watermark at which the order is taken, and above any id the task has seen: it becomes the attempt of the units. A
 * task that has never known a time counts 1, 2, 3.
 * The caller commits the new standing, and our metadata over the order, in one transaction: until then the order is simply taken again.
 *
 * @returns where the task is to go on; undefined where there is no order
 * @throws OrderRefused, with the command that would be right
 */
export async function takeOrder(
  client: LogClient,
  plan: TaskPlan,
  standing: Standing,
  log: Log,
): Promise<Standing | undefined> {
  const ordered = await ordersOf(client, plan)
  if (ordered.size === 0) return undefined
  const facts = {
    task: plan.name,
    group: plan.group,
    order: Object.fromEntries([...ordered].map(([input, to]) => [input, String(to)])),
  }
  const [first, end] = await Promise.all([
    client.offsets(plan.inputs, 'earliest'),
    client.offsets(plan.inputs, 'latest'),
  ])
  // What retention has taken of what was not read yet is lost; whoever gives an order has decided to go on without it.
  const stands = mapOf(plan.inputs, input => larger(standing.offsets.get(input)!, first.get(input)!))
  const reached = mapOf(plan.inputs, input =>
    standing.done.get(input)!.reduce((end, offset) => larger(end, offset + 1n), stands.get(input)!),
  )
  if (plan.stage.resets === 'ignored') {
    log.warn(
      facts,
      'an order was not taken: the truth of this stage is not its place in the log; it goes on where it stands',
    )
    return { ...standing, offsets: stands }
  }
  refuseOutside(plan, ordered, first, end)
  const to = mapOf(plan.inputs, input =>
    smaller(larger(ordered.get(input) ?? reached.get(input)!, first.get(input)!), reached.get(input)!),
  )
  await refuseSplit(client, plan, { ordered, to, reached })
  const again = plan.inputs.filter(input => to.get(at(input))! < reached.get(at(input))!)
  if (again.length === 0) {
    log.warn(facts, 'an order lies at or beyond where the task stands: nothing is read again, and nothing is skipped')
    return { ...standing, offsets: stands }
  }
  const offsets = mapOf(plan.inputs, input => smaller(to.get(input)!, stands.get(input)!))
  const done = mapOf(plan.inputs, input => standing.done.get(input)!.filter(offset => offset < to.get(input)!))
  const replay = replayOf(standing, again, reached)
  const topics = new Set(again.map(({ topic }) => topic))
  const marks = new Map([...standing.marks].filter(([mark]) => !topics.has(mark.split('<')[0]!)))
  log.warn({ ...facts, replay: replay.id, until: replay.until }, 'an order to replay was taken')
  return { offsets, done, marks, watermark: null, replay }
}

/** Offsets of the group that are not ours; none where nothing but a clock that others read too was reset. */
async function ordersOf(client: LogClient, plan: TaskPlan): Promise<ByInput<bigint>> {
  const kept = await client.committed(plan.group, plan.inputs)
  const foreign = [...kept].filter(([, { metadata }]) => !metadata.startsWith(METADATA))
  const ordered = new Map(foreign.map(([input, { offset }]) => [input, offset]))
  return ownInputs(plan).some(input => ordered.has(input)) ? ordered : new Map()
}

/**
 * Inputs that no other task of the stage has. Where several tasks share the clock, whoever comes first writes our metadata over its
 * offset: a task that finds it so keeps its place among the ticks, which changes no decision.
 */
const ownInputs = ({ topology, stage, inputs }: TaskPlan): string[] =>
  inputs.filter(({ topic }) => topic !== clock.topic || taskCount(topology, stage) === 1).map(at)

function refuseOutside(plan: TaskPlan, ordered: ByInput<bigint>, first: ByInput<bigint>, end: ByInput<bigint>): void {
  for (const [input, to] of ordered) {
    const [from, until] = [first.get(input)!, end.get(input)!]
    // A tick that retention has taken is no loss: a later one says more.
    const isLost = to < from && partitionOf(input).topic !== clock.topic
    if (isLost || to > until)
      throw new OrderRefused(plan, `${input} was reset to ${to}, and the log holds ${from} to ${until}`)
  }
}

/**
 * The inputs of a task meet in it, so they must be reset to one moment. There is one if it can be the time of the oldest record that
 * is read again: then each input must begin with its own first record since then.
 */
async function refuseSplit(
  client: LogClient,
  plan: TaskPlan,
  { ordered, to, reached }: { ordered: ByInput<bigint>; to: ByInput<bigint>; reached: ByInput<bigint> },
): Promise<void> {
  const inputs = plan.inputs.filter(input => ordered.has(at(input)))
  const firstOf = (tp: TopicPartition, offset: bigint) => recordAt(client, { ...tp, offset }, reached.get(at(tp))!)
  const begins = await Promise.all(inputs.map(tp => firstOf(tp, to.get(at(tp))!)))
  const times = begins.flatMap(record => (record ? [record.timestamp] : []))
  const moment = times.length > 0 ? Math.min(...times) : undefined
  const missing = ownInputs(plan).filter(input => !ordered.has(input))
  if (missing.length > 0) {
    const sentence = `${inputs.map(at).join(', ')} reset, and ${missing.join(', ')} not`
    throw new OrderRefused(plan, sentence, moment)
  }
  if (moment === undefined) return
  const since = await client.offsets(inputs, { since: moment })
  const ought = await Promise.all(inputs.map(tp => firstOf(tp, smaller(since.get(at(tp))!, reached.get(at(tp))!))))
  const split = inputs.filter((_, i) => begins[i]?.offset !== ought[i]?.offset)
  if (split.length === 0) return
  const places = split.map(
    tp => `${at(tp)} was reset to ${ordered.get(at(tp))}, and ${since.get(at(tp))} is that moment`,
  )
  throw new OrderRefused(
    plan,
    `inputs were reset to different moments. The earliest is ${timeOf(moment)}: ${places.join('; ')}`,
    moment,
  )
}

/** The first committed record of `[offset, end)`. */
export async function recordAt(
  client: LogClient,
  from: TopicPartition & { readonly offset: bigint },
  end: bigint,
): Promise<LogRecord | undefined> {
  if (from.offset >= end) return undefined
  const tail = client.read(from, 'committed')
  try {
    for await (const { records, next } of tail) {
      if (records[0]) return records[0].offset < end ? records[0] : undefined
      if (next >= end) return undefined
    }
    return undefined
  } finally {
    tail.close()
  }
}

function replayOf({ watermark, replay }: Standing, again: readonly TopicPartition[], reached: ByInput<bigint>) {
  const id = Math.max(watermark ?? 0, replay.id + 1, replay.seen + 1)
  // What an earlier order was still reading again stays marked.
  const marked = new Map(Object.entries(replay.until).map(([input, until]) => [input, BigInt(until)]))
  for (const input of again.filter(({ topic }) => topic !== clock.topic))
    marked.set(at(input), larger(reached.get(at(input))!, marked.get(at(input)) ?? 0n))
  return { ...replay, id, until: Object.fromEntries([...marked].map(([input, until]) => [input, String(until)])) }
}

/**
 * Which replay a record that is read belongs to: below `until` it is read again on the order. So are marked the few there that were
 * under way and not done when the task stopped. To tell them apart for as long as the order takes, the journal would have to keep
 * what was done; and the mark does them no harm: whoever sees a record first may see it in a replay, and it may have been half done.
 */
export class Rereading {
  readonly #id: Replay
  readonly #until: Commit['replay']['until']
  readonly #bounds: ByInput<bigint>
  #seen: Replay

  constructor({ id, until, seen }: Commit['replay']) {
    this.#id = id
    this.#until = until
    this.#bounds = new Map(Object.entries(until).map(([input, offset]) => [input, BigInt(offset)]))
    this.#seen = seen
  }
  /** The event with the id of the order where it is read again; else with what its own header names. */
  mark(arrival: Arrival): Arrival {
    const { event, record } = arrival
    const isAgain = record.offset < (this.#bounds.get(at(record)) ?? 0n)
    const replay = isAgain ? Math.max(event.replay, this.#id) : event.replay
    this.#seen = Math.max(this.#seen, replay)
    return replay === event.replay ? arrival : { ...arrival, event: { ...event, replay } }
  }
  get kept(): Commit['replay'] {
    return { id: this.#id, until: this.#until, seen: this.#seen }
  }
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const mapOf = <T>(inputs: readonly TopicPartition[], value: (input: string) => T): ByInput<T> =>
  new Map(inputs.map(input => [at(input), value(at(input))]))
const partitionOf = (input: string): TopicPartition => {
  const slash = input.lastIndexOf('/')
  return { topic: input.slice(0, slash), partition: Number(input.slice(slash + 1)) }
}
const timeOf = (instant: Instant): string => new Date(instant).toISOString()
