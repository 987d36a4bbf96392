import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { topicsOf } from '../../topology/derive.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { nextVisit } from '../../topology/streams.ts'
import type { LogWorld } from '../log-client.contract.ts'
import { at, type LogClient, type LogRecord, type MembershipHandler, type TopicPartition } from '../log-client.ts'
import { openCluster } from './clusters.ts'
import { AssignerProtocol } from './internals.ts'
import { drain, eventually, record, values } from '../testing/reading.ts'
import { storedBytes } from './testing/stored.ts'
import { brokerWorld, silent } from './testing/world.ts'

/** What only the client on kafkajs can get wrong; what every client must do is in the contract. */
describe('the client on kafkajs', () => {
  const brokers = inject('services').kafka.brokers
  const plain = new kafkajs.Kafka({ brokers: [...brokers], clientId: 'plain', logLevel: kafkajs.logLevel.NOTHING })
  const packed = `packed-${randomUUID()}`
  let world: LogWorld
  let client: LogClient

  beforeAll(async () => {
    world = await brokerWorld(brokers, { compression: { [packed]: 'snappy' } })
    client = await world.client()
  })
  afterAll(async () => {
    await client.close()
    await world.close()
  })
  const topic = async (partitions = 1, config: Record<string, string> = {}, name = `k-${randomUUID()}`) => {
    await client.createTopics([{ topic: name, partitions, config }])
    return name
  }

  it('packs a topic as told inside transactions, so that a client that is not ours can read it', async () => {
    const tp = { topic: await topic(1, {}, packed), partition: 0 }
    const large = 'prompt '.repeat(10_000)
    await (await client.fence(randomUUID())).commit([record(tp, large), record(tp, 'last')])
    await eventually(async () => (await client.offsets([tp], 'latest')).get(at(tp))! >= 3n)
    expect(values(await readTo(client, tp, 2n))).toEqual([large, 'last'])
    expect(await asKafkajsReads(plain, tp, 'last')).toEqual([large, 'last'])
    expect((await storedBytes(brokers, tp)).length).toBeLessThan(large.length / 5)
  })

  it('has entrances whose limit is one of the record, however small a sender packs it, and reads what he packs', async () => {
    const entrance = topicsOf(promptTopology({ partitions: 1 })).find(it => it.topic === nextVisit.topic)!
    const name = await topic(1, entrance.config)
    const producer = plain.producer()
    await producer.connect()
    const packing = { topic: name, compression: kafkajs.CompressionTypes.GZIP }
    try {
      await expect(producer.send({ ...packing, messages: [{ value: ' '.repeat(2 << 20) }] })).rejects.toMatchObject({
        type: 'MESSAGE_TOO_LARGE',
      })
      await producer.send({ ...packing, messages: [{ value: ' '.repeat(500_000) }] })
    } finally {
      await producer.disconnect()
    }
    const tp = { topic: name, partition: 0 }
    expect(values(await readTo(client, tp, 1n))).toEqual([' '.repeat(500_000)])
    expect((await storedBytes(brokers, tp)).length).toBeGreaterThan(500_000)
  })

  it('cuts what is too much for one batch, inside a transaction and outside', async () => {
    const tp = { topic: await topic(), partition: 0 }
    const alerts = Array.from({ length: 40 }, (_, i) => record(tp, `${i} ${'x'.repeat(80_000)}`))
    await client.produce(alerts)
    const id = randomUUID()
    await (await client.fence(id)).commit(alerts)
    await client.fence(id)
    const end = (await client.offsets([tp], 'latest')).get(at(tp))!
    const read = values(await readTo(client, tp, end)).map(value => Number(value.split(' ')[0]))
    expect(read).toEqual([...alerts.keys(), ...alerts.keys()])
  })

  it('serves several readers of one partition, each at its own pace and place', async () => {
    const tp = { topic: await topic(), partition: 0 }
    await client.produce(Array.from({ length: 20 }, (_, i) => record(tp, `${i}`)))
    const readings = [0n, 0n, 7n, 20n].map(from => readTo(client, tp, 22n, from))
    await client.produce([record(tp, '20'), record(tp, '21')])
    expect((await Promise.all(readings)).map(records => records.length)).toEqual([22, 22, 15, 2])
  })

  it('shows its group to the tools of Kafka as a group of consumers', async () => {
    const [left, right] = [await topic(2), await topic(2)]
    const group = randomUUID()
    const tasks = [0, 1].map(partition => [left, right].map(topic => ({ topic, partition })))
    const membership = await client.join({ group, tasks, sessionTimeoutMs: 6_000 }, bystander)
    const admin = plain.admin()
    await admin.connect()
    const [described] = (await admin.describeGroups([group])).groups
    expect(described).toMatchObject({ state: 'Stable', protocolType: 'consumer' })
    const { assignment } = AssignerProtocol.MemberAssignment.decode(described!.members[0]!.memberAssignment)!
    expect(assignment).toEqual({ [left]: [0, 1], [right]: [0, 1] })
    await membership.leave()
    expect((await admin.describeGroups([group])).groups[0]!.state).toBe('Empty')
    await admin.disconnect()
  })

  it('says that tasks are lost when the group has forgotten the member, and joins again', async () => {
    const tp = { topic: await topic(), partition: 0 }
    const plan = { group: randomUUID(), tasks: [[tp]], sessionTimeoutMs: 6_000 }
    const events: string[] = []
    const membership = await client.join(plan, {
      assigned: (tasks, generation) => void events.push(`assigned ${tasks.join()} in ${generation}`),
      revoked: async tasks => void events.push(`revoked ${tasks.join()}`),
      lost: tasks => void events.push(`lost ${tasks.join()}`),
    })
    await expel(brokers, plain, plan.group)
    await eventually(async () => events.length === 3)
    expect(events).toEqual(['assigned 0 in 1', 'lost 0', expect.stringMatching(/^assigned 0 in [23]$/)])
    await membership.leave()
  })

  it('leaves no timer and no socket behind when it is closed', async () => {
    const kinds = () => process.getActiveResourcesInfo().filter(kind => /Timeout|TCP/.test(kind)).length
    const before = kinds()
    const busy = await world.client()
    const tp = { topic: await topic(), partition: 0 }
    await (await busy.fence(randomUUID())).commit([record(tp, 'x')])
    await readTo(busy, tp, 1n)
    await busy.join({ group: randomUUID(), tasks: [[tp]], sessionTimeoutMs: 6_000 }, bystander)
    const waiting = readTo(busy, tp, 99n).catch(() => undefined)
    expect(kinds()).toBeGreaterThan(before)
    const began = performance.now()
    await busy.close()
    await waiting
    // It waits for no time-out (5 s) and no session (6 s); how fast beyond that is a matter of the machine.
    expect(performance.now() - began).toBeLessThan(2_500)
    await eventually(async () => kinds() <= before)
  })
})

