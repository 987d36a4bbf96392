import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LogClient, TopicPartition } from '../log-client.ts'
import { at } from '../log-client.ts'
import type { Count, Meter, TaskStatus } from '../meter.ts'
import {
  gauges,
  counters,
  histograms,
  SECONDS,
  type CounterName,
  type GaugeName,
  type HistogramName,
} from './metric-names.ts'

/** What a probe found of a gauge. */
export interface Sample {
  readonly gauge: GaugeName
  readonly labels?: Readonly<Record<string, string | number>>
  readonly value: number
}
/** Asked at every scrape. Its gauges have no value where it throws or takes too long: an old one would mislead. */
export interface Probe {
  readonly name: string
  readonly gauges: readonly GaugeName[]
  readonly read: () => readonly Sample[] | Promise<readonly Sample[]>
}

/** How long a scrape waits for a probe: Prometheus gives up after ten seconds. */
const MAX_PROBE_MS = 3_000

const counterOf: Readonly<Record<Count, CounterName>> = {
  recordsIn: 'pp_records_in_total',
  recordsOut: 'pp_records_out_total',
  commits: 'pp_commits_total',
  effectRetries: 'pp_effect_retries_total',
  schemaRetries: 'pp_schema_retries_total',
  refences: 'pp_refence_total',
  fenced: 'pp_fenced_total',
  clockViolations: 'pp_clock_violation_total',
}

/** The metrics of one process, for Prometheus. All of metric-names.ts are there from the start, whatever the process does. */
export class Metrics {
  readonly #maxProbeMs: number
  readonly #registry = new Registry()
  readonly #counters: ReadonlyMap<CounterName, Counter>
  readonly #gauges: ReadonlyMap<GaugeName, Gauge>
  readonly #histograms: ReadonlyMap<HistogramName, Histogram>
  readonly #tasks = new Set<() => TaskStatus>()
  readonly #probes: Probe[] = []
  readonly #asked = new Set<Probe>()
  #scraping: Promise<string> | undefined

