import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../services.ts'
import { identify, isAlive, type ProcessIdentity, signal } from './identity.ts'

/** What a run writes about itself (`run.json`), so that its leftovers can be told from other people's processes. */
export interface RunRecord {
  readonly checkout: string
  readonly launcher: ProcessIdentity
  readonly supervisor?: ProcessIdentity
  readonly processes: readonly (ProcessIdentity & { readonly name: string })[]
}

const recordFile = 'run.json'

/** The folder of one run, with its data, logs and record. */
export class RunFolder {
  readonly path: string
  #record: RunRecord

  /** Makes it under `runs`; it appears there under its final name only once its record is in it. */
  constructor(runs: string, checkout = process.cwd()) {
    this.#record = { checkout, launcher: identify(process.pid)!, processes: [] }
    const unnamed = mkdtempSync(join(runs, '.new-'))
    // mkdtemp closes it to others, and Postgres may run under another account.
    chmodSync(unnamed, 0o755)
    writeRecord(unnamed, this.#record)
    this.path = join(runs, unnamed.slice(unnamed.lastIndexOf('-') + 1))
    renameSync(unnamed, this.path)
  }

  supervisedBy(pid: number): void {
    this.#update({ ...this.#record, supervisor: identify(pid)! })
  }

  started(name: string, pid: number): void {
    const identity = identify(pid)
    // It may have ended already; then there is nothing left to remember.
    if (identity) this.#update({ ...this.#record, processes: [...this.#record.processes, { name, ...identity }] })
  }

  #update(record: RunRecord): void {
    this.#record = record
    writeRecord(this.path, record)
  }
}

function writeRecord(folder: string, record: RunRecord): void {
  const file = join(folder, recordFile)
  writeFileSync(`${file}.new`, JSON.stringify(record, null, 2))
  renameSync(`${file}.new`, file)
}

/**
 * Finds runs under `runs` whose launcher is dead, names each to `progress`, ends what is left of it and removes its
 * folder. A process is ended only when it still is the one the run started (pid and start time). Runs whose launcher
 * lives are left alone: any number of checkouts may run at once.
 *
 * Usually the dead launcher's supervisor cleans up by itself within seconds, so it is waited for first.
 */
export async function endStaleRuns(runs: string, progress: Progress, patienceMs = 6000): Promise<void> {
  for (const name of readdirSync(runs)) {
    const folder = join(runs, name)
    const record = readRecord(folder)
    if (record === undefined || isAlive(record.launcher)) continue
    if (record.supervisor) await whileAlive(record.supervisor, patienceMs)
    if (readRecord(folder) === undefined) continue

    const left = [...record.processes, ...(record.supervisor ? [{ name: 'supervisor', ...record.supervisor }] : [])]
    const ended = left.filter(process => signal(process, 'SIGKILL'))
    const what = ended.length ? `ended ${ended.map(p => `${p.name} (pid ${p.pid})`).join(', ')}` : 'nothing was running'
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    progress(`Stale run of ${record.checkout} (launcher ${record.launcher.pid} is dead): ${what}; removed ${folder}`)
  }
}

/** The record of a run's folder; undefined when there is none (being made, being removed, or not a run at all). */
function readRecord(folder: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, recordFile), 'utf8')) as RunRecord
  } catch {
    return undefined
  }
}

async function whileAlive(process: ProcessIdentity, patienceMs: number): Promise<void> {
  const until = Date.now() + patienceMs
  while (isAlive(process) && Date.now() < until) await sleep(50)
}