const bystander: MembershipHandler = { assigned() {}, revoked: async () => undefined, lost() {} }

const readTo = async (client: LogClient, tp: TopicPartition, end: bigint, from = 0n): Promise<LogRecord[]> =>
  (await drain(() => client.read({ ...tp, offset: from }, 'committed'), from, end)).records

/** Everything that a read-committed consumer of kafkajs delivers up to the record with this value. */
async function asKafkajsReads(plain: kafkajs.Kafka, { topic }: TopicPartition, last: string): Promise<string[]> {
  const consumer = plain.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 50 })
  const seen: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const done = new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: kafkajs.EachMessagePayload) => {
      seen.push(String(message.value))
      if (seen.at(-1) === last) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await done
  await consumer.disconnect()
  return seen
}

/** Takes every member out of the group behind its back, which is what the end of a session looks like to it. */
async function expel(brokers: readonly string[], plain: kafkajs.Kafka, group: string): Promise<void> {
  const admin = plain.admin()
  await admin.connect()
  const { members } = (await admin.describeGroups([group])).groups[0]!
  await admin.disconnect()
  const handle = openCluster({ brokers, clientId: 'expeller', log: silent }, 5_000)
  const cluster = await handle.connect()
  const coordinator = await cluster.findGroupCoordinator({ groupId: group, coordinatorType: 0 })
  for (const { memberId } of members) await coordinator.leaveGroup({ groupId: group, memberId })
  await handle.close()
}
