import { Fenced, type GroupPlan, type LogClient, type Membership } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Meter } from '../meter.ts'
import { backOff, sleep, type Scheduler } from '../scheduler.ts'
import { isFatal, NewerState } from './faults.ts'

/** What runs while a task is ours; made anew for every epoch. */
export interface Life {
  /** Ends after `stop` or `kill`; throws what ended its epoch. */
  run(): Promise<void>
  stop(): void
  kill(): void
}

export interface HoldingOptions {
  readonly client: LogClient
  readonly plan: GroupPlan
  readonly nameOf: (index: number) => string
  readonly begin: (index: number) => Life
  /** How long a task that is taken away may finish its transaction: well below the group's rebalance time-out. */
  readonly revokeBudgetMs: number
  readonly scheduler: Scheduler
  readonly log: Log
  readonly meter: Meter
  /** A fault that no new epoch heals. The process should say it and stop. */
  readonly onFatal: (error: Error) => void
}

interface Held {
  life: Life | undefined
  /** Aborts when the task is ours no more. */
  readonly ended: AbortController
  done: Promise<void>
}

/**
 * Joins the group and runs what it is given. The group only says who should try; the lock is the fence inside each life. An epoch
 * that ended with an unknown outcome is followed by a new life of the same task; one that was fenced means that the group has moved on:
 * every task is dropped, and the group joined again, since fencing anew under the old assignment would start a war.
 */
export class Holding {
  readonly #options: HoldingOptions
  readonly #held = new Map<number, Held>()
  readonly #stopping = new AbortController()
  #membership: Promise<Membership>
  #rejoining: Promise<void> | undefined
  #fences = 0

  constructor(options: HoldingOptions) {
    this.#options = options
    this.#membership = this.#join()
  }

  /** Resolves when the group is joined. */
  async joined(): Promise<void> {
    await this.#membership
  }
  /** Finishes within the budget, then leaves, so that others take over at once. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    // A group that cannot be joined now is not waited for: whoever closes the client ends the attempt.
    await this.#withinBudget(this.#rejoining)
    await this.#end([...this.#held.keys()], 'stopped')
    await (await this.#membership).leave()
  }

  #join(): Promise<Membership> {
    const { client, plan } = this.#options
    // Asked for a task, never before the group has answered.
    const isMember = () => Promise.resolve().then(async () => (await joined).isCurrent())
    const joined: Promise<Membership> = client.join(plan, {
      assigned: (tasks, generation) => tasks.forEach(task => this.#begin(task, generation, isMember)),
      revoked: tasks => this.#end(tasks, 'revoked'),
      lost: tasks => tasks.forEach(task => this.#drop(task, 'lost')),
    })
    return joined
  }

  #begin(task: number, generation: number, isMember: () => Promise<boolean>): void {
    if (this.#stopping.signal.aborted) return
    this.#options.log.info({ task: this.#options.nameOf(task), generation }, 'task assigned')
    const held: Held = { life: undefined, ended: new AbortController(), done: Promise.resolve() }
    this.#held.set(task, held)
    held.done = this.#live(task, held, isMember)
  }

  /** One life after another, until the task is taken away or cannot go on. */
  async #live(task: number, held: Held, isMember: () => Promise<boolean>): Promise<void> {
    const { begin, nameOf, scheduler, log, meter, onFatal } = this.#options
    for (let attempt = 0; !held.ended.signal.aborted; attempt++) {
      const began = scheduler.now()
      try {
        // Stopped since the group's answer, we would throw the next owner out, and it us, until a heartbeat told us.
        const isOurs = await isMember()
        if (held.ended.signal.aborted) return
        if (!isOurs) throw new Error('the group counts this member in no more; it will say so')
        held.life = begin(task)
        return await held.life.run()
      } catch (error) {
        if (held.ended.signal.aborted) return
        if (isFatal(error)) return onFatal(error)
        // Idle, and neither tried again nor an end of the process: the group takes the task away as soon as one that can run it joins.
        if (error instanceof NewerState) return log.error({ task: nameOf(task), code: 'newer-state' }, error.message)
        if (error instanceof Fenced) return this.#fenced(task, error)
        meter.add('refences')
        log.warn({ task: nameOf(task), err: error }, 'the epoch ended; the task is fenced and restored anew')
        if (scheduler.now() - began > 60_000) attempt = 0
        await sleep(scheduler, backOff(scheduler, attempt, 100), held.ended.signal)
      }
    }
  }

  async #end(tasks: readonly number[], why: string): Promise<void> {
    const { log, nameOf } = this.#options
    const ending = tasks.flatMap(task => {
      const held = this.#held.get(task)
      this.#held.delete(task)
      return held ? [{ task, held }] : []
    })
    for (const { held } of ending) {
      held.ended.abort()
      held.life?.stop()
    }
    await this.#withinBudget(Promise.all(ending.map(({ held }) => held.done)))
    for (const { task, held } of ending) {
      held.life?.kill()
      log.info({ task: nameOf(task) }, `task ${why}`)
    }
  }

  async #withinBudget(work: Promise<unknown> | undefined): Promise<void> {
    const { scheduler, revokeBudgetMs } = this.#options
    const done = new AbortController()
    await Promise.race([work, sleep(scheduler, revokeBudgetMs, done.signal)])
    done.abort()
  }

  #drop(task: number, why: string): void {
    const held = this.#held.get(task)
    if (!held) return
    this.#held.delete(task)
    held.ended.abort()
    held.life?.kill()
    this.#options.log.warn({ task: this.#options.nameOf(task) }, `task ${why}`)
  }

  #fenced(task: number, error: Fenced): void {
    const { log, meter, nameOf } = this.#options
    meter.add('fenced')
    log.warn({ task: nameOf(task), error: error.message }, 'fenced: somebody newer runs this task; all are dropped')
    for (const each of [...this.#held.keys()]) this.#drop(each, 'dropped')
    this.#rejoining ??= this.#rejoin().finally(() => (this.#rejoining = undefined))
  }

  async #rejoin(): Promise<void> {
    const { scheduler, log, plan } = this.#options
    await (
      await this.#membership
    )
      .leave()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'leaving failed'))
    for (let attempt = this.#fences++ % 8; !this.#stopping.signal.aborted; attempt++) {
      await sleep(scheduler, backOff(scheduler, attempt, 100, 5_000), this.#stopping.signal)
      if (this.#stopping.signal.aborted) return
      try {
        const membership = await this.#join()
        this.#membership = Promise.resolve(membership)
        return
      } catch (error) {
        log.warn({ group: plan.group, error: String(error) }, 'joining again failed; it is tried again')
      }
    }
  }
}
