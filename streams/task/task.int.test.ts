import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { topicsOf } from '../../topology/derive.ts'
import { kafkaLogClient } from '../kafka/index.ts'
import { at, type LogClient, type LogRecord, type NewRecord } from '../log-client.ts'
import { demoTopology, keyOf, orders, parcels, urgent } from '../testing/demo.ts'
import { expectedOf, hiddenFaults, outcomeOf, type Outcome } from '../testing/demo-checks.ts'
import { seeded } from '../testing/virtual-time.ts'

const program = fileURLToPath(new URL('../testing/demo-process.ts', import.meta.url))
const app = `demo-${randomUUID()}`

/** The demo topology in a process of its own, with its log. */
class Instance {
  readonly lines: { readonly sentence: string; readonly task?: string; readonly ms?: number }[] = []
  readonly process: ChildProcess
  #onLine: () => void = () => undefined

  constructor(brokers: readonly string[], name: string) {
    const args = ['--import', 'tsx', program, brokers.join(), app, name]
    this.process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.process.stdout! }).on('line', line => {
      this.lines.push(JSON.parse(line) as (typeof this.lines)[number])
      this.#onLine()
    })
  }
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>(resolve => (this.#onLine = resolve))
  }
  said(sentence: string): number {
    return this.lines.filter(line => line.sentence === sentence).length
  }
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.kill(signal)
    await gone
  }
}

describe('the task loop on a real broker', () => {
  let client: LogClient
  const instances: Instance[] = []
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const start = (): Instance => {
    const instance = new Instance(inject('services').kafka.brokers, `instance-${instances.length}`)
    instances.push(instance)
    return instance
  }

  beforeAll(async () => {
    client = await kafkaLogClient({ brokers: inject('services').kafka.brokers, clientId: 'test', log: silent })
    await client.createTopics(topicsOf(demoTopology))
  })
  afterAll(async () => {
    await Promise.all(instances.map(instance => instance.kill('SIGKILL')))
    await client.close()
  })

  it('comes to the same as a fold over its inputs when its processes are killed while they hold work', async () => {
    const random = seeded(5)
    let count = 0
    const feed = async (n: number) => {
      const records = Array.from({ length: n }, (): NewRecord => {
        const stream = [orders, urgent, parcels, parcels][Math.floor(random() * 4)]!
        const id = `${'abcdef'[Math.floor(random() * 6)]}-${++count}${random() < 0.05 ? 'bad' : ''}`
        const partition = stream === parcels ? Math.floor(random() * 4) : 0
        return {
          topic: stream.topic,
          partition,
          key: Buffer.from(keyOf(id)),
          value: Buffer.from(JSON.stringify({ id })),
        }
      })
      await client.produce(records)
    }
    let victim = start()
    let other = start()
    await Promise.all([victim, other].map(each => each.until(() => each.said('started') > 0)))
    for (let kill = 0; kill < 3; kill++) {
      await feed(60)
      const held = victim.said('holds work')
      const feeding = feed(200)
      await victim.until(() => victim.said('holds work') > held)
      await victim.kill('SIGKILL')
      await feeding
      victim = other
      other = start()
      await other.until(() => other.said('started') > 0)
    }
    await feed(50)

    let found = await committedTopics(client)
    const isComplete = () => {
      const { windows, receipts } = outcomeOf(found)
      return windows.length >= expectedOf(found).windows.length && receipts.length >= expectedOf(found).receipts.length
    }
    while (!isComplete()) {
      await new Promise(resolve => setTimeout(resolve, 500))
      found = await committedTopics(client)
    }
    expect(outcomeOf(found)).toEqual<Outcome>(expectedOf(found))
    expect(hiddenFaults(found)).toEqual([])
    expect(expectedOf(found).seen.length).toBeGreaterThan(700)
  }, 120_000)
})

/** Every topic of the demo, read to its end by a committed reader. */
async function committedTopics(client: LogClient): Promise<(topic: string) => readonly LogRecord[]> {
  const partitions = topicsOf(demoTopology).flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const ends = await client.offsets(partitions, 'latest')
  const byTopic = new Map<string, LogRecord[]>()
  await Promise.all(
    partitions.map(async tp => {
      const records = byTopic.get(tp.topic) ?? []
      byTopic.set(tp.topic, records)
      const end = ends.get(at(tp))!
      if (end === 0n) return
      const tail = client.read({ ...tp, offset: 0n }, 'committed')
      for await (const chunk of tail) {
        records.push(...chunk.records)
        if (chunk.next >= end) break
      }
      tail.close()
    }),
  )
  return topic => byTopic.get(topic)!
}
