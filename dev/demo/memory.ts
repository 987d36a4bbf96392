import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ProcessName, System } from './system.ts'

/** Resident memory of a process over a night, MB: whether it grows is seen from the first and the last. */
export interface Memory {
  readonly first: number
  /** At half time. */
  readonly middle: number
  readonly max: number
  readonly last: number
}

const EVERY_MS = 5000
const ps = promisify(execFile)

/** Samples the processes of a system by `ps` until `stop`, which gives what was seen; a process that was restarted counts as one. */
export function watchMemory(system: System): {
  readonly stop: () => Promise<Readonly<Record<string, Memory>>>
} {
  const seen = new Map<ProcessName, number[]>()
  const sample = async () => {
    const pids = [...system.pids()]
    // A process that has just died is missing from the answer, and `ps` fails where all are.
    const answer = await ps('ps', ['-o', 'pid=,rss=', '-p', pids.map(([, pid]) => pid).join(',')]).catch(
      () => undefined,
    )
    const rss = new Map(
      (answer?.stdout ?? '')
        .trim()
        .split('\n')
        .map(line => line.trim().split(/\s+/).map(Number) as [number, number]),
    )
    for (const [name, pid] of pids) {
      const kB = rss.get(pid)
      if (kB !== undefined) seen.set(name, [...(seen.get(name) ?? []), Math.round(kB / 1024)])
    }
  }
  let sampling = sample()
  const timer = setInterval(() => void (sampling = sampling.then(sample)), EVERY_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await sampling
      await sample()
      return Object.fromEntries([...seen].map(([name, all]) => [name, memoryOf(all)]))
    },
  }
}

const memoryOf = (all: readonly number[]): Memory => ({
  first: all[0]!,
  middle: all[Math.floor(all.length / 2)]!,
  max: Math.max(...all),
  last: all.at(-1)!,
})
