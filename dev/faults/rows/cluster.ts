import type { Fault } from '../fault.ts'
import { ALLOWED_S } from './processes.ts'
import { timely } from './services.ts'

/** What needs several brokers: one that dies takes leaders, coordinators of transactions and of groups, and perhaps the controller along. */

const BROKERS = 3
const stand = { stand: 'cluster', options: { brokers: BROKERS, imageTimeoutSeconds: 30 } } as const
const again = 'the observatory itself writes again what the dead broker did not acknowledge'
const unwatched = { 'duplicate-notification': again, 'duplicate-announcement': again } as const

const brokerDeaths: Fault = {
  name: 'broker-deaths',
  what: 'of three brokers one dies hard, and comes back; then another one',
  how: 'SIGKILL for two of three brokers, one after the other; each is started anew when every task has gone on without it',
  invariant: 'What was acknowledged is there, whoever leads now: nothing is lost, doubled or torn.',
  recovery: 'from the death until every task that carries time has committed; the longer',
  allowedSeconds: ALLOWED_S,
  ...stand,
  unwatched,
  strike: async scene => {
    const { lines, cluster } = scene.bench
    let longest = 0
    await scene.until(5, 8)
    const first = scene.pick([0, 1, 2])
    for (const i of [first, (first + 1) % BROKERS]) {
      const node = cluster!.nodes[i]!
      const tasks = timely(scene)
      await node.kill()
      scene.say(`SIGKILL for broker ${node.id}`)
      longest = Math.max(longest, await scene.seconds('every task goes on without it', it => lines.going(tasks, it)))
      await node.start()
      scene.say(`broker ${node.id} answers again`)
      await scene.seconds('every task goes on with it', it => lines.going(tasks, it))
    }
    return longest
  },
}

const brokersRolling: Fault = {
  name: 'brokers-rolling',
  what: 'all three brokers are restarted in good order, one after the other: the leaders move all the time',
  how: 'SIGTERM for one after the other, five times; each is started anew when every task has gone on without it',
  invariant: 'What was acknowledged is there, whoever leads now: nothing is lost, doubled or torn.',
  recovery: 'from the end of a broker until every task that carries time has committed; the longest',
  allowedSeconds: ALLOWED_S,
  ...stand,
  unwatched,
  strike: async scene => {
    const { lines, cluster } = scene.bench
    let longest = 0
    await scene.until(3, 5)
    for (let n = 0; n < 5; n++) {
      const node = cluster!.nodes[n % BROKERS]!
      const tasks = timely(scene)
      scene.say(`SIGTERM for broker ${node.id}`)
      await node.kill('SIGTERM')
      longest = Math.max(longest, await scene.seconds('every task goes on without it', it => lines.going(tasks, it)))
      await node.start()
      scene.say(`broker ${node.id} answers again`)
    }
    return longest
  },
}

export const ofTheCluster: readonly Fault[] = [brokerDeaths, brokersRolling]
