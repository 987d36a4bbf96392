import { setTimeout as sleep } from 'node:timers/promises'
import type { GroupPlan, Membership, MembershipHandler } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { ClusterHandle } from './clusters.ts'
import { kafkaErrorOf, messageOf } from './errors.ts'
import type { Broker } from './internals.ts'
import { assignments, grantedBy, PROTOCOL, subscription } from './rebalance.ts'

const GROUP = 0
const HEARTBEAT_MS = 250
/** While tasks are withheld somewhere, the next round is near: everyone listens closely for it. */
const UNSETTLED_HEARTBEAT_MS = 30
/** The rebalance budget: how long the group waits for a member to let go and join again. */
const REBALANCE_MS = 30_000
const RETRY_MS = 100

/** A member nobody knows; its tasks may belong to others already. */
const FORGOTTEN: ReadonlySet<string | undefined> = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'])

type Round = 'joined' | 'again'

/**
 * One member of one group, by the classic protocol: join, sync, heartbeat. What it runs goes on through a rebalance; after
 * each sync only the difference is assigned or revoked. A task that moves takes two rounds: in the first its owner lets go,
 * in the second the next one gets it.
 *
 * The group only says who should try. Safety is the fence's, so a member that cannot reach the coordinator keeps its tasks.
 *
 * It has a cluster of its own: a request behind a parked JoinGroup on the same connection waits until the rebalance is over.
 */
export class Member implements Membership {
  readonly #handle: ClusterHandle
  readonly #leaveBy: () => Promise<Broker>
  readonly #plan: GroupPlan
  readonly #handler: MembershipHandler
  readonly #log: Log
  readonly #stop = new AbortController()
  #coordinator: Broker | undefined
  #memberId = ''
  #generation = -1
  #settled = true
  #owned: readonly number[] = []

  /** @param leaveBy finds the coordinator on other connections than the member's own, where a JoinGroup may be parked */
  constructor(
    handle: ClusterHandle,
    leaveBy: () => Promise<Broker>,
    plan: GroupPlan,
    handler: MembershipHandler,
    log: Log,
  ) {
    this.#handle = handle
    this.#leaveBy = leaveBy
    this.#plan = plan
    this.#handler = handler
    this.#log = log
  }

