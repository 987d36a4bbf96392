import { at, type TopicPartition } from '../../../streams/log-client.ts'
import { groupOf, isJournaled, transactionalIdOf } from '../../../topology/model/names.ts'
import { taskCount } from '../../../topology/model/topology.ts'
import { promptTopology } from '../../../topology/prompt.ts'
import { detectorJob } from '../../../topology/streams.ts'
import { controllerOf, coordinatorsOf, dutiesOf, incomplete, leaderOf } from '../duties.ts'
import type { Fault, Scene } from '../fault.ts'
import { ALLOWED_S } from './processes.ts'
import { timely } from './services.ts'

/**
 * What needs several brokers. Each node is a broker and a controller in one process, so that a death takes along what it leads of our
 * topics, the transactions and the groups that it coordinates, and one of three votes of the controllers. Who is struck is chosen by what
 * it does in that moment.
 */

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

type Signal = 'SIGKILL' | 'SIGTERM'
/** A node to be struck, and why this one. */
interface Victim {
  readonly node: number
  readonly why: string
}

/** Ends a node, waits until every task goes on without it, and starts it anew; seconds that it took them. */
async function goOnWithout(scene: Scene, { node: id, why }: Victim, signal: Signal): Promise<number> {
  const { cluster, lines } = scene.bench
  const node = cluster!.nodes.find(it => it.id === id)!
  const tasks = timely(scene)
  const duties = await dutiesOf(cluster!.brokers, id)
  scene.say(`${signal} for broker ${id}: ${why}; it ${duties}`)
  await node.kill(signal)
  const going = (it: AbortSignal) => lines.going(tasks, it)
  const seconds = await scene.seconds('every task goes on without it', going)
  await node.start()
  scene.say(`broker ${id} answers again`)
  await scene.seconds('every task goes on with it', going)
  // Else the next one would be the second that is missing, which three copies do not promise to bear.
  await scene.seconds('it has caught up with the others', async it => {
    for (; (await incomplete(cluster!.brokers)) > 0; await scene.sleep(0.5)) it.throwIfAborted()
  })
  return seconds
}

/** Whoever coordinates something of ours, seeded; of several one that is not the controller, so that each death is of one kind. */
async function aCoordinator(scene: Scene, of: 'group' | 'transactions'): Promise<Victim> {
  const { cluster, system } = scene.bench
  const { app } = system.config
  const topology = promptTopology()
  const names = topology.stages
    .filter(isJournaled)
    .flatMap(stage =>
      of === 'group'
        ? [groupOf(app, stage.name)]
        : Array.from({ length: taskCount(topology, stage) }, (_, i) => transactionalIdOf(app, stage.name, i)),
    )
  const controller = await controllerOf(cluster!.brokers)
  const all = [...(await coordinatorsOf(cluster!.brokers, names, of === 'group' ? 0 : 1))]
  const others = all.filter(([, node]) => node !== controller)
  const [name, node] = scene.pick(others.length > 0 ? others : all)
  return { node, why: `it coordinates the ${of} ${name}, and is ${node === controller ? '' : 'not '}the controller` }
}

const brokerDeaths: Fault = {
  name: 'broker-deaths',
  what: 'of three brokers one dies hard, and comes back; then another one; then the controller',
  how: 'SIGKILL, three times: for the coordinator of the transactions of a task of ours (it leads its partition of `__transaction_state`), for the coordinator of a group of ours (of `__consumer_offsets`), each where possible not the controller, and for the leader of the controllers. Each is a node that is a broker and a controller in one process, and is started anew when every task has gone on without it',
  recovery: 'from the death until every task that carries time has committed; the longest',
  ...common,
  strike: async scene => {
    await scene.until(3, 6)
    let longest = 0
    for (const choose of [
      () => aCoordinator(scene, 'transactions'),
      () => aCoordinator(scene, 'group'),
      async () => ({ node: await controllerOf(scene.bench.cluster!.brokers), why: 'it leads the controllers' }),
    ])
      longest = Math.max(longest, await goOnWithout(scene, await choose(), 'SIGKILL'))
    return longest
  },
}

const brokersRolling: Fault = {
  name: 'brokers-rolling',
  what: 'whoever leads a partition is restarted, five times: the leaders move all the time',
  how: `SIGTERM and SIGKILL in turn, five times, for the node that leads a seeded partition of ${detectorJob.topic} in that moment; a broker and a controller in one process, it is started anew when every task has gone on without it`,
  recovery: 'from the end of a broker until every task that carries time has committed; the longest',
  ...common,
  strike: async scene => {
    const { brokers } = scene.bench.cluster!
    const chased: TopicPartition = { topic: detectorJob.topic, partition: scene.pick([0, 1, 2, 3, 4, 5]) }
    await scene.until(3, 5)
    let longest = 0
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      const victim = { node: await leaderOf(brokers, chased), why: `it leads ${at(chased)}` }
      longest = Math.max(longest, await goOnWithout(scene, victim, signal))
    }
    return longest
  },
}

export const ofTheCluster: readonly Fault[] = [brokerDeaths, brokersRolling]
