import { isOf, type Event, type Out, type Replay, type Step } from '../model/step.ts'
import type { Instant } from '../model/time.ts'
import { chosen, inTime, isComplete, withRight } from './rights.ts'
import type { Absent, Decision, Held, HeldFrom, Opened, Waiting, Window, WindowSpec } from './window.ts'

/**
 * A windowed join with a timeout: one left record per key meets its right records before a deadline.
 *
 * - It says *announced* at once, and *ready* as soon as the set is complete: that is final and waits for no tick.
 * - When the deadline has passed it asks what is really there, and closes **on the answer**, never on time alone: ready
 *   with what came in time, else *cancelled* where the left was withdrawn, else *missed*.
 * - A withdrawal is a hint; a right in time always beats it, and one after the deadline decides nothing. An unwanted left is *ignored* at once.
 * - A right before its left is held; without one for `holdMs` it is unclaimed. A right that a closed window did not use
 *   is late. A closed window is remembered, so that a duplicate changes nothing, and reopens at a replay newer than its
 *   own attempt: it keeps what it knew, judges nothing late, and asks at once where its deadline is past.
 *
 * In time or late is decided from `at` alone. So any order of arrival within the watermark's grace, any duplicates, and
 * a stop of any length end in the same decisions. (One thing is left to arrival: which of two *different* rights for one
 * slot is read first, where it completes the set. To settle that, every complete set would have to wait for a tick.)
 */
export function windowedJoin<L, R, A extends { readonly attempt: Replay }>(
  spec: WindowSpec<L, R, A>,
): Step<Window<L, R>> {
  return {
    name: spec.name,
    handles: [spec.left, spec.right, spec.answer],
    emits: spec.emits,
    on(window, event) {
      const turn = new Turn(spec, event.key, window)
      if (isOf(spec.left, event)) turn.left(event)
      else if (isOf(spec.right, event)) turn.right(event)
      else if (isOf(spec.answer, event)) turn.answer(event.value)
      else turn.wake(event.at)
      return { state: turn.window, out: turn.out }
    },
    deadline: window => wakeAt(spec, window),
  }
}

type Timing<L, R> = Pick<WindowSpec<L, R, never>, 'deadline' | 'id' | 'holdMs' | 'rememberMs'>

/** When the window wants to be woken: a timer is nothing but what its state says. */
function wakeAt<L, R>(spec: Timing<L, R>, window: Window<L, R>): Instant | undefined {
  switch (window.phase) {
    case 'waiting': {
      const held = window.rights.filter(it => !window.unclaimed.includes(spec.id(it.value)))
      return held.length > 0 ? Math.min(...held.map(it => it.from)) + spec.holdMs : forgetWaitingAt(spec, window)
    }
    case 'open':
      return spec.deadline(window.left)
    case 'asked':
      return undefined
    case 'closed':
      // The attempt is the time of its order: a window replayed after days is remembered from then on.
      return Math.max(spec.deadline(window.left), window.attempt) + spec.rememberMs
    case 'absent':
      return window.forgetAt
  }
}

const forgetWaitingAt = <R>(spec: Pick<Timing<never, R>, 'holdMs' | 'rememberMs'>, window: Waiting<R>): Instant =>
  Math.max(window.since, ...window.rights.map(it => it.from)) + spec.holdMs + spec.rememberMs

/** One event on one window: each method is one sentence of the rules above. */
class Turn<L, R, A extends { readonly attempt: Replay }> {
  window: Window<L, R> | undefined
  readonly out: Out[] = []
  readonly #spec: WindowSpec<L, R, A>
  readonly #key: string

  constructor(spec: WindowSpec<L, R, A>, key: string, window: Window<L, R> | undefined) {
    this.#spec = spec
    this.#key = key
    this.window = window
  }

