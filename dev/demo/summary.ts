import type { ServiceAddresses } from '../services/services.ts'
import type { Score } from '../night/score.ts'
import type { Latency, TerminalCounts } from './account.ts'
import type { Comparison } from './compare.ts'

/** What went in and what came out: the demo's last word. */
export interface Summary {
  readonly visits: number
  readonly unitsExpected: number
  readonly units: TerminalCounts
  readonly raws: number
  readonly parked: number
  readonly diaSources: number
  readonly diaObjects: number
  readonly alerts: {
    readonly published: number
    readonly readBack: number
    readonly duplicates: number
    readonly missingInApdb: number
  }
  /** Units without a terminal state or that nobody expects, alerts without rows, rows without alerts, fields that differ. */
  readonly unaccounted: number
  readonly truth: { readonly injected: number; readonly detected: number; readonly false: number }
  readonly latencySeconds: Latency | null
  readonly seconds: number
  readonly services: ServiceAddresses['provider']
}

export interface Evidence {
  readonly unaccountedUnits: readonly string[]
  readonly comparison: Comparison
  readonly score: Score
  /** Sentences of units that did not end published. */
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
export function render(
  summary: Summary,
  { unaccountedUnits, comparison, score, reasons, phases, seconds }: Evidence,
): string {
  const { units, alerts, truth, latencySeconds: latency } = summary
  const states = Object.entries(units).filter(([, count]) => count > 0)
  const interval = score.interval.map(bound => `${(100 * bound).toFixed(0)}`).join('–')
  const found = `${((100 * truth.detected) / truth.injected).toFixed(1)} % (95 % interval ${interval} %)`
  const { whole, objects } = score.association
  return [
    '',
    'The night',
    line('visits', summary.visits),
    line(
      'units',
      `${summary.unitsExpected} expected: ${states.map(([state, n]) => `${n} ${state}`).join(', ') || 'none ended'}`,
    ),
    line('raws', summary.raws),
    line('parked records', summary.parked),
    ...list('units that were not published:', reasons),
    'Into the APDB',
    line('DiaSources, new DiaObjects', `${summary.diaSources}, ${summary.diaObjects}`),
    'Out to the brokers',
    line('alerts published', alerts.published),
    line(
      'read back, read_committed',
      `${alerts.readBack}, duplicates ${alerts.duplicates}, without APDB row ${alerts.missingInApdb}`,
    ),
    line('fields compared with APDB', `${comparison.fieldsCompared}, different ${comparison.differences.length}`),
    ...list('differences:', comparison.differences),
    line(
      'last raw → end',
      latency ? `p50 ${latency.p50.toFixed(1)} s, p99 ${latency.p99.toFixed(1)} s` : 'nothing published',
    ),
    ...(latency
      ? Object.entries(phases).map(([phase, median]) => line(`  ${phase}`, `p50 ${median.toFixed(1)} s`))
      : []),
    'Against the truth',
    line(
      'isolated, SNR > 10',
      truth.injected > 0 ? `${truth.detected} of ${truth.injected} found: ${found}` : 'none in this sky',
    ),
    line('objects seen again', objects > 0 ? `${whole} of ${objects} kept their id` : 'none'),
    line('false detections', truth.false),
    ...list(
      'most significant false (of SNR 5 and above; transients of SNR > 3 explain a detection):',
      score.false.map(f => `SNR ${f.snr.toFixed(1)} at ${f.ra.toFixed(5)} ${f.dec.toFixed(5)}, visit ${f.visit}`),
      5,
    ),
    'Time',
    line(
      'seconds',
      `${summary.seconds.toFixed(0)}: services ${seconds.services.toFixed(0)}, preparation ${seconds.preparation.toFixed(0)}, night ${seconds.night.toFixed(0)} (downloads apart: ${seconds.downloads.toFixed(0)})`,
    ),
    line('services', summary.services),
    '',
    ...list('UNACCOUNTED FOR:', unaccountedUnits),
    summary.unaccounted === 0 ? 'Everything is accounted for.' : `${summary.unaccounted} unaccounted for.`,
  ].join('\n')
}
