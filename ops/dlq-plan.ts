import { isJournaled } from '../topology/model/names.ts'
import type { Stream } from '../topology/model/stream.ts'
import { partitionsOf, type Stage, type Topology } from '../topology/model/topology.ts'
import { alerts, clock } from '../topology/streams.ts'
import type { Action, Entry } from './dlq-entries.ts'

/** What an order would do with each entry. */
export interface Plan {
  readonly chosen: readonly Chosen[]
  readonly refused: readonly { readonly entry: Entry; readonly why: string }[]
  /** Left for the next time. */
  readonly more: number
}

/** An entry that it concerns. */
export interface Chosen {
  readonly entry: Entry
  /** Appended anew to an entrance it enters now; elsewhere it keeps the time at which it entered. */
  readonly entersNow: boolean
  /** Stages that read its topic too, and pass it over. */
  readonly passedOverBy: readonly string[]
}

/** Records of one order: what fits into memory, and what an operator can look over. */
export const MAX_AT_ONCE = 1_000
const MAX_BYTES_AT_ONCE = 64 << 20

/** Plans an order, the oldest first. */
export function planOf(action: Action, entries: readonly Entry[], topology: Topology): Plan {
  const judged = entries.map(entry => ({ entry, why: objection(action, entry, topology) }))
  const refused = judged.flatMap(({ entry, why }) => (why === undefined ? [] : [{ entry, why }]))
  const able = judged.filter(({ why }) => why === undefined).map(({ entry }) => entry)
  let bytes = 0
  const fitting = able.findIndex((entry, i) => i === MAX_AT_ONCE || (bytes += entry.bytes) > MAX_BYTES_AT_ONCE)
  const now = fitting < 0 ? able : able.slice(0, Math.max(1, fitting))
  return { chosen: now.map(entry => chosen(entry, topology)), refused, more: able.length - now.length }
}

const chosen = (entry: Entry, topology: Topology): Chosen => ({
  entry,
  entersNow: isEntrance(topology, entry.topic),
  passedOverBy: takersOf(topology, entry)
    .map(({ name }) => name)
    .filter(name => name !== entry.stage),
})

/** The stages that take each record once, or park it. A service (the clock reads `control`) does neither: it judges by append time. */
const takersOf = (topology: Topology, stream: Pick<Stream, 'topic'>): Stage[] =>
  topology.stages.filter(stage => isJournaled(stage) && stage.reads.some(({ topic }) => topic === stream.topic))

const isEntrance = (topology: Topology, topic: string): boolean =>
  topology.entrances.some(entrance => entrance.topic === topic)

/** Why not; undefined: it can be done. */
function objection(action: Action, { mark, stage, topic, partition }: Entry, topology: Topology): string | undefined {
  if (mark) {
    const done = mark.action === 'redrive' ? 'redriven' : 'dropped'
    return `was ${done} ${new Date(mark.at).toISOString()} by ${mark.by}`
  }
  if (action === 'drop') return undefined
  if (topic === clock.topic) return 'a tick of the clock tells a time that is over; drop it'
  if (topic === alerts.topic)
    return `${topic} is public: what is put back there goes out once more; replay ${stage}, or drop it`
  const reader = topology.stages.find(({ name }) => name === stage)
  const stream = reader?.reads.find(each => each.topic === topic)
  if (!stream) return `no stage ${stage} reads ${topic} any more; drop it`
  const takers = takersOf(topology, stream).map(({ name }) => name)
  // There no header is believed, so that none could keep the others from taking it a second time.
  if (isEntrance(topology, topic) && takers.length > 1) return `${topic} is an entrance of ${takers.join(' and ')}`
  const partitions = partitionsOf(topology, stream)
  return partition < partitions
    ? undefined
    : `${topic} has ${partitions} partitions now, and none of number ${partition}`
}
