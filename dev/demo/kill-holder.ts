import type { Querier } from '../../sinks/postgres/pool.ts'
import { workerOf } from '../../streams/main/worker.ts'
import type { ProcessName, System } from './system.ts'

/**
 * Units that the workers of a process hold. The ledger's word and not that of its log: a process may die between taking a lease and saying so.
 */
export const heldBy =
  (ledger: Querier) =>
  async (pid: number): Promise<readonly string[]> => {
    const name = workerOf(pid)
    const held = `select key as unit from unit where work = 'leased' and (worker = $1 or starts_with(worker, $2))`
    const { rows } = await ledger.query<{ unit: string }>(held, [name, `${name}-`])
    return rows.map(({ unit }) => unit)
  }

/**
 * SIGKILL for whichever worker takes up this unit, at the very line of its log that says so, and its start anew afterwards, as a
 * cluster would do it. Once: whoever takes the unit up next keeps its life. Where the worker had reported the unit before it died, `say`
 * hears that the kill came too late: then nobody takes the unit up a second time. `stop` ends the watch, waits for a restart under way, and
 * names the other units that the process had in hand when it died: they are done a second time, too.
 */
export function killHolder(
  system: Pick<System, 'workers' | 'onLine' | 'pids' | 'kill' | 'restart'>,
  unit: string,
  held: (pid: number) => Promise<readonly string[]>,
  say: (line: string) => void,
): { stop(): Promise<readonly string[]> } {
  let victim: ProcessName | undefined
  let restarted: Promise<void> | undefined
  let isLate = false
  let bystanders: readonly string[] = []
  const strike = async (name: ProcessName) => {
    const pid = system.pids().get(name)!
    // When it is gone its log has been told to the end.
    await system.kill(name)
    bystanders = (await held(pid)).filter(other => other !== unit)
    if (isLate) say(`${name} had reported ${unit} before it was killed: the kill came too late`)
    await system.restart(name)
  }
  const watches = system.workers.map(name =>
    system.onLine(name, line => {
      if (!line.includes(`"unit":"${unit}"`)) return
      if (name === victim) isLate ||= line.includes('"msg":"unit reported"')
      if (victim || !line.includes('"msg":"unit leased"')) return
      victim = name
      restarted = strike(name)
      // Awaited by `stop`; a failure before must not end the process.
      restarted.catch(() => undefined)
    }),
  )
  return {
    stop: async () => {
      try {
        await restarted
        return bystanders
      } finally {
        for (const stop of watches) stop()
      }
    },
  }
}
