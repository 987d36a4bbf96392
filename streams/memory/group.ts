import type { Claim } from '../assigner.ts'
import type { GroupPlan, MembershipHandler } from '../log-client.ts'

export type Assigner = (members: readonly Claim[], tasks: GroupPlan['tasks']) => Map<string, number[]>

/** A member as the coordinator sees it. */
export interface Member {
  readonly id: string
  readonly tasks: GroupPlan['tasks']
  readonly version: number
  readonly handler: MembershipHandler
  /** Reaches the process: a frozen one when it thaws, and one that has left never, since it does not listen any more. */
  readonly call: (tell: () => void | Promise<void>) => Promise<void>
}

interface Seat extends Member {
  readonly runs: Set<number>
  readonly left: Promise<void>
  readonly leave: () => void
  gone: boolean
}

/** A consumer group: one rebalance after another; tasks that stay are not mentioned, revoked ones are awaited. */
export class Group {
  readonly #assign: Assigner
  readonly #seats = new Map<string, Seat>()
  readonly #lastRun = new Map<number, string>()
  readonly #onMove: () => void
  #generation = 0
  #rebalances: Promise<void> = Promise.resolve()

  /** @param onMove told of each rebalance in which a task goes from one member to another */
  constructor(assign: Assigner, onMove: () => void) {
    this.#assign = assign
    this.#onMove = onMove
  }

  join({ id, tasks, version, handler, call }: Member): void {
    const { promise: left, resolve: leave } = withResolvers()
    this.#seats.set(id, { ...{ id, tasks, version, handler, call }, runs: new Set(), left, leave, gone: false })
    this.#rebalance()
  }
  leave(id: string): void {
    const seat = this.#seats.get(id)
    if (!seat) return
    this.#seats.delete(id)
    seat.gone = true
    seat.leave()
    this.#rebalance()
  }
  /** The session timed out: the others go on without it; it learns of that when it can, and joins again. */
  expire(id: string): void {
    const seat = this.#seats.get(id)
    if (!seat) return
    this.leave(id)
    void seat.call(() => {
      seat.handler.lost([...seat.runs])
      this.join(seat)
    })
  }
  members(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#seats].map(([id, seat]) => [id, [...seat.runs].sort((a, b) => a - b)]))
  }

  #rebalance(): void {
    this.#rebalances = this.#rebalances.then(() => this.#round())
  }
  async #round(): Promise<void> {
    const seats = [...this.#seats.values()]
    if (seats.length === 0) return
    const generation = ++this.#generation
    const claims = seats.map(({ id, version, runs }) => ({ id, version, owned: [...runs] }))
    const share = this.#assign(claims, seats[0]!.tasks)
    await Promise.all(seats.map(seat => this.#revoke(seat, share.get(seat.id)!)))
    let isMove = false
    for (const seat of seats) {
      const fresh = share.get(seat.id)!.filter(task => !seat.runs.has(task))
      if (fresh.length === 0 || seat.gone) continue
      for (const task of fresh) {
        seat.runs.add(task)
        isMove ||= (this.#lastRun.get(task) ?? seat.id) !== seat.id
        this.#lastRun.set(task, seat.id)
      }
      void seat.call(() => {
        if (!seat.gone) seat.handler.assigned(fresh, generation)
      })
    }
    if (isMove) this.#onMove()
  }
  async #revoke(seat: Seat, keeps: readonly number[]): Promise<void> {
    const revoked = [...seat.runs].filter(task => !keeps.includes(task))
    if (revoked.length === 0) return
    const told = seat.call(async () => {
      if (seat.gone) return
      await seat.handler.revoked(revoked)
      for (const task of revoked) seat.runs.delete(task)
    })
    await Promise.race([told, seat.left])
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}
