import { table } from '../../ops/table.ts'
import type { Score } from '../night/score.ts'
import type { BodyScore } from '../night/score-bodies.ts'
import type { ServiceAddresses } from '../services/services.ts'
import type { TerminalCounts } from './account.ts'
import type { Comparison } from './compare.ts'
import type { KeepingUp } from './keeping-up.ts'
import type { Latencies, Latency, Limited } from './latency.ts'
import type { Memory } from './memory.ts'
import type { Counter } from './observed.ts'

/** What went in and what came out: the demo's last word. */
export interface Summary {
  /** Announced, those included that were cancelled or that nobody wanted. */
  readonly visits: number
  readonly detectors: number
  /** Visits and detectors without a unit. */
  readonly masked: number
  readonly unitsExpected: number
  readonly units: TerminalCounts
  readonly raws: number
  readonly parked: number
  readonly diaSources: number
  readonly diaObjects: number
  readonly solarSystem: BodyScore
  readonly alerts: {
    readonly published: number
    readonly readBack: number
    readonly duplicates: number
    readonly missingInApdb: number
    readonly archived: number
  }
  readonly switches: readonly Counter[]
  /**
   * Units without a terminal state, that nobody expects, that were not told once or that nothing befell and that are not published whole;
   * switches that show something else than was planned; records parked, late or unclaimed that were not to be; alerts without rows, rows
   * without alerts, fields that differ; alerts that are not in the archive.
   */
  readonly unaccounted: number
  readonly truth: { readonly injected: number; readonly detected: number; readonly false: number }
  readonly latencySeconds: Latencies
  readonly keepingUp: KeepingUp
  /** Resident, by process. */
  readonly memoryMb: Readonly<Record<string, Memory>>
  readonly seconds: number
  readonly services: ServiceAddresses['provider']
}

export interface Evidence {
  /** Sentences. */
  readonly unaccounted: readonly string[]
  readonly comparison: Comparison
  readonly score: Score
  /** How units ended that were not published, and how many. */
  readonly reasons: readonly string[]
  /** Median seconds of published units in each phase. */
  readonly phases: Readonly<Record<string, number>>
  readonly seconds: {
    readonly services: number
    readonly downloads: number
    readonly preparation: number
    readonly night: number
  }
}

const line = (name: string, value: unknown) => `  ${name.padEnd(28)} ${String(value)}`
const list = (title: string, items: readonly string[], most = 10) =>
  items.length === 0
    ? []
    : [`  ${title}`, ...items.slice(0, most).map(item => `    - ${item}`), ...more(items.length - most)]
const more = (left: number) => (left > 0 ? [`    … and ${left} more`] : [])

/** The summary for a person, with whatever is not as it should be spelled out. */
export function render(summary: Summary, evidence: Evidence): string {
  return [
    '',
    ...nightOf(summary, evidence),
    ...switchesOf(summary),
    ...outputsOf(summary, evidence),
    ...(summary.truth.injected > 0 || summary.truth.false > 0 ? truthOf(summary, evidence.score) : []),
    ...timesOf(summary, evidence),
    '',
    ...list('UNACCOUNTED FOR:', evidence.unaccounted, 40),
    summary.unaccounted === 0 ? 'Everything is accounted for.' : `${summary.unaccounted} unaccounted for.`,
  ].join('\n')
}

function nightOf(summary: Summary, { reasons }: Evidence): string[] {
  const { visits, detectors, masked, unitsExpected } = summary
  const states = Object.entries(summary.units).filter(([, count]) => count > 0)
  const product = `${visits} visits × ${detectors} active detectors${masked > 0 ? ` − ${masked} masked` : ''}`
  return [
    'The night',
    line('units', `${unitsExpected} = ${product}`),
    line('how they ended', states.map(([state, n]) => `${n} ${state}`).join(' + ') || 'none ended'),
    line('raws put', summary.raws),
    line('parked records', summary.parked),
    ...list('units that were not published:', reasons),
  ]
}

/** Planned in the truth file before the night, and counted from outside after it. */
function switchesOf({ switches }: Summary): string[] {
  if (switches.length === 0) return []
  const rows = switches.map(it => [
    ...[it.switch, String(it.planned), String(it.observed)],
    it.faults.length === 0 ? 'ok' : 'WRONG',
    it.where,
  ])
  const lines = table(['went wrong on purpose', 'planned', 'observed', '', 'seen as'], rows).split('\n')
  return ['', ...lines.map(row => `  ${row}`), '']
}

