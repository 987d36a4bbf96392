import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { topicsOf } from '../../topology/derive.ts'
import { journalOf } from '../../topology/model/names.ts'
import { kafkaLogClient } from '../kafka/index.ts'
import type { LogClient, NewRecord } from '../log-client.ts'
import { readCommitted } from '../read-topic.ts'
import { demoTopology, keyOf, orders, parcels, urgent } from '../testing/demo.ts'
import {
  expectedOf,
  hiddenFaults,
  outcomeOf,
  writtenVersions,
  type Committed,
  type Outcome,
} from '../testing/demo-checks.ts'
import { DemoInstance } from '../testing/demo-instance.ts'
import type { DemoVersion } from '../testing/demo-versions.ts'
import { eventually } from '../testing/reading.ts'
import { seeded } from '../testing/virtual-time.ts'

/** One night in two parts: the second goes on from the journals of the first. */
describe('the task loop on a real broker', () => {
  const app = `demo-${randomUUID()}`
  let client: LogClient
  const instances: DemoInstance[] = []
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const start = async (version: DemoVersion): Promise<DemoInstance> => {
    const instance = new DemoInstance(inject('services').kafka.brokers, app, `instance-${instances.length}`, version)
    instances.push(instance)
    await instance.started()
    return instance
  }
  const endAll = (signal: NodeJS.Signals) => Promise.all(instances.map(instance => instance.kill(signal)))

  beforeAll(async () => {
    client = await kafkaLogClient({ brokers: inject('services').kafka.brokers, clientId: 'test', log: silent })
    await client.createTopics(topicsOf(demoTopology))
  })
  afterEach(async () => void (await endAll('SIGTERM')))
  afterAll(async () => {
    await endAll('SIGKILL')
    await client.close()
  })

  const random = seeded(5)
  let count = 0
  const feed = async (n: number) => {
    const records = Array.from({ length: n }, (): NewRecord => {
      const stream = [orders, urgent, parcels, parcels][Math.floor(random() * 4)]!
      const id = `${'abcdef'[Math.floor(random() * 6)]}-${++count}${random() < 0.05 ? 'bad' : ''}`
      const partition = stream === parcels ? Math.floor(random() * 4) : 0
      const value = Buffer.from(JSON.stringify({ id }))
      return { topic: stream.topic, partition, key: Buffer.from(keyOf(id)), value }
    })
    await client.produce(records)
  }

  /** Feeds a little all the time until the work is done. */
  const whileFed = async (work: () => Promise<void>) => {
    let isDone = false
    const feeding = (async () => {
      for (; !isDone; await sleep(100)) await feed(6)
    })()
    await work().finally(() => (isDone = true))
    await feeding
  }
  /** Waits until as much has come out as should, and holds it against the fold over what went in. */
  const expectTheFold = async (): Promise<Committed> => {
    let found = await committedTopics(client)
    const isComplete = () => {
      const { windows, receipts } = outcomeOf(found)
      return windows.length >= expectedOf(found).windows.length && receipts.length >= expectedOf(found).receipts.length
    }
    while (!isComplete()) {
      await sleep(500)
      found = await committedTopics(client)
    }
    expect(outcomeOf(found)).toEqual<Outcome>(expectedOf(found))
    expect(hiddenFaults(found)).toEqual([])
    return found
  }

  it('comes to the same as a fold over its inputs when its processes are killed while they hold work', async () => {
    let [victim, other] = await Promise.all([start('older'), start('older')])
    for (let kill = 0; kill < 3; kill++) {
      await feed(60)
      const held = victim.said('holds work')
      const feeding = feed(200)
      await victim.until(() => victim.said('holds work') > held)
      await victim.kill('SIGKILL')
      await feeding
      victim = other
      other = await start('older')
    }
    await feed(50)
    expect(expectedOf(await expectTheFold()).seen.length).toBeGreaterThan(700)
  }, 120_000)

  it('comes to the same when a newer version with states of another shape takes over, process by process, one of them killed', async () => {
    const versions = async () => writtenVersions(await committedTopics(client, [journalOf('window')]))
    const migrated = async () =>
      (await versions()).flatMap((written, task) => (written.at(-1) === 2 ? [`window#${task}`] : []))
    const crew: DemoInstance[] = []
    const refusals = (of: DemoInstance) => of.lines.flatMap(it => (it.code === 'newer-state' ? [it.task!] : []))
    const older = await Promise.all([start('older'), start('older'), start('older')])
    await whileFed(async () => {
      await eventually(async () => (await versions()).every(({ length }) => length > 0))
      const [first, ...others] = older
      expect(await first.kill('SIGTERM')).toBe(0)

      // One newer process gets all tasks of the stage whose version rose, and the older stand by.
      const killed = await start('newer')
      await killed.until(() => killed.holds('window').length === demoTopology.partitions)
      await eventually(() => others.every(each => each.holds('window').length === 0))
      await eventually(async () => (await migrated()).length > 0)
      await killed.kill('SIGKILL')

      // The older are given the tasks again: what is migrated they leave alone, say so, and live on.
      const left = await migrated()
      await eventually(() => left.every(task => others.flatMap(refusals).includes(task)))
      for (const each of others) {
        crew.push(await start('newer'))
        expect(await each.kill('SIGTERM')).toBe(0)
      }
      crew.push(await start('newer'))
      await eventually(() => crew.every(each => each.holds('window').length === 1))
    })

    for (const written of writtenVersions(await expectTheFold())) {
      expect(new Set(written)).toEqual(new Set([1, 2]))
      expect(written).toEqual([...written].sort())
    }
    // Once each, and nobody ended by it.
    for (const said of older.map(refusals)) expect(said).toEqual([...new Set(said)])
    expect([...older, ...crew].map(each => each.said('stopped')).filter(count => count > 0)).toEqual([])
    expect(crew.map(({ lives }) => lives)).toEqual([true, true, true])
  }, 120_000)
})

const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Topics of the demo, all of them unless some are named, read to their ends by a committed reader. */
async function committedTopics(client: LogClient, names?: readonly string[]): Promise<Committed> {
  const topics = topicsOf(demoTopology).filter(({ topic }) => names?.includes(topic) ?? true)
  const read = topics.map(async ({ topic, partitions }) => {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    return [topic, await readCommitted(client, all)] as const
  })
  const byTopic = new Map(await Promise.all(read))
  return topic => byTopic.get(topic)!
}
