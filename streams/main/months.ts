import { setTimeout as sleep } from 'node:timers/promises'
import { keepMonthsAhead } from '../../sinks/postgres/partitions.ts'
import type { Running } from './running.ts'
import type { World } from './world.ts'

const EVERY_MS = 3_600_000

/** Beside associate, so that a deployment that is never started anew does not run out of months. Any number of processes may. */
export function runMonths({ pool, log }: Pick<World, 'pool' | 'log'>): Running {
  const stopping = new AbortController()
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await keepMonthsAhead(pool, error =>
        log.warn(
          { error: String(error) },
          'a month of the APDB could not be made; its rows go to the default partition, see pp apdb partitions ls',
        ),
      )
      await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  const done = loop()
  return {
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}