  /** Returns after the first assignment; from then on the member keeps itself in the group. */
  async start(): Promise<void> {
    const round = await this.#round()
    void this.#run(round)
  }

  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    try {
      const coordinator = await this.#leaveBy()
      await coordinator.leaveGroup({ groupId: this.#plan.group, memberId: this.#memberId })
    } catch (error) {
      this.#log.warn(this.#fields(error), 'leaving the group failed; the others wait for the session to end')
    }
    await this.#handle.close()
  }

  async isCurrent(): Promise<boolean> {
    const error = kafkaErrorOf(await this.#heartbeat())
    return error !== 'ILLEGAL_GENERATION' && !FORGOTTEN.has(error)
  }

  /** Goes silent, as a killed process does: the group hears of it when the session is over. */
  async vanish(): Promise<void> {
    this.#stop.abort()
    await this.#handle.close()
  }

  async #run(first: Round): Promise<void> {
    for (let round = first; !this.#stop.signal.aborted;) {
      if (round === 'joined') await this.#beatUntilRebalance()
      if (!this.#stop.signal.aborted) round = await this.#round()
    }
  }

  /** Joins, repeating while the coordinator moves or forgot us. Errors that will not pass by themselves are thrown at start. */
  async #round(): Promise<Round> {
    for (;;) {
      try {
        return await this.#joinAndSync()
      } catch (error) {
        if (this.#stop.signal.aborted) return 'again'
        const starting = this.#generation < 0
        if (starting && HOPELESS.has(kafkaErrorOf(error)))
          throw new Error(`group ${this.#plan.group} cannot be joined: ${messageOf(error)}`, { cause: error })
        await this.#recover(error)
      }
    }
  }

  async #joinAndSync(): Promise<Round> {
    const { group, sessionTimeoutMs } = this.#plan
    const coordinator = await this.#findCoordinator()
    const joined = await coordinator.joinGroup({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_MS,
      memberId: this.#memberId,
      protocolType: 'consumer',
      groupProtocols: [{ name: PROTOCOL, metadata: subscription(this.#plan, this.#owned) }],
    })
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const leads = joined.leaderId === joined.memberId
    const plan = leads ? assignments(this.#plan, joined.members) : { assignments: [], refused: [] }
    if (plan.refused.length > 0)
      this.#log.error(
        { group, refused: plan.refused, tasks: this.#plan.tasks.length },
        'members with another plan get no task',
      )
    const { memberAssignment } = await coordinator.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: plan.assignments,
    })
    if (this.#stop.signal.aborted) return 'again'
    const granted = grantedBy(memberAssignment)
    this.#settled = granted.settled
    return this.#take(granted.tasks)
  }

  /** Runs what is new, lets go of what is gone, and then joins again at once so that others can have it. */
  async #take(tasks: readonly number[]): Promise<Round> {
    const gained = tasks.filter(task => !this.#owned.includes(task))
    const gone = this.#owned.filter(task => !tasks.includes(task))
    this.#owned = [...this.#owned, ...gained]
    if (gained.length > 0) this.#handler.assigned(gained, this.#generation)
    if (gone.length === 0) return 'joined'
    await this.#letGo(gone)
    this.#owned = this.#owned.filter(task => !gone.includes(task))
    return 'again'
  }

  /** Heartbeats go on meanwhile; their answers are heeded afterwards, by the join that follows in any case. */
  async #letGo(tasks: readonly number[]): Promise<void> {
    const letGo = new AbortController()
    const beating = this.#beat(AbortSignal.any([letGo.signal, this.#stop.signal]))
    try {
      await within(REBALANCE_MS, this.#handler.revoked(tasks))
    } catch (error) {
      this.#log.error(this.#fields(error, { tasks }), 'revoked tasks were not let go in time or in order')
    }
    letGo.abort()
    await beating
  }

  async #beatUntilRebalance(): Promise<void> {
    const error = await this.#beat(this.#stop.signal)
    if (error !== undefined) await this.#recover(error)
  }

  /** Heartbeats until one is refused, and returns why; undefined when told to stop. A lost connection is not a refusal. */
  async #beat(stop: AbortSignal): Promise<unknown> {
    const pause = Math.min(this.#settled ? HEARTBEAT_MS : UNSETTLED_HEARTBEAT_MS, this.#plan.sessionTimeoutMs / 4)
    for (;;) {
      await sleep(pause, undefined, { signal: stop }).catch(() => undefined)
      if (stop.aborted) return undefined
      const refusal = await this.#heartbeat()
      if (stop.aborted) return undefined
      if (refusal === undefined) continue
      if (kafkaErrorOf(refusal) !== undefined && !MOVED.has(kafkaErrorOf(refusal))) return refusal
      this.#coordinator = undefined
      this.#log.debug(this.#fields(refusal), 'a heartbeat found no coordinator')
    }
  }

  /** One heartbeat, and why it was refused; undefined when it was not. */
  async #heartbeat(): Promise<unknown> {
    const { group: groupId } = this.#plan
    try {
      const coordinator = await this.#findCoordinator()
      await coordinator.heartbeat({ groupId, groupGenerationId: this.#generation, memberId: this.#memberId })
      return undefined
    } catch (error) {
      return error
    }
  }

  /** What an error of the group protocol means for our tasks and for the next join. */
  async #recover(error: unknown): Promise<void> {
    const kafkaError = kafkaErrorOf(error)
    if (kafkaError === 'REBALANCE_IN_PROGRESS') return
    if (FORGOTTEN.has(kafkaError)) {
      this.#memberId = ''
      this.#lose('the group has forgotten this member')
    } else if (kafkaError === 'ILLEGAL_GENERATION') this.#lose('the group went on without this member')
    else {
      this.#log.warn(this.#fields(error), 'the group cannot be joined now; trying again')
      this.#coordinator = undefined
      await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  #lose(why: string): void {
    const lost = this.#owned
    this.#owned = []
    if (lost.length === 0) return
    this.#log.warn({ group: this.#plan.group, tasks: lost }, why)
    this.#handler.lost(lost)
  }

  async #findCoordinator(): Promise<Broker> {
    const groupId = this.#plan.group
    const cluster = await this.#handle.connect()
    this.#coordinator ??= await cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP })
    return this.#coordinator
  }

  #fields(error: unknown, more: object = {}): object {
    return { group: this.#plan.group, memberId: this.#memberId, reason: messageOf(error), ...more }
  }
}

const MOVED: ReadonlySet<string | undefined> = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])

const HOPELESS: ReadonlySet<string | undefined> = new Set([
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_GROUP_ID',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
])

async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController()
  const tooLate = sleep(ms, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`not done within ${ms} ms`)),
    () => undefined,
  )
  try {
    await Promise.race([work, tooLate])
  } finally {
    timer.abort()
  }
}