function outputsOf({ diaSources, diaObjects, solarSystem, alerts }: Summary, { comparison }: Evidence): string[] {
  const { published, readBack, duplicates, missingInApdb, archived } = alerts
  const { fieldsCompared, differences } = comparison
  return [
    'Into the APDB',
    line('DiaSources, new DiaObjects', `${diaSources}, ${diaObjects}`),
    line(
      'solar-system sources',
      `${solarSystem.found} of ${solarSystem.expected} bodies found, wrong ${solarSystem.wrong}`,
    ),
    'Out to the brokers',
    line('alerts published', published),
    line('read back, read_committed', `${readBack}, duplicates ${duplicates}, without APDB row ${missingInApdb}`),
    line('fields compared with APDB', `${fieldsCompared}, different ${differences.length}`),
    ...list('differences:', differences),
    line('archived', archived),
  ]
}

function truthOf({ truth }: Summary, { interval, association, false: falses }: Score): string[] {
  const bounds = interval.map(bound => `${(100 * bound).toFixed(0)}`).join('–')
  const found = `${((100 * truth.detected) / truth.injected).toFixed(1)} % (95 % interval ${bounds} %)`
  const { whole, objects } = association
  return [
    'Against the truth, where all of a unit was seen',
    line(
      'isolated, SNR > 10',
      truth.injected > 0 ? `${truth.detected} of ${truth.injected} found: ${found}` : 'none in this sky',
    ),
    line('objects seen again', objects > 0 ? `${whole} of ${objects} kept their id` : 'none'),
    line('false detections', truth.false),
    ...list(
      'most significant false (of SNR 5 and above; transients of SNR > 3 explain a detection):',
      falses.map(f => `SNR ${f.snr.toFixed(1)} at ${f.ra.toFixed(5)} ${f.dec.toFixed(5)}, visit ${f.visit}`),
      5,
    ),
  ]
}

const LATENCIES: Readonly<Record<Limited, string>> = {
  complete: 'last raw → alerts, complete',
  partial: 'deadline → alerts, partial',
  listed: 'deadline → alerts, listed',
  missed: 'deadline → told, missed',
  cancelled: 'deadline → told, cancelled',
  leased: 'ready → leased',
  leasedWhileFree: '  while a worker was free',
}

function timesOf(summary: Summary, { phases, seconds }: Evidence): string[] {
  const { services, preparation, night, downloads } = seconds
  const parts = [['services', services], ['preparation', preparation], ['night', night]] as const // prettier-ignore
  return [
    'Time',
    ...(Object.entries(LATENCIES) as [Limited, string][]).flatMap(([name, title]) =>
      latencyLine(title, summary.latencySeconds[name]),
    ),
    ...slowestLine(summary.latencySeconds),
    line('in hand at the next raws', `${summary.keepingUp.undrained} units whose own raws were there`),
    line('late by our doing', `${summary.keepingUp.lateByUs} units missed or partial, their raws in time`),
    ...Object.entries(phases).map(([phase, median]) => line(`  ${phase}`, `p50 ${median.toFixed(1)} s`)),
    ...Object.entries(summary.memoryMb).map(([name, { first, middle, max, last }]) =>
      line(`memory of ${name}`, `${first} MB at first, ${middle} in the middle, ${last} at last, ${max} at most`),
    ),
    line(
      'seconds',
      `${summary.seconds.toFixed(0)}: ${parts.map(([name, s]) => `${name} ${s.toFixed(0)}`).join(', ')} (downloads apart: ${downloads.toFixed(0)})`,
    ),
    line('services', summary.services),
  ]
}

const slowestLine = ({ slowestByVisit: all }: Latencies): string[] =>
  all.length === 0 ? [] : [line('  slowest complete, by visit', `${all.map(it => it.toFixed(1)).join(', ')} s`)]

/** Over its limit is said, and no failure: a slow machine loses nothing. */
const latencyLine = (title: string, latency: Latency | null): string[] => {
  if (!latency) return []
  const { p50, p99, limit, units } = latency
  const verdict = p99 < limit ? 'ok' : 'over'
  return [line(title, `p50 ${p50.toFixed(1)} s, p99 ${p99.toFixed(1)} s of ${units} (limit ${limit} s: ${verdict})`)]
}
