import { exposureWindow } from './exposure-window.ts'
import { fanOut } from './fan-out.ts'
import { defineTopology, type Handlers } from './model/define.ts'
import { defaultSettings, type Settings } from './settings.ts'
import type { SkyMaps } from './sky-map.ts'
import * as s from './streams.ts'
import { visitWindow } from './visit-window.ts'

const DEFAULT_PARTITIONS = 6

/* eslint max-lines-per-function: off -- one declaration, to be seen at once */

/** The whole graph. Everything else about it, topics to diagram, is derived from here (`derive.ts`, `render.ts`). */
export const promptTopology = ({
  partitions = DEFAULT_PARTITIONS,
  settings = defaultSettings,
  maps = new Map(),
}: { readonly partitions?: number; readonly settings?: Settings; readonly maps?: SkyMaps } = {}) =>
  defineTopology({
    name: 'prompt',
    partitions,
    clock: s.clock,
    parked: s.parked,
    entrances: [s.control, s.nextVisitCanceled, s.nextVisit, s.rawNotification],
    // One stage a paragraph, its facts in one row: this page is to be seen at once.
    // prettier-ignore
    stages: [
      {
        name: 'clock',
        summary: 'writes the time and the ends of the entrances once a second, or that operators withhold it: the only wall clock',
        role: 'clock', tasks: 1, run: 'service',
        reads: [s.control], writes: [s.clock],
      },
      {
        name: 'fan-out',
        summary: 'checks an announcement and makes one unit of work per active detector, with its pipelines',
        role: 'steps', tasks: 1, run: { step: fanOut(settings, maps) }, watermark: 'clock', order: 'time',
        reads: [s.control, s.nextVisitCanceled, s.nextVisit], writes: [s.visit, s.detectorVisit],
      },
      {
        name: 'raw-intake',
        summary: 'parses notifications of stored objects and finds the unit of each raw, with the help of its sidecar',
        role: 'effects', tasks: 2, run: 'effect', watermark: 'clock',
        reads: [s.rawNotification], writes: [s.rawArrival], from: ['raws'],
      },
      {
        name: 'exposure-window',
        summary: 'joins a unit with its raws before its deadline: ready, missed, cancelled or ignored',
        role: 'steps', tasks: 'per-partition', run: { step: exposureWindow(settings) }, watermark: 'streams',
        reads: [s.detectorVisit, s.rawArrival, s.rawListed],
        writes: [s.detectorJob, s.rawWanted, s.rawLate, s.rawUnclaimed],
      },
      {
        name: 'raw-reconcile',
        summary: 'answers a window past its deadline with what the bucket really holds',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.rawWanted], writes: [s.rawListed], from: ['raws'],
      },
      {
        name: 'dispatch',
        summary: 'writes decisions to the ledger, each only over an older one',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.detectorJob], writes: [], into: ['ledger'],
      },
      {
        name: 'worker',
        summary: 'leases a unit, preloads what it needs, runs its pipeline, stores the products and reports',
        role: 'worker', tasks: 'any', run: 'service',
        reads: [], writes: [s.pipelineResult], from: ['ledger', 'raws', 'central repository'], into: ['ledger', 'products'],
      },
      {
        name: 'associate',
        summary: 'joins detections with known objects and commits a unit to the APDB, the ledger and the outbox at once',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.pipelineResult], writes: [], into: ['APDB', 'ledger', 'outbox'], resets: 'ignored',
      },
      {
        name: 'publish',
        summary: 'sends the alerts of each committed unit, tells how every unit ended, and carries out orders to resend or retract',
        role: 'publish', tasks: 'per-partition', run: 'service', watermark: 'outbox',
        reads: [s.alertsLedger], writes: [s.alerts, s.alertsRetracted, s.alertsLedger, s.detectorResult],
        from: ['outbox', 'APDB', 'products'],
      },
      {
        name: 'archive',
        summary: 'stores each alert that is out, and the schema it was written with, in the archive of alerts',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.alerts], writes: [], into: ['alert archive'],
      },
      {
        name: 'visit-window',
        summary: 'joins a visit with how its detectors ended: complete, partial, late',
        role: 'steps', tasks: 'per-partition', run: { step: visitWindow(settings) }, watermark: 'streams',
        reads: [s.visit, s.detectorResult], writes: [s.visitSummary],
      },
      {
        name: 'repo-sync',
        summary: 'registers the products of committed units in the central repository',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.detectorResult], writes: [s.repositoryIngested], into: ['central repository'],
      },
      {
        name: 'result-archive',
        summary: 'keeps each report, each commit and each retraction, from which the APDB can be rebuilt',
        role: 'effects', tasks: 2, run: 'effect',
        reads: [s.pipelineResult, s.detectorResult, s.alertsRetracted], writes: [], into: ['central repository'],
      },
      {
        name: 'metrics',
        summary: 'tells the observatory how visits and detectors went',
        role: 'effects', tasks: 'per-partition', run: 'effect',
        reads: [s.visitSummary, s.detectorResult], writes: [s.detectorOutcome, s.detectorLatency, s.visitOutcome],
      },
    ],
    // prettier-ignore
    exits: [
      s.alerts, s.alertsRetracted, s.visitSummary, s.rawLate, s.rawUnclaimed, s.audit,
      s.repositoryIngested, s.detectorOutcome, s.detectorLatency, s.visitOutcome,
    ],
  })

/** One implementation for each effect that a process runs. */
export type Effects<Effect> = Handlers<ReturnType<typeof promptTopology>, 'effect', Effect>
