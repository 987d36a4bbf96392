import { expect, it } from 'vitest'
import { Fenced, type LogClient, type Membership, type MembershipHandler } from '../log-client.ts'
import { settle, VirtualTime } from '../testing/virtual-time.ts'
import { noMeter } from '../meter.ts'
import { Holding } from './membership.ts'

const nothing = () => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

it('stops within its budget while the group cannot be joined again', async () => {
  const time = new VirtualTime()
  let joins = 0
  const join = async (_: unknown, handler: MembershipHandler): Promise<Membership> => {
    if (joins++ > 0) return new Promise<never>(nothing)
    handler.assigned([0], 1)
    return { leave: async () => undefined }
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
