import type { KafkaNode } from '../../services/processes/kafka-cluster.ts'
import type { Fault, Scene } from '../fault.ts'
import { ALLOWED_S } from './processes.ts'
import { timely } from './services.ts'

/** What needs several brokers: one that dies takes leaders, coordinators of transactions and of groups, and perhaps the controller along. */

const BROKERS = 3
const again = 'the observatory itself writes again what the dead broker did not acknowledge'
/** What both rows are like. */
const common = {
  invariant: 'What was acknowledged is there, whoever leads now: nothing is lost, doubled or torn.',
  allowedSeconds: ALLOWED_S,
  stand: 'cluster',
  options: { brokers: BROKERS, imageTimeoutSeconds: 30 },
  unwatched: { 'duplicate-notification': again, 'duplicate-announcement': again },
} as const

/** Ends a broker, waits until every task goes on without it, and starts it anew; seconds that it took them. */
async function goOnWithout(scene: Scene, node: KafkaNode, signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  const tasks = timely(scene)
  scene.say(`${signal} for broker ${node.id}`)
  await node.kill(signal)
  const going = (it: AbortSignal) => scene.bench.lines.going(tasks, it)
  const seconds = await scene.seconds('every task goes on without it', going)
  await node.start()
  scene.say(`broker ${node.id} answers again`)
  await scene.seconds('every task goes on with it', going)
  return seconds
}

const brokerDeaths: Fault = {
  name: 'broker-deaths',
  what: 'of three brokers one dies hard, and comes back; then another one',
  how: 'SIGKILL for two of three brokers, one after the other; each is started anew when every task has gone on without it',
  recovery: 'from the death until every task that carries time has committed; the longer',
  ...common,
  strike: async scene => {
    await scene.until(5, 8)
    const first = scene.pick([0, 1, 2])
    let longest = 0
    for (const i of [first, (first + 1) % BROKERS])
      longest = Math.max(longest, await goOnWithout(scene, scene.bench.cluster!.nodes[i]!, 'SIGKILL'))
    return longest
  },
}

const brokersRolling: Fault = {
  name: 'brokers-rolling',
  what: 'all three brokers are restarted in good order, one after the other: the leaders move all the time',
  how: 'SIGTERM for one after the other, five times; each is started anew when every task has gone on without it',
  recovery: 'from the end of a broker until every task that carries time has committed; the longest',
  ...common,
  strike: async scene => {
    await scene.until(3, 5)
    let longest = 0
    for (let n = 0; n < 5; n++)
      longest = Math.max(longest, await goOnWithout(scene, scene.bench.cluster!.nodes[n % BROKERS]!, 'SIGTERM'))
    return longest
  },
}

export const ofTheCluster: readonly Fault[] = [brokerDeaths, brokersRolling]
