import { expect, it } from 'vitest'
import { Fenced, type LogClient, type Membership, type MembershipHandler } from '../log-client.ts'
import { settle, VirtualTime } from '../testing/virtual-time.ts'
import { noMeter } from '../meter.ts'
import { Holding, type Life } from './membership.ts'

const nothing = () => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

it('stops within its budget while the group cannot be joined again', async () => {
  const time = new VirtualTime()
  let joins = 0
  const join = async (_: unknown, handler: MembershipHandler): Promise<Membership> => {
    if (joins++ > 0) return new Promise<never>(nothing)
    handler.assigned([0], 1)
    return { leave: async () => undefined, isCurrent: async () => true }
  }
  const holding = new Holding({
    client: { join } as unknown as LogClient,
    plan: { group: 'g', tasks: [[]], sessionTimeoutMs: 6_000 },
    nameOf: String,
    begin: () => ({ run: () => Promise.reject(new Fenced('somebody newer')), stop: nothing, kill: nothing }),
    revokeBudgetMs: 3_000,
    scheduler: time,
    log: silent,
    meter: noMeter,
    onFatal: error => expect.unreachable(error.message),
  })
  await holding.joined()
  await time.advanceTo(1_000)
  expect(joins).toBe(2)
  let stopped = false
  void holding.stop().then(() => (stopped = true))
  await time.advanceTo(4_000)
  await settle()
  expect(stopped).toBe(true)
})

/** A holding on a group that does as it is told, with one task. */
function held(begin: () => Life, isCurrent: () => boolean = () => true) {
  const time = new VirtualTime()
  let group!: MembershipHandler
  const join = async (_: unknown, handler: MembershipHandler): Promise<Membership> => {
    group = handler
    return { leave: async () => undefined, isCurrent: async () => isCurrent() }
  }
  const holding = new Holding({
    client: { join } as unknown as LogClient,
    plan: { group: 'g', tasks: [[]], sessionTimeoutMs: 6_000 },
    ...{ nameOf: String, begin, revokeBudgetMs: 3_000, scheduler: time, log: silent, meter: noMeter },
    onFatal: error => expect.unreachable(error.message),
  })
  return { time, holding, group: () => group }
}

it('does not fence what the group has given to somebody else since: it asks before each life', async () => {
  let lives = 0
  let isMember = false
  const { time, holding, group } = held(
    () => {
      lives++
      return { run: () => new Promise<void>(nothing), stop: nothing, kill: nothing }
    },
    () => isMember,
  )
  await holding.joined()
  group().assigned([0], 1)
  await time.advanceTo(1_000)
  expect(lives).toBe(0)
  group().lost([0])
  await time.advanceTo(60_000)
  expect(lives).toBe(0)
  isMember = true
  group().assigned([0], 2)
  await settle()
  expect(lives).toBe(1)
})

it('lets go within its budget: a life that does not end is killed, and the group goes on', async () => {
  const did: string[] = []
  const { time, holding, group } = held(() => ({
    ...{ run: () => new Promise<void>(nothing), stop: () => did.push('stop'), kill: () => did.push('kill') },
  }))
  await holding.joined()
  group().assigned([0], 1)
  await settle()
  let isRevoked = false
  void group()
    .revoked([0])
    .then(() => (isRevoked = true))
  await time.advanceTo(2_999)
  expect([isRevoked, did]).toEqual([false, ['stop']])
  await time.advanceTo(3_001)
  expect([isRevoked, did]).toEqual([true, ['stop', 'kill']])
})
