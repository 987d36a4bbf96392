import { readFileSync } from 'node:fs'
import type { ServiceName } from '../services.ts'
import type { Program } from './supervisor.ts'

/** One service as a process: how it is started on given ports and how to know that it answers. */
export interface ServicePlan {
  readonly name: ServiceName
  readonly portCount: number
  /** Writes its configuration and an empty data folder, and says what to run. Called anew for other ports. */
  prepare(
    ports: readonly number[],
    run: RunTools,
  ): Promise<Omit<Program, 'name' | 'log'>> | Omit<Program, 'name' | 'log'>
  /** Resolves when it answers as a client would need it; rejects when it does not answer now. */
  answers(ports: readonly number[]): Promise<void>
}

/** What a service's preparation may use of its run. */
export interface RunTools {
  /** An own folder, empty, that every account can reach. */
  readonly folder: string
  /** Runs a program to its end, guarded like the services; rejects with the end of its log. */
  readonly runToEnd: (program: Omit<Program, 'log' | 'stopSignal'>) => Promise<void>
}

/** The last lines of a log, for an error message. */
export function logTail(file: string, lines = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return '(no output)'
  }
}
