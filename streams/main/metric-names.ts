/**
 * Every metric of ours: what it says, and its labels. Names follow Prometheus: counters end with `_total`, times are in seconds.
 * docs/bounds.md says which limit each one watches.
 */

type Described = Readonly<Record<string, readonly [help: string, labels: readonly string[]]>>

/** Bounds of the histograms' buckets, in seconds. */
export const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

export const counters = {
  pp_records_in_total: ['Records done with, in committed transactions.', ['stage']],
  pp_records_out_total: ['Records written in committed transactions: outputs, parked ones, watermarks.', ['stage']],
  pp_parked_total: ['Records refused, by kind of reason. What was not committed is counted again.', ['stage', 'code']],
  pp_commits_total: ['Transactions committed.', ['stage']],
  pp_effect_retries_total: ['Tries of an effect that failed and will be repeated.', ['stage']],
  pp_schema_retries_total: ['Times that the registry did not give a schema which a record needs.', ['stage']],
  pp_refence_total: ['Lives of a task that an error ended: it is fenced and restored anew.', ['stage']],
  pp_clock_violation_total: [
    'Times that clock and brokers began to disagree, and records older than the time of their entrance.',
    ['stage'],
  ],
  pp_fenced_total: ['Times that somebody newer held the lock of a task, and all were dropped.', ['stage']],
  pp_database_forgot_total: ['Ends of units that were told and that the database has forgotten.', []],
  pp_units_swept_total: ['Units that the sweeper freed, failed, expired or deferred.', ['how']],
  pp_worker_leases_total: ['Units that a worker leased.', []],
  pp_worker_units_total: ['Units that left a worker: reported, released for a retry, handed back.', ['how']],
  pp_archived_alerts_total: ['Alerts written to the archive, those written again counted again.', []],
  pp_archived_bytes_total: ['Their bytes as they lie there.', []],
  pp_known_bodies_total: [
    'Known bodies of the solar system in committed units: expected on their images, seen; and units that had no ephemerides.',
    ['what'],
  ],
  pp_probe_failures_total: ['Probes that did not answer a scrape: their gauges have no value.', ['probe']],
} as const satisfies Described

export const gauges = {
  pp_tasks: ['Tasks that run here.', ['stage']],
  pp_task_inbox_records: ['Records fetched and not taken yet.', ['stage', 'task']],
  pp_task_held_records: ['Records taken and not committable yet.', ['stage', 'task']],
  pp_task_running_effects: ['Records that an effect works on.', ['stage', 'task']],
  pp_task_states: ['Keys with a state.', ['stage', 'task']],
  pp_task_watermark_lag_seconds: ['How far the watermark is behind the clock.', ['stage', 'task']],
  pp_input_lag_records: ['Offsets between the lowest that is not done and the end.', ['stage', 'topic', 'partition']],
  pp_input_unstable_records: ['Offsets at the end that an open transaction hides.', ['stage', 'topic', 'partition']],
  pp_postgres_connections: ['Connections of the pool: busy, idle.', ['state']],
  pp_postgres_waiting: ['Callers that wait for a connection.', []],
  pp_ledger_open_units: ['Units that have not ended, by state.', ['state']],
  pp_outbox_pending: ['Ends of units that are not told yet.', []],
  pp_outbox_oldest_seconds: ['Age of the oldest end that is not told yet.', []],
  pp_worker_busy: ['Whether the worker has a unit leased.', []],
  pp_worker_calibrations: ['Calibrations kept in memory.', []],
} as const satisfies Described

export const histograms = {
  pp_commit_seconds: ['How long a transaction took to commit.', ['stage']],
  pp_restore_seconds: ['How long a task took from its fence until it ran.', ['stage']],
} as const satisfies Described

export type CounterName = keyof typeof counters
export type GaugeName = keyof typeof gauges
export type HistogramName = keyof typeof histograms
