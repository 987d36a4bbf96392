import type { System } from './system.ts'

/**
 * SIGKILL for whichever worker takes up this unit, at the very line of its log that says so, and its start anew afterwards, as a
 * cluster would do it. Once: whoever takes the unit up next keeps its life. `stop` ends the watch and waits for a restart under way.
 */
export function killHolder(system: System, unit: string): { stop(): Promise<void> } {
  let restarted: Promise<void> | undefined
  const watches = system.workers.map(name =>
    system.onLine(name, line => {
      if (restarted || !line.includes('"msg":"unit leased"') || !line.includes(`"unit":"${unit}"`)) return
      restarted = system.kill(name).then(() => system.restart(name))
      // Awaited by `stop`; a failure before must not end the process.
      restarted.catch(() => undefined)
    }),
  )
  return {
    stop: async () => {
      for (const stop of watches) stop()
      await restarted
    },
  }
}
