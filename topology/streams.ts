import { stream, type Stream } from './model/stream.ts'

/** One partition each: fan-out takes them in order of append time, and there are a dozen records a minute. */
const single = { partitions: 1, retentionHours: 7 * 24 }

export const nextVisit = stream('next-visit', 'next-visit', 'none', single)
export const nextVisitCanceled = stream('next-visit-canceled', 'next-visit-canceled', 'none', single)
/** Orders hold until they are taken back, so they are kept: whoever asks what is masked reads them all. */
export const control = stream('control', 'control', 'instrument', { ...single, retentionHours: 10 * 365 * 24 })

/** Object-store events. More partitions than tasks, as the store's own topic would have. */
export const rawNotification: Stream<unknown> = {
  topic: 'raw-notification',
  key: 'none',
  cleanup: 'delete',
  format: { json: 's3-notification' },
  partitions: 8,
  retentionHours: 7 * 24,
}
export const clock: Stream<ClockTick> = {
  topic: 'clock',
  key: 'none',
  cleanup: 'delete',
  format: { json: 'clock-tick' },
  partitions: 1,
  retentionHours: 7 * 24,
}

/**
 * `t` was read before `end`, less `epsilonMs`: everything appended before `t` lies below `end` ("topic/partition" → offset).
 * Operators withhold time until `heldUntil`, which may be over.
 */
export interface ClockTick {
  readonly t: number
  readonly end: Readonly<Record<string, string>>
  readonly hold: boolean
  readonly heldUntil?: number
  readonly epsilonMs?: number
}

const inner = { retentionHours: 7 * 24 }
export const visit = stream('visit', 'visit', 'visit', inner)
export const detectorVisit = stream('detector-visit', 'detector-visit', 'unit', inner)
export const rawArrival = stream('raw-arrival', 'raw-arrival', 'unit', inner)
export const rawWanted = stream('raw-wanted', 'raw-wanted', 'unit', inner)
export const rawListed = stream('raw-listed', 'raw-listed', 'unit', inner)
export const detectorJob = stream('detector-job', 'detector-job', 'unit', inner)
export const pipelineResult = stream('pipeline-result', 'pipeline-result', 'unit', { retentionHours: 30 * 24 })
export const detectorResult = stream('detector-result', 'detector-result', 'visit', { retentionHours: 30 * 24 })
export const visitSummary = stream('visit-summary', 'visit-summary', 'visit', { retentionHours: 30 * 24 })

export const rawLate = stream('raw-late', 'raw-late', 'unit', { retentionHours: 30 * 24 })
export const rawUnclaimed = stream('raw-unclaimed', 'raw-unclaimed', 'unit', { retentionHours: 30 * 24 })
export const parked = stream('parked', 'parked', 'none', { retentionHours: 30 * 24 })
/** For whoever publishes or copies what is in the central repository: one record per registered unit. */
export const repositoryIngested = stream('repository-ingested', 'repository-ingested', 'unit', {
  retentionHours: 30 * 24,
})
export const audit = stream('audit', 'audit', 'none', { partitions: 1, retentionHours: 365 * 24 })

/** An alert as it was sent: framed bytes that could be read, and what is said in them. */
export interface AlertPacket {
  readonly diaSourceId: bigint
  /** The schema it was written with: major version × 100 + minor. */
  readonly schemaId: number
  readonly bytes: Buffer
}

/** How long the public stream is kept where the configuration says nothing else: a twelfth of a year, as Rubin means it. */
export const ALERT_RETENTION_MS = 2_629_740_000

/** The public stream; named by the schema's major version, as the brokers know it. */
export const alerts: Stream<AlertPacket> = {
  topic: 'lsst-alerts-v11',
  key: 'none',
  cleanup: 'delete',
  format: { alert: 'lsst.v11_1.alert' },
  retentionHours: ALERT_RETENTION_MS / 3_600_000,
}
/** Alerts that were called back, the last word on each: for whoever kept them. */
export const alertsRetracted = stream('alerts-retracted', 'alerts-retracted', 'alert', { cleanup: 'compact' })
/** Which units' alerts are out: publish asks here, never the outbox's mark, whether it has sent. */
export const alertsLedger = stream('alerts-ledger', 'alerts-ledger', 'unit', { cleanup: 'compact' })

/** Metrics in the observatory's convention (Sasquatch): one topic per metric, of one partition. */
const metric = { partitions: 1, retentionHours: 30 * 24 }
export const detectorOutcome = stream('lsst.prompt.detectorOutcome', 'lsst.prompt.detectorOutcome', 'unit', metric)
export const detectorLatency = stream('lsst.prompt.detectorLatency', 'lsst.prompt.detectorLatency', 'unit', metric)
export const visitOutcome = stream('lsst.prompt.visitOutcome', 'lsst.prompt.visitOutcome', 'visit', metric)
