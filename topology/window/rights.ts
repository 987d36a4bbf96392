import type { Instant } from '../model/time.ts'
import type { Held, Opened, WindowSpec } from './window.ts'

type Rules<L, R> = Pick<WindowSpec<L, R, never>, 'id' | 'slot' | 'needs' | 'deadline'>

/** Adds a right; one that is held already only becomes earlier, so that duplicates and their order change nothing. */
export function withRight<R, H extends Held<R>>(
  id: (right: R) => string,
  rights: readonly H[],
  right: H,
): readonly H[] {
  const known = rights.find(it => id(it.value) === id(right.value))
  if (!known) return [...rights, right]
  return right.at < known.at ? rights.map(it => (it === known ? right : it)) : rights
}

/** Whether what entered at `at` came in time: live up to and with the deadline; in a reopened window everything did. */
export const inTime = <L, R>(rules: Pick<Rules<L, R>, 'deadline'>, window: Opened<L, R>, at: Instant): boolean =>
  window.attempt > 0 || at <= rules.deadline(window.left)

/**
 * The rights that count, by (at, id): those in time, the first of each slot, and of the slots no more than needed.
 * Worked example: two snaps needed; snap 0 of 12:00:03, a resend of it of 12:00:09, snap 1 of 12:00:05: the first and the
 * last. A third snap, or snap 0 after the deadline, would change nothing.
 */
export function chosen<L, R>(rules: Rules<L, R>, window: Opened<L, R>): readonly Held<R>[] {
  const needs = rules.needs(window.left)
  const firstOfSlot = new Map<number, Held<R>>()
  for (const right of window.rights.filter(it => inTime(rules, window, it.at)).sort(inOrder(rules))) {
    const slot = rules.slot(right.value)
    if (!firstOfSlot.has(slot)) firstOfSlot.set(slot, right)
  }
  return [...firstOfSlot]
    .sort(([a], [b]) => a - b)
    .slice(0, needs === 0 ? undefined : needs)
    .map(([, right]) => right)
    .sort(inOrder(rules))
}

/** Whether every slot that is needed is filled; never, where it is not known how many there are. */
export function isComplete<L, R>(rules: Rules<L, R>, window: Opened<L, R>, rights: readonly Held<R>[]): boolean {
  const needs = rules.needs(window.left)
  const filled = new Set(rights.map(it => rules.slot(it.value)))
  // Up to the first gap: work and memory go with the rights that came, not with the number that somebody announced.
  for (let slot = 0; slot < needs; slot++) if (!filled.has(slot)) return false
  return needs > 0
}

const inOrder =
  <R>(rules: Pick<WindowSpec<never, R, never>, 'id'>) =>
  (a: Held<R>, b: Held<R>): number =>
    a.at - b.at || (rules.id(a.value) < rules.id(b.value) ? -1 : 1)