  left({ value, at, replay }: Event<L>): void {
    const meaning = this.#spec.means(value)
    if (meaning === 'withdraws') return this.#withdraw(at, replay)
    const before = this.window ?? waitingSince(at)
    if (before.phase === 'absent') return
    if (before.phase !== 'waiting') return this.#reopen(before, replay)
    const { unclaimed } = this.#reportUnclaimed(before, Math.max(at, replay))
    if (meaning === 'absent') {
      const forgetAt = Math.max(this.#spec.deadline(value), at, replay) + this.#spec.rememberMs
      this.window = { phase: 'absent', announcedAt: at, attempt: replay, unclaimed, forgetAt }
      return
    }
    const rights = before.rights.map(it => ({ at: it.at, value: it.value }))
    this.#open({ left: value, announcedAt: at, withdrawnAt: before.withdrawnAt, rights, late: [], unclaimed }, replay)
  }

  right({ value, at, replay }: Event<R>): void {
    const from = Math.max(at, replay)
    const window = this.window ?? waitingSince(from)
    if (window.phase === 'waiting') {
      this.window = { ...window, rights: withRight(this.#spec.id, window.rights, { at, value, from }) }
      return
    }
    const claimed = this.#reportUnclaimedBefore(window, { at, value, from })
    if (claimed.phase === 'absent') return
    const known = this.#hold(claimed, { at, value })
    if (known.phase !== 'closed') this.#closeIfComplete(known)
    else if (replay > known.attempt) this.#reopen(known, replay)
    else this.#reportLate(known)
  }

  /** An answer to an older attempt, or to a window that has closed meanwhile, is nobody's. */
  answer(answer: A): void {
    const window = this.window
    if (window?.phase !== 'asked' || window.attempt !== answer.attempt) return
    const until = this.#until(window)
    const counted = this.#spec.found(answer).filter(it => until === null || it.at <= until)
    this.#close(counted.reduce<Opened<L, R>>((known, right) => this.#hold(known, right), window))
  }

  wake(at: Instant): void {
    const window = this.window
    if (window?.phase === 'waiting' && at < forgetWaitingAt(this.#spec, window)) {
      this.window = this.#reportUnclaimed(window, at + 1)
    } else if (window?.phase === 'open') {
      const { left, attempt, announcedAt } = window
      this.window = { ...window, phase: 'asked' }
      this.out.push(this.#spec.say.question(this.#key, { left, attempt, announcedAt, until: this.#until(window) }))
    } else {
      this.window = undefined
    }
  }

  #open(window: Omit<Opened<L, R>, 'phase' | 'attempt' | 'number' | 'used'>, attempt: Replay): void {
    const opened: Opened<L, R> = { ...window, phase: 'open', attempt, number: 0, used: [] }
    if (this.#spec.means(opened.left) === 'unwanted') {
      this.#decide({ ...opened, phase: 'closed', rights: [] }, 'ignored')
      return
    }
    const { announcedAt } = opened
    const announced = this.#decide(opened, 'announced', [], announcedAt)
    this.#closeIfComplete(
      announced.withdrawnAt !== null ? this.#decide(announced, 'withdrawn', [], announcedAt) : announced,
    )
  }

  #reopen(window: Opened<L, R>, replay: Replay): void {
    if (window.phase === 'closed' && replay > window.attempt) this.#open(window, replay)
  }

  #withdraw(at: Instant, replay: Replay): void {
    const window = this.window ?? waitingSince(Math.max(at, replay))
    if (window.phase === 'absent') return
    if (window.phase === 'waiting') {
      this.window = { ...window, withdrawnAt: window.withdrawnAt ?? at }
      return
    }
    const withdrawn = { ...window, withdrawnAt: window.withdrawnAt ?? at }
    this.window = withdrawn
    if (window.phase === 'closed') this.#reopen(withdrawn, replay)
    else if (window.withdrawnAt === null) this.#decide(withdrawn, 'withdrawn')
  }

  #closeIfComplete(window: Opened<L, R>): void {
    const rights = chosen(this.#spec, window)
    if (isComplete(this.#spec, window, rights)) {
      this.#close(window, Math.max(window.announcedAt, ...rights.map(it => it.at)))
    }
  }

  #close(window: Opened<L, R>, at?: Instant): void {
    const rights = chosen(this.#spec, window)
    const cancelled = window.withdrawnAt !== null && inTime(this.#spec, window, window.withdrawnAt)
    const kind = rights.length > 0 ? 'ready' : cancelled ? 'cancelled' : 'missed'
    const used = rights.map(it => this.#spec.id(it.value))
    this.#reportLate(this.#decide({ ...window, phase: 'closed', used }, kind, rights, at))
  }

  #decide(
    window: Opened<L, R>,
    kind: Decision<L, R>['kind'],
    rights: readonly Held<R>[] = [],
    at?: Instant,
  ): Opened<L, R> {
    const whole = this.#spec.needs(window.left) === 0 || isComplete(this.#spec, window, rights)
    const inputs = kind === 'ready' ? (whole ? 'complete' : 'partial') : null
    const { left, announcedAt, attempt } = window
    const number = window.number + 1
    const decision: Decision<L, R> = { kind, left, announcedAt, attempt, number, inputs, rights }
    this.out.push(this.#spec.say.decision(this.#key, decision, at))
    const decided = { ...window, number }
    this.window = decided
    return decided
  }

  #reportLate(window: Opened<L, R>): void {
    if (this.#spec.means(window.left) === 'unwanted') return
    const late = window.rights.filter(it => {
      const id = this.#spec.id(it.value)
      return !window.used.includes(id) && !window.late.includes(id)
    })
    this.out.push(...late.map(it => this.#spec.say.late(this.#key, it, window)))
    this.window = { ...window, late: [...window.late, ...late.map(it => this.#spec.id(it.value))] }
  }

  /** Reports what waited in vain until `before`: a left that enters at the very end of the hold is in time. */
  #reportUnclaimed(window: Waiting<R>, before: Instant): Waiting<R> {
    const due = window.rights.filter(it => this.#isUnclaimed(window, it, before))
    due.forEach(it => this.#sayUnclaimed(it))
    return { ...window, unclaimed: [...window.unclaimed, ...due.map(it => this.#spec.id(it.value))] }
  }

  /** The same for a right that is read only after the left for which it had waited in vain. */
  #reportUnclaimedBefore<W extends Opened<L, R> | Absent>(window: W, right: HeldFrom<R>): W {
    if (!this.#isUnclaimed(window, right, Math.max(window.announcedAt, window.attempt))) return window
    this.#sayUnclaimed(right)
    const reported = { ...window, unclaimed: [...window.unclaimed, this.#spec.id(right.value)] }
    this.window = reported
    return reported
  }

  #isUnclaimed(window: Window<L, R>, right: HeldFrom<R>, before: Instant): boolean {
    return right.from + this.#spec.holdMs < before && !window.unclaimed.includes(this.#spec.id(right.value))
  }

  #sayUnclaimed(right: HeldFrom<R>): void {
    this.out.push(this.#spec.say.unclaimed(this.#key, right, right.from + this.#spec.holdMs))
  }

  /** An unwanted unit keeps no rights: they are not late, and nobody will ask for them. */
  #hold(window: Opened<L, R>, right: Held<R>): Opened<L, R> {
    if (this.#spec.means(window.left) === 'unwanted') return window
    const held = { ...window, rights: withRight(this.#spec.id, window.rights, right) }
    this.window = held
    return held
  }

  #until(window: Opened<L, R>): Instant | null {
    return window.attempt > 0 ? null : this.#spec.deadline(window.left)
  }
}

const waitingSince = (since: Instant): Waiting<never> => ({
  phase: 'waiting',
  since,
  withdrawnAt: null,
  rights: [],
  unclaimed: [],
})