  /** @param maxProbeMs how long a scrape waits for each probe */
  constructor(maxProbeMs = MAX_PROBE_MS) {
    this.#maxProbeMs = maxProbeMs
    const registers = [this.#registry]
    const all = <D extends object, M>(
      described: D,
      make: (of: { name: string; help: string; labelNames: string[]; registers: Registry[] }) => M,
    ) =>
      new Map(
        Object.entries(described as Record<string, readonly [string, readonly string[]]>).map(
          ([name, [help, labels]]) => [name as keyof D, make({ name, help, labelNames: [...labels], registers })],
        ),
      )
    this.#counters = all(counters, of => new Counter(of))
    this.#gauges = all(gauges, of => new Gauge(of))
    this.#histograms = all(histograms, of => new Histogram({ ...of, buckets: [...SECONDS] }))
    for (const name of this.#gauges.keys()) this.#forget(name)
    collectDefaultMetrics({ register: this.#registry })
    this.#probes.push({ name: 'tasks', gauges: TASK_GAUGES, read: () => statusSamples(this.#statuses(), Date.now()) })
  }

  add(name: CounterName, labels: Readonly<Record<string, string>>, n = 1): void {
    if (n > 0) this.#counters.get(name)!.inc(labels, n)
  }
  probe(probe: Probe): void {
    this.#probes.push(probe)
  }

  /** What a stage counts with. */
  of(stage: string): Meter {
    return {
      add: (what, n) => this.add(counterOf[what], { stage }, n),
      parked: code => this.add('pp_parked_total', { stage, code }),
      took: (what, ms) => this.#histograms.get(`pp_${what}_seconds`)!.observe({ stage }, ms / 1000),
      watch: status => {
        this.#tasks.add(status)
        return () => this.#tasks.delete(status)
      },
    }
  }

  /** How far the tasks here lag behind the ends of their inputs: the brokers are asked. */
  watchInputs(client: Pick<LogClient, 'offsets'>): void {
    this.probe({
      name: 'inputs',
      gauges: ['pp_input_lag_records', 'pp_input_unstable_records'],
      read: async () => inputSamples(client, this.#statuses()),
    })
  }

  watchPool(pool: { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number }): void {
    this.probe({
      name: 'postgres',
      gauges: ['pp_postgres_connections', 'pp_postgres_waiting'],
      read: () => [
        { gauge: 'pp_postgres_connections', labels: { state: 'idle' }, value: pool.idleCount },
        { gauge: 'pp_postgres_connections', labels: { state: 'busy' }, value: pool.totalCount - pool.idleCount },
        { gauge: 'pp_postgres_waiting', value: pool.waitingCount },
      ],
    })
  }

  /** The text that Prometheus reads; scrapes at the same time share one. */
  scrape(): Promise<string> {
    return (this.#scraping ??= this.#collect().finally(() => (this.#scraping = undefined)))
  }
  get contentType(): string {
    return this.#registry.contentType
  }
  get names(): readonly string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name)
  }

  #statuses(): TaskStatus[] {
    return [...this.#tasks].map(status => status())
  }
  async #collect(): Promise<string> {
    await Promise.all(this.#probes.map(probe => this.#ask(probe)))
    return this.#registry.metrics()
  }
  async #ask(probe: Probe): Promise<void> {
    for (const name of probe.gauges) this.#forget(name)
    // One that still hangs is not asked again: what it waits for would only get more to do.
    const samples = this.#asked.has(probe) ? undefined : await this.#answer(probe)
    if (!samples) return this.add('pp_probe_failures_total', { probe: probe.name })
    for (const { gauge, labels = {}, value } of samples) this.#gauges.get(gauge)!.set(labels, value)
  }
  #forget(name: GaugeName): void {
    const gauge = this.#gauges.get(name)!
    gauge.reset()
    // Without labels that would leave a 0, which nobody has measured.
    if (gauges[name][1].length === 0) gauge.remove()
  }
  async #answer(probe: Probe): Promise<readonly Sample[] | undefined> {
    this.#asked.add(probe)
    const answer = Promise.resolve()
      .then(() => probe.read())
      .catch(() => undefined)
      .finally(() => this.#asked.delete(probe))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>(resolve => (timer = setTimeout(() => resolve(undefined), this.#maxProbeMs)))
    return Promise.race([answer, late]).finally(() => clearTimeout(timer))
  }
}

const TASK_GAUGES = [
  'pp_tasks',
  'pp_task_inbox_records',
  'pp_task_held_records',
  'pp_task_running_effects',
  'pp_task_states',
  'pp_task_watermark_lag_seconds',
] as const satisfies readonly GaugeName[]

const stageOf = (task: string): string => task.slice(0, task.lastIndexOf('#'))

/** @param now ms UTC */
export function statusSamples(statuses: readonly TaskStatus[], now: number): Sample[] {
  const perStage = new Map<string, number>()
  for (const { task } of statuses) perStage.set(stageOf(task), (perStage.get(stageOf(task)) ?? 0) + 1)
  return [
    ...[...perStage].map(([stage, value]): Sample => ({ gauge: 'pp_tasks', labels: { stage }, value })),
    ...statuses.flatMap(({ task, inbox, held, running, states, watermark }): Sample[] => {
      const labels = { stage: stageOf(task), task }
      return [
        { gauge: 'pp_task_inbox_records', labels, value: inbox },
        { gauge: 'pp_task_held_records', labels, value: held },
        { gauge: 'pp_task_running_effects', labels, value: running },
        { gauge: 'pp_task_states', labels, value: states },
        ...(typeof watermark === 'number'
          ? [{ gauge: 'pp_task_watermark_lag_seconds' as const, labels, value: (now - watermark) / 1000 }]
          : []),
      ]
    }),
  ]
}

/** An input's lag, and how much of it nobody may read because a transaction is open: that is never ours alone for long. */
export async function inputSamples(
  client: Pick<LogClient, 'offsets'>,
  statuses: readonly TaskStatus[],
): Promise<Sample[]> {
  const inputs = statuses.flatMap(({ task, inputs }) => inputs.map(input => ({ stage: stageOf(task), ...input })))
  const of: TopicPartition[] = [
    ...new Map(inputs.map(({ topic, partition }) => [at({ topic, partition }), { topic, partition }])).values(),
  ]
  // First where readers must stop, then the end: what is appended in between is lag, and no open transaction.
  const stable = await client.offsets(of, 'stable')
  const latest = await client.offsets(of, 'latest')
  return inputs.flatMap(({ stage, topic, partition, low }): Sample[] => {
    const [end, readable] = [latest.get(at({ topic, partition }))!, stable.get(at({ topic, partition }))!]
    const labels = { stage, topic, partition }
    return [
      { gauge: 'pp_input_lag_records', labels, value: Number(end - low) },
      { gauge: 'pp_input_unstable_records', labels, value: Number(end - readable) },
    ]
  })
}
