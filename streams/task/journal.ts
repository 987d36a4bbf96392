import { MOST_VALUE_BYTES } from '../../topology/derive.ts'
import type { Replay } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { at, type LogRecord, type NewRecord, type TopicPartition } from '../log-client.ts'
import { Digest } from './digest.ts'
import { BrokenJournal, NewerState, UnfitState } from './faults.ts'
import { decodeState, encodeState } from './json.ts'

/** The last record of every transaction: where inputs, time and outputs agree. */
export interface Commit {
  readonly seq: number
  /** Version of the shape of the states: 1, and one more for each migration that the stage's step declares. */
  readonly stateVersion: number
  /** Digest of all states as they stand after this transaction. */
  readonly digest: number
  /** Per input "topic/partition": where to read on. */
  readonly offsets: Readonly<Record<string, string>>
  /** Offsets above those that are done already. */
  readonly done: Readonly<Record<string, readonly string[]>>
  /** The newest word of each upstream task, "topic<stage#task". */
  readonly upstream: Readonly<Record<string, Instant>>
  readonly watermark: Instant | null
  /** Inputs below `until` are read again on an operator's order and carry its id. `seen`: the highest id that any event bore. */
  readonly replay: { readonly id: Replay; readonly until: Readonly<Record<string, string>>; readonly seen: Replay }
}

const COMMIT_KEY = '__c'
const STATE = 's:'

/** What a task knew at its last commit, rebuilt record by record from its journal. */
export class Journal {
  readonly state = new Map<string, unknown>()
  readonly digest = new Digest()
  commit: Commit | undefined
  records = 0
  #open = false

  apply(record: LogRecord): void {
    this.records++
    const key = String(record.key)
    if (key === COMMIT_KEY) {
      const commit = JSON.parse(String(record.value)) as Commit
      if (this.commit && commit.seq <= this.commit.seq) {
        throw broken(record, `commit ${commit.seq} follows commit ${this.commit.seq}`)
      }
      this.commit = commit
    } else if (!key.startsWith(STATE)) {
      throw broken(record, `key ${key} is neither a state ("${STATE}…") nor a commit ("${COMMIT_KEY}")`)
    } else this.#keep(key.slice(STATE.length), record.value)
    this.#open = key !== COMMIT_KEY
    this.#last = record
  }
  #last: LogRecord | undefined

  #keep(key: string, value: Buffer | null): void {
    this.digest.set(key, value)
    if (value === null) this.state.delete(key)
    else this.state.set(key, decodeState(value))
  }

  /**
   * Whether this is a place to go on from. The commit record is written last in every transaction, so committed data that goes on after it
   * is a torn read. @throws BrokenJournal, NewerState
   */
  finish(stateVersion: number): void {
    const { commit } = this
    if (this.#open) throw broken(this.#last!, 'a state stands after the last commit record')
    if (!commit) return
    if (commit.stateVersion > stateVersion)
      throw new NewerState(
        `${at(this.#last!)}: its states have version ${commit.stateVersion}, and this process knows ${stateVersion}: the task waits for a process that knows the newer one`,
      )
    if (commit.digest !== this.digest.value)
      throw broken(
        this.#last!,
        `the ${this.state.size} states are not those of commit ${commit.seq}: their digest is ${this.digest.value}, and it says ${commit.digest}`,
      )
  }
}

const broken = (record: LogRecord, what: string) =>
  new BrokenJournal(`${record.topic}/${record.partition} at offset ${record.offset}: ${what}`)

/** Throws UnfitState where no transaction could hold it. */
export function stateRecord(journal: TopicPartition, key: string, state: unknown): NewRecord {
  const value = state === undefined ? null : encodeState(state)
  if (value && value.length > MOST_VALUE_BYTES)
    throw new UnfitState(
      `the state of ${key} has ${value.length} bytes, more than a record may have, ${MOST_VALUE_BYTES}`,
    )
  return { ...journal, key: Buffer.from(STATE + key), value }
}

export const commitRecord = (journal: TopicPartition, commit: Commit): NewRecord => ({
  ...journal,
  key: Buffer.from(COMMIT_KEY),
  value: Buffer.from(JSON.stringify(commit)),
})

/** The task's states, with those that changed since the last commit. */
export class TaskStore {
  readonly #states: Map<string, unknown>
  readonly #digest: Digest
  readonly #changed = new Set<string>()

  /** @param digest of those states as they stand in the journal */
  constructor(states: Map<string, unknown>, digest: Digest) {
    this.#states = states
    this.#digest = digest
  }
  /** Of all states, those included that the last `takeChanges` gave out. */
  get digest(): number {
    return this.#digest.value
  }
  get size(): number {
    return this.#states.size
  }
  get(key: string): unknown {
    return this.#states.get(key)
  }
  set(key: string, state: unknown): void {
    const known = this.#states.get(key)
    if (known === state) return
    this.#changed.add(key)
    if (state === undefined) this.#states.delete(key)
    else this.#states.set(key, state)
  }
  entries(): Iterable<[string, unknown]> {
    return this.#states.entries()
  }
  /** Journal records of what changed since the last call. */
  takeChanges(journal: TopicPartition): NewRecord[] {
    const records = [...this.#changed].map(key => {
      const record = stateRecord(journal, key, this.#states.get(key))
      this.#digest.set(key, record.value)
      return record
    })
    this.#changed.clear()
    return records
  }
}
