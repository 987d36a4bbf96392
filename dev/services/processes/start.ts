import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { logTail, type RunTools, type ServicePlan } from './plan.ts'
import { PortTaken, saysPortTaken, withFreePorts } from '../ports.ts'
import type { RunFolder } from './run.ts'
import type { Exit, Program, Running, Supervisor } from './supervisor.ts'

export interface StartedService {
  readonly name: ServicePlan['name']
  readonly ports: readonly number[]
  /** The process as it is now: another one after `revive`. */
  running: Running
  readonly log: string
  /** From the first look for ports until it answered. */
  readonly startMs: number
  /** Starts it again after its end, on its data and its ports; resolves when it answers. */
  revive(): Promise<void>
}

const startTimeoutMs = 120_000

/** Starts one service in the run's folder and waits until it answers; rejects with the end of its log otherwise. */
export async function startService(plan: ServicePlan, run: RunFolder, supervisor: Supervisor): Promise<StartedService> {
  const begunAt = Date.now()
  let attempt = 0
  return withFreePorts(plan.portCount, async ports => {
    attempt += 1
    const folder = join(run.path, attempt === 1 ? plan.name : `${plan.name}-${attempt}`)
    const log = `${folder}.log`
    mkdirSync(folder)
    const launch = (program: Omit<Program, 'log'>) => launchProgram({ ...program, log }, run, supervisor)

    const tools: RunTools = {
      folder,
      async runToEnd(program) {
        const { code, signal } = await (await launch({ ...program, stopSignal: 'SIGTERM' })).exited
        if (code !== 0) throw new Error(`${program.name} failed (${signal ?? code}):\n${logTail(log)}`)
      },
    }
    const program = { name: plan.name, ...(await plan.prepare(ports, tools)) }
    const begin = async () => {
      const running = await launch(program)
      await untilAnswers(plan, ports, running, log)
      return running
    }
    const started: StartedService = {
      ...{ name: plan.name, ports, running: await begin(), log, startMs: Date.now() - begunAt },
      revive: async () => void (started.running = await patiently(begin)),
    }
    return started
  })
}

/** What a killed service left behind (a backend that is still ending, a port in its last state) may refuse its successor for a moment. */
async function patiently(begin: () => Promise<Running>): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await begin()
    } catch (error) {
      if (attempt === 5) throw error
      await sleep(1000)
    }
  }
}

async function launchProgram(program: Program, run: RunFolder, supervisor: Supervisor): Promise<Running> {
  const running = await supervisor.spawn(program)
  run.started(program.name, running.pid)
  return running
}

/** Asks until the service answers. Its own end ends the wait, so that a wrong setting shows at once. */
async function untilAnswers(plan: ServicePlan, ports: readonly number[], running: Running, log: string): Promise<void> {
  let exit: Exit | undefined
  void running.exited.then(how => (exit = how))
  const until = Date.now() + startTimeoutMs
  let reason: unknown
  while (exit === undefined && Date.now() < until) {
    try {
      return await plan.answers(ports)
    } catch (error) {
      reason = error
      await sleep(50)
    }
  }
  const said = logTail(log)
  if (exit && saysPortTaken(said)) throw new PortTaken(`${plan.name} could not have its ports ${ports.join(', ')}`)
  const how = exit
    ? `ended while starting (${exit.signal ?? `code ${exit.code}`})`
    : `did not answer within ${startTimeoutMs / 1000} s (${String(reason)})`
  throw new Error(`${plan.name} ${how}. The end of ${log}:\n${said}`)
}
