import type { DetectorJob, DetectorResult, RawArrival, VisitSummary } from '../../schemas/avro/generated.ts'
import type { Commit } from '../../streams/task/journal.ts'
import type { Driver, Seen } from '../../streams/testing/driver.ts'
import { topicsOf } from '../../topology/derive.ts'
import { isJournaled, journalOf } from '../../topology/model/names.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import { taskCount, taskName } from '../../topology/model/topology.ts'
import {
  detectorJob,
  detectorResult,
  rawArrival,
  rawLate,
  rawListed,
  rawUnclaimed,
  rawWanted,
  visitSummary,
} from '../../topology/streams.ts'
import { NIGHT } from '../../topology/testing/announcements.ts'
import type { Expected, Oracle } from './oracle.ts'
import { topology } from './world.ts'

/**
 * Everything wrong with a night that has come to rest, one sentence each. What a replay tells again is judged by the first telling.
 *
 * @param orderedAt when an operator ordered a replay, ms UTC; undefined where nobody did
 */
export const faultsOf = (driver: Driver, oracle: Oracle, orderedAt: Instant | undefined): string[] => [
  ...driver.fatal.map(error => `a process stopped: ${error.message}`),
  ...driver.parked().map(({ code, reason }) => `parked (${code}): ${reason}`),
  ...decisionFaults(driver, oracle.units, orderedAt !== undefined),
  ...arrivalFaults(oracle.arrivals, arrivalsIn(driver), orderedAt),
  ...listFaults('answers', questionsIn(driver, rawWanted), questionsIn(driver, rawListed)),
  ...(orderedAt !== undefined ? [] : listFaults('late', oracle.late, rawsIn(driver, rawLate))),
  ...(orderedAt !== undefined ? [] : listFaults('unclaimed', oracle.unclaimed, rawsIn(driver, rawUnclaimed))),
  ...resultFaults(driver, oracle.units),
  ...summaryFaults(driver, oracle.visits),
  ...journalFaults(driver),
  // Who reads again says again how far it is; those behind it keep the later time.
  ...(orderedAt !== undefined ? [] : timeFaults(driver)),
  ...driver.broker.hanging().map(id => `${id} left a transaction open`),
  ...driver.broker.unstable().map(partition => `${partition} cannot be read to its end`),
]

const byKey = <V>(seen: readonly Seen[]): Map<string, (Seen & { value: V })[]> => {
  const keyed = new Map<string, (Seen & { value: V })[]>()
  for (const each of seen) keyed.set(each.key, [...(keyed.get(each.key) ?? []), each as Seen & { value: V }])
  return keyed
}

const FINAL = ['ready', 'missed', 'cancelled', 'ignored']

/** Each unit is decided once in each attempt, as the fold says, and the decisions of an attempt are numbered without a gap. */
function decisionFaults(driver: Driver, units: ReadonlyMap<string, Expected>, isReplayed: boolean): string[] {
  const said = byKey<DetectorJob>(driver.outputs(detectorJob))
  const unknown = [...said.keys()].filter(unit => !units.has(unit))
  const ids = new Set([...commitsOf(driver).values()].flatMap(idsOfOrders))
  return [
    ...unknown.map(unit => `${unit} was decided and never announced`),
    ...[...units].flatMap(([unit, expected]) => {
      const jobs = said.get(unit) ?? []
      const attempts = [...new Set(jobs.map(({ value }) => value.attempt))]
      if (attempts.length === 0 || (!isReplayed && attempts.join() !== '0'))
        return [`${unit} was decided in the attempts [${attempts.join()}], and should be ${expected.end}`]
      return attempts.flatMap(attempt => [
        ...(attempt === 0 || ids.has(attempt) ? [] : [`${unit}: ${attempt} is no attempt`]),
        ...attemptFaults(
          unit,
          expected,
          jobs.filter(({ value }) => value.attempt === attempt),
        ),
      ])
    }),
  ]
}

/**
 * Ids of the orders to replay that one task has taken, by its commits in their order. Such an id is a watermark, and so a time of this
 * night. Only a task that had never known a time, because it was stopped before the first one reached it, has none to give and counts
 * from 1; whoever has known one and does so has forgotten it, and what it says is no id.
 */
