import type { ProcessName, System } from './system.ts'

/**
 * SIGKILL for whichever worker takes up this unit, at the very line of its log that says so, and its start anew afterwards, as a
 * cluster would do it. Once: whoever takes the unit up next keeps its life. Where the worker had reported the unit before it died, `say`
 * hears that the kill came too late: then nobody takes the unit up a second time. `stop` ends the watch, waits for a restart under way, and
 * names the other units that the process had in hand when it died: they are done a second time, too.
 */
export function killHolder(
  system: Pick<System, 'workers' | 'onLine' | 'kill' | 'restart'>,
  unit: string,
  say: (line: string) => void,
): { stop(): Promise<readonly string[]> } {
  let victim: ProcessName | undefined
  let restarted: Promise<void> | undefined
  let isLate = false
  const inHand = new Map(system.workers.map(name => [name, new Set<string>()]))
  let bystanders: readonly string[] = []
  const strike = async (name: ProcessName) => {
    // When it is gone its log has been told to the end.
    await system.kill(name)
    bystanders = [...inHand.get(name)!].filter(other => other !== unit)
    if (isLate) say(`${name} had reported ${unit} before it was killed: the kill came too late`)
    await system.restart(name)
  }
  const watches = system.workers.map(name =>
    system.onLine(name, line => {
      const told = /"unit":"([^"]+)"/.exec(line)?.[1]
      if (told === undefined) return
      if (line.includes('"msg":"unit leased"')) inHand.get(name)!.add(told)
      if (line.includes('"msg":"unit reported"')) inHand.get(name)!.delete(told)
      if (told !== unit) return
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
