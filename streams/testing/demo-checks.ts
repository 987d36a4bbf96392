import { isJournaled, journalOf } from '../../topology/model/names.ts'
import { partitionsOf, taskCount } from '../../topology/model/topology.ts'
import { parked } from '../../topology/streams.ts'
import type { LogRecord } from '../log-client.ts'
import {
  arrived,
  closed,
  demoTopology,
  items,
  keyOf,
  orders,
  parcels,
  receipts,
  seen,
  urgent,
  WINDOW_MS,
} from './demo.ts'

/** Every committed record of a topic, partition by partition, as a reader that is none of ours would see it. */
export type Committed = (topic: string) => readonly LogRecord[]

/** What a run of the demo comes to, in any order of partitions. */
export interface Outcome {
  readonly seen: readonly string[]
  readonly receipts: readonly string[]
  readonly parked: readonly string[]
  readonly places: readonly string[]
  readonly windows: readonly string[]
}

const jsonOf = <V>({ value }: LogRecord): V => JSON.parse(String(value)) as V
const idOf = (record: LogRecord): string => jsonOf<{ id: string }>(record).id
const isMark = ({ headers }: LogRecord): boolean => headers['watermark'] !== undefined

/** A fold over what entered, that shares no line with the runtime. */
export function expectedOf(committed: Committed): Outcome {
  const entered = [urgent, orders, parcels].flatMap(({ topic }, rank) =>
    committed(topic).map(record => ({ ...record, rank, id: idOf(record) })),
  )
  const good = entered.filter(({ id }) => !id.includes('bad'))
  const inFront = good
    .filter(({ topic }) => topic !== parcels.topic)
    .sort((a, b) => a.timestamp - b.timestamp || a.rank - b.rank || Number(a.offset - b.offset))
  const ids = good.map(({ id }) => id).sort()
  return {
    seen: ids,
    receipts: ids,
    parked: entered
      .filter(({ id }) => id.includes('bad'))
      .map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`)
      .sort(),
    places: inFront.map(({ id }, i) => `${i + 1} ${id}`),
    windows: windowsOf(good).sort(),
  }
}

function windowsOf(members: readonly { readonly id: string; readonly timestamp: number }[]): string[] {
  const windows: string[] = []
  for (const key of new Set(members.map(({ id }) => keyOf(id)))) {
    const rest = members.filter(({ id }) => keyOf(id) === key).sort((a, b) => a.timestamp - b.timestamp)
    while (rest.length > 0) {
      const end = rest[0]!.timestamp + WINDOW_MS
      const inside = rest.splice(0, rest.filter(({ timestamp }) => timestamp <= end).length)
      const ids = inside.map(({ id }) => id).sort()
      windows.push(`${key}@${end}:${ids.join()}`)
    }
  }
  return windows
}

/** What came out. */
export function outcomeOf(committed: Committed): Outcome {
  const events = (topic: string) => committed(topic).filter(record => !isMark(record))
  const places = events(items.topic).map(jsonOf<{ id: string; place: number }>)
  return {
    seen: events(seen.topic).map(idOf).sort(),
    receipts: events(receipts.topic).map(idOf).sort(),
    parked: events(parked.topic)
      .map(jsonOf<{ topic: string; partition: number; offset: { $n: string } }>)
      .map(({ topic, partition, offset }) => `${topic}/${partition}@${offset.$n}`)
      .sort(),
    places: places.sort((a, b) => a.place - b.place).map(({ id, place }) => `${place} ${id}`),
    windows: events(closed.topic)
      .map(
        record =>
          `${String(record.key)}@${String(record.headers['at'])}:${jsonOf<{ ids: string[] }>(record).ids.join()}`,
      )
      .sort(),
  }
}

/** Faults that need not show in any output: holes in a journal, time that goes back, a watermark before what it covers. */
export function hiddenFaults(committed: Committed): string[] {
  const faults: string[] = []
  for (const stage of demoTopology.stages.filter(isJournaled)) {
    const commits = committed(journalOf(stage.name)).filter(({ key }) => String(key) === '__c')
    for (let task = 0; task < taskCount(demoTopology, stage); task++) {
      const seqs = commits
        .filter(({ partition }) => partition === task)
        .map(record => jsonOf<{ seq: number }>(record).seq)
      seqs.forEach((seq, i) => seq === i + 1 || faults.push(`${stage.name}#${task}: commit ${seq} at place ${i + 1}`))
    }
  }
  for (const stream of [items, arrived]) {
    for (let partition = 0; partition < partitionsOf(demoTopology, stream); partition++) {
      const last = new Map<string, number>()
      for (const record of committed(stream.topic).filter(each => each.partition === partition && isMark(each))) {
        const { from, t } = JSON.parse(String(record.headers['watermark'])) as { from: string; t: number }
        if (t <= (last.get(from) ?? 0))
          faults.push(`${stream.topic}/${partition}: the time of ${from} went back to ${t}`)
        last.set(from, t)
      }
    }
  }
  return faults
}

/** The versions of the states of `window` in the order in which its tasks committed them, by partition of its journal. */
export function writtenVersions(committed: Committed): number[][] {
  const commits = committed(journalOf('window')).filter(({ key }) => String(key) === '__c')
  return Array.from({ length: demoTopology.partitions }, (_, task) =>
    commits
      .filter(({ partition }) => partition === task)
      .map(record => jsonOf<{ stateVersion: number }>(record).stateVersion),
  )
}