export function idsOfOrders(commits: readonly Pick<Commit, 'watermark' | 'replay'>[]): number[] {
  const isTaken = (i: number) => commits[i]!.replay.id !== (commits[i - 1]?.replay.id ?? 0)
  const knewTime = (i: number) => commits.slice(0, i).some(({ watermark }) => watermark !== null)
  return commits.flatMap(({ replay: { id } }, i) => (isTaken(i) && (id > NIGHT - 100_000 || !knewTime(i)) ? [id] : []))
}

function attemptFaults(unit: string, expected: Expected, jobs: readonly (Seen & { value: DetectorJob })[]): string[] {
  const { attempt } = jobs[0]!.value
  const numbers = jobs.map(({ value }) => value.number)
  const finals = jobs.filter(({ value }) => FINAL.includes(value.kind))
  return [
    ...(numbers.every((number, i) => number === i + 1) ? [] : [`${unit}: decisions numbered ${numbers.join()}`]),
    ...(finals.length === 1 ? [] : [`${unit} was decided ${finals.length} times, and should be ${expected.end}`]),
    ...(finals.length !== 1 ? [] : (attempt === 0 ? finalFaults : againFaults)(unit, expected, finals[0]!)),
  ]
}

/** A replay may find more than there was in time, and never less. */
function againFaults(unit: string, expected: Expected, { value }: Seen & { value: DetectorJob }): string[] {
  const used = value.raws.map(({ raw }) => String(raw.exposure))
  const lost = expected.exposures.filter(exposure => !used.includes(exposure))
  const isAsBefore = value.kind === 'ignored' ? expected.end === 'ignored' : expected.end !== 'ignored'
  return [
    ...lost.map(exposure => `${unit}: its replay lost ${exposure}`),
    ...(isAsBefore ? [] : [`${unit} is ${value.kind} in its replay and was ${expected.end}`]),
  ]
}

function finalFaults(unit: string, expected: Expected, { at, value }: Seen & { value: DetectorJob }): string[] {
  const end = value.inputs === null ? value.kind : `${value.kind} ${value.inputs}`
  const used = value.raws.map(({ raw }) => String(raw.exposure)).sort()
  // What the raws decide has the time of the last of them, and what time decides has the time of the deadline.
  const time = {
    raws: Math.max(value.announcedAt!, ...value.raws.map(raw => raw.at)),
    time: expected.deadline,
    rule: at,
  }
  return [
    ...(end === expected.end ? [] : [`${unit} is ${end} and should be ${expected.end}`]),
    ...(used.join() === expected.exposures.join()
      ? []
      : [`${unit} uses ${used.join() || 'nothing'} and should use ${expected.exposures.join() || 'nothing'}`]),
    ...(at === time[expected.by] ? [] : [`${unit} was decided at ${at} and should be at ${time[expected.by]}`]),
  ]
}

const rawsIn = (driver: Driver, stream: Stream<{ readonly raw: RawArrival }>): string[] =>
  driver.outputs(stream).map(({ key, value }) => `${key} ${(value as { raw: RawArrival }).raw.exposure}`)

/** An arrival that was told, in words, and when it entered. */
interface Told extends Pick<Seen, 'at' | 'replay'> {
  readonly what: string
}
const arrivalsIn = (driver: Driver): Told[] =>
  driver
    .outputs(rawArrival)
    .map(({ key, at, replay, value }) => ({ at, replay, what: `${key} ${(value as RawArrival).exposure} ${at}` }))

/**
 * Each arrival is told once, and at most once more in the replay. The mark of the replay lies on all records below the order's bound, and
 * among them on those that were under way and not done when the task stopped (`Rereading` says why), so these are told in the replay
 * alone; nothing that entered after the order is.
 */
export function arrivalFaults(expected: readonly string[], told: readonly Told[], orderedAt?: Instant): string[] {
  const isReadAgain = ({ at }: Told) => at <= (orderedAt ?? -Infinity)
  const live = told.filter(({ replay }) => replay === 0)
  const marked = told.filter(({ replay }) => replay !== 0)
  const again = whatOf(marked.filter(isReadAgain))
  return [
    ...without(without(expected, whatOf(live)), again).map(it => `arrivals: ${it} is missing`),
    ...without(whatOf(live), expected).map(it => `arrivals: ${it} is too much`),
    ...without(again, expected).map(it => `arrivals: ${it} is too much in the replay`),
    ...without(whatOf(marked), again).map(it => `arrivals: ${it} bears the mark of a replay that cannot have read it`),
  ]
}
const whatOf = (told: readonly Told[]): string[] => told.map(({ what }) => what)

