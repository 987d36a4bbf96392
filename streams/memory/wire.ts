/**
 * What can go wrong with one request. `refused`: it surely did not happen. Else nobody says so: with `request lost` it never arrived,
 * with `reply lost` it happened, `delayed` it arrives some turns later, `doubled` it happens now and once more later.
 */
export type Fault = 'refused' | 'request lost' | 'reply lost' | 'delayed' | 'doubled'
/** The requests that can fail. */
export type Request = 'ask' | 'fence' | 'produce' | 'end'

/** How a simulation takes hold of a client. Without it every step takes one microtask and nothing fails. */
export interface Fate {
  /** Every hop to the broker and back waits here. */
  hop(): Promise<void>
  fault(request: Request, id: string): Fault | undefined
  /** Offsets that one fetch covers at most. */
  fetchSize?(): number
}
export const noFate: Fate = { hop: () => Promise.resolve(), fault: () => undefined }

/** What lies between a process and the broker. */
export interface Wire {
  hop(): Promise<void>
  fault(request: Request, id: string): Fault | undefined
  /** Does it some turns later. */
  later(arrive: () => void): void
}
const DELAY = 4

/** @param frozen while the process is frozen, what resolves when it thaws */
export function wireOf(fate: Fate, frozen: () => Promise<void> | undefined): Wire {
  return {
    hop: async () => {
      await fate.hop()
      for (let ice = frozen(); ice; ice = frozen()) await ice
    },
    fault: (request, id) => fate.fault(request, id),
    later: arrive => {
      const arrives = async () => {
        // It has left us, whatever becomes of us: it comes through if it arrives before the next fence, and is refused after it.
        for (let i = 0; i < DELAY; i++) await fate.hop()
        arrive()
      }
      arrives().catch(() => undefined)
    },
  }
}
