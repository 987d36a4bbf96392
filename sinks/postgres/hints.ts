import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** A channel of hints: see the triggers of `0002_ledger.sql`. */
export type HintChannel = 'unit_ready' | 'outbox'

/** One waiter's bell: a hint that comes while it is busy is kept until it asks. */
export interface Bell {
  /** Resolves at the next hint, after `ms` at the latest, or when `signal` aborts. Never rejects. */
  next(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Hints {
  readonly bell: () => Bell
  /** Calls `hear` at every hint, as long as there are hints. */
  readonly onHint: (hear: () => void) => void
  close(): Promise<void>
}

const RECONNECT_MS = 1_000
/** A server that has gone silent does not answer the farewell either. */
const FAREWELL_MS = 1_000

/**
 * Listens to a channel on a connection of its own (not through a transaction pooler) and rings every bell. Hints are a courtesy: while the
 * connection is down, and it is re-made for ever, whoever waits simply waits the full time.
 */
export function listen(url: string, channel: HintChannel, onTrouble: (error: Error) => void): Hints {
  const bells = new Set<() => void>()
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const again = (error: Error) => {
    if (isClosed || timer !== undefined) return
    onTrouble(error)
    client
      ?.removeAllListeners('notification')
      .end()
      .catch(() => undefined)
    timer = setTimeout(() => {
      timer = undefined
      void connect()
    }, RECONNECT_MS)
  }
  const connect = async () => {
    const mine = new pg.Client({ connectionString: url, application_name: `hints ${channel}`, keepAlive: true })
    client = mine
    // The farewell of a connection already replaced may come late; it is not the new one's.
    const ended = (error: Error) => (client === mine ? again(error) : undefined)
    mine.on('error', ended)
    mine.on('end', () => ended(new Error('the connection ended')))
    mine.on('notification', () => bells.forEach(ring => ring()))
    try {
      await mine.connect()
      await mine.query(`listen ${channel}`)
    } catch (error) {
      ended(error as Error)
    }
  }
  void connect()
  return {
    bell: () => bellOf(bells),
    onHint: hear => void bells.add(hear),
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await Promise.race([client?.end().catch(() => undefined), sleep(FAREWELL_MS, undefined, { ref: false })])
    },
  }
}

/** A bell that nobody rings: whoever waits for it waits the full time. */
export const pollingBell = (): Bell => bellOf(new Set())

function bellOf(bells: Set<() => void>): Bell {
  let isRung = false
  let wake: (() => void) | undefined
  bells.add(() => {
    isRung = true
    wake?.()
  })
  return {
    next: async (ms, signal) => {
      if (!isRung && signal?.aborted !== true) {
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          signal?.addEventListener('abort', wake, { once: true })
        })
        if (wake !== undefined) signal?.removeEventListener('abort', wake)
        wake = undefined
      }
      isRung = false
    },
  }
}