/** Each question of a window is answered once. */
const questionsIn = (driver: Driver, stream: Stream<{ readonly attempt: number }>): string[] =>
  driver.outputs(stream).map(({ key, value }) => `${key} ${(value as { attempt: number }).attempt}`)

const listFaults = (what: string, expected: readonly string[], found: readonly string[]): string[] => [
  ...without(expected, found).map(it => `${what}: ${it} is missing`),
  ...without(found, expected).map(it => `${what}: ${it} is too much`),
]

/** What the one names more often than the other: a thing may be named several times. */
function without(these: readonly string[], those: readonly string[]): string[] {
  const rest = [...those]
  return these.filter(each => {
    const i = rest.indexOf(each)
    if (i >= 0) rest.splice(i, 1)
    return i < 0
  })
}

/** Each attempt is told once how it ended, unless a later one came before or the unit had been published; the last end stands. */
function resultFaults(driver: Driver, units: ReadonlyMap<string, Expected>): string[] {
  const results = driver.outputs(detectorResult).map(({ key, value }) => ({ key, ...(value as DetectorResult) }))
  return [...units].flatMap(([unit, { end }]) => {
    const told = results.filter(({ key, detector }) => `${key}/${detector}` === unit)
    const attempts = told.map(({ attempt }) => attempt)
    const states = told.map(({ state }) => state)
    const allowed = end.startsWith('ready') ? ['published', 'failed'] : [end]
    const first = told.find(({ attempt }) => attempt === 0)
    const isOnce = new Set(attempts).size === attempts.length && states.filter(it => it === 'published').length <= 1
    const isTold = told.length > 0 && (first === undefined || allowed.includes(first.state))
    return isOnce && isTold
      ? []
      : [`${unit} is told as ${states.join() || 'nothing'} and should be ${allowed.join(' or ')}, once`]
  })
}

/** The last summary of a visit knows of all its units. */
function summaryFaults(driver: Driver, visits: ReadonlyMap<string, readonly number[]>): string[] {
  const said = byKey<VisitSummary>(driver.outputs(visitSummary))
  return [...visits].flatMap(([visit, detectors]) => {
    const last = said.get(visit)?.at(-1)?.value
    const known = last?.results.map(({ detector }) => detector).join()
    return known === detectors.join()
      ? []
      : [`${visit} ends with ${known ?? 'no summary'} and should with ${detectors.join()}`]
  })
}

/** Commits of a task are numbered without a gap: nothing was committed twice, and nobody went on from anything but the last one. */
const journalFaults = (driver: Driver): string[] =>
  [...commitsOf(driver)].flatMap(([task, commits]) =>
    commits.flatMap(({ seq }, i) => (seq === i + 1 ? [] : [`${task}: commit ${seq} at place ${i + 1}`])),
  )

/** Every commit of each journaled task, "stage#task", in the order of its journal. */
function commitsOf(driver: Driver): Map<string, Commit[]> {
  const stages = topology.stages.filter(isJournaled)
  return new Map(
    stages.flatMap(stage => {
      const records = driver.broker.everCommitted(journalOf(stage.name)).filter(({ key }) => String(key) === '__c')
      return Array.from({ length: taskCount(topology, stage) }, (_, task): [string, Commit[]] => [
        taskName(stage.name, task),
        records.filter(({ partition }) => partition === task).map(({ value }) => JSON.parse(String(value)) as Commit),
      ])
    }),
  )
}

/** The time that a task forwards never goes back. */
function timeFaults(driver: Driver): string[] {
  const last = new Map<string, number>()
  return topicsOf(topology).flatMap(({ topic }) =>
    driver.broker.everCommitted(topic).flatMap(({ partition, headers }) => {
      const mark = headers['watermark']
      if (!mark) return []
      const { from, t } = JSON.parse(String(mark)) as { from: string; t: number }
      const place = `${topic}/${partition} ${from}`
      const before = last.get(place) ?? 0
      last.set(place, t)
      return t >= before ? [] : [`${place}: time went from ${before} to ${t}`]
    }),
  )
}
