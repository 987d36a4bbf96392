import type { Codec } from '../schemas/codec.ts'
import { groupOf } from '../topology/model/names.ts'
import type { Stage, Topology } from '../topology/model/topology.ts'
import type { LogClient } from './log-client.ts'
import type { Log } from './log.ts'
import { noMeter, type Meter } from './meter.ts'
import { systemScheduler, type Scheduler } from './scheduler.ts'
import { checkStage } from './stage-checks.ts'
import { Holding } from './task/membership.ts'
import { taskPlans, versionOf } from './task/plan.ts'
import { defaultTaskOptions, type Implementation, type TaskOptions } from './task/options.ts'
import { Task } from './task/task.ts'

export interface StageOptions extends TaskOptions {
  /** After this long without a heartbeat the group gives a process's tasks to others. */
  readonly sessionTimeoutMs: number
  /** How long a task that is taken away may finish its transaction. */
  readonly revokeBudgetMs: number
}
export const defaultStageOptions: StageOptions = {
  ...defaultTaskOptions,
  sessionTimeoutMs: 6_000,
  revokeBudgetMs: 3_000,
}

export interface StageRun {
  readonly topology: Topology
  readonly stage: Stage
  readonly client: LogClient
  readonly codec: Codec
  readonly implementation: Implementation
  /** Configuration that a step sees at every event. */
  readonly shared?: unknown
  /** Name of the application: prefix of groups and transactional ids. */
  readonly app: string
  readonly options?: Partial<StageOptions>
  readonly scheduler?: Scheduler
  readonly log: Log
  readonly meter?: Meter
  /** Called with a fault that no restart of a task heals (lost data, a broken journal, a fault in code): say it and stop. */
  readonly onFatal: (error: Error) => void
}

/**
 * Runs the tasks of a stage that the group gives to this process, until `stop`. Refuses to start, with the sentences that
 * help, where the topics are not what the stage needs.
 */
export async function runStage(run: StageRun): Promise<{ stop(): Promise<void> }> {
  const { topology, stage, client, app, log, onFatal, scheduler = systemScheduler, meter = noMeter } = run
  const options = { ...defaultStageOptions, ...run.options }
  const plans = taskPlans(app, topology, stage)
  await checkStage(topology, stage, client)
  const deps = { ...run, shared: run.shared, scheduler, meter, options }
  const holding = new Holding({
    client,
    plan: {
      group: groupOf(app, stage.name),
      tasks: plans.map(plan => plan.inputs),
      sessionTimeoutMs: options.sessionTimeoutMs,
      version: versionOf(stage),
    },
    nameOf: index => plans[index]!.name,
    begin: index => new Task(plans[index]!, deps),
    revokeBudgetMs: options.revokeBudgetMs,
    scheduler,
    log,
    meter,
    onFatal,
  })
  await holding.joined()
  return holding
}
