import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { at, type TopicPartition } from '../../../streams/log-client.ts'
import { readCommitted } from '../../../streams/read-topic.ts'
import { promptTopology } from '../../../topology/prompt.ts'
import { detectorJob } from '../../../topology/streams.ts'
import type { ProcessName } from '../../demo/system.ts'
import { freePorts } from '../../services/ports.ts'
import type { Bench } from '../bench.ts'
import type { Fault, Scene } from '../fault.ts'

/** What others do to our topics. */

export const kafkaOf = ({ addresses }: Bench) =>
  new kafkajs.Kafka({
    ...{ clientId: 'stranger', brokers: [...addresses.kafka.brokers], logLevel: kafkajs.logLevel.NOTHING },
  })

/** More than an entrance takes, 1 MiB, and less than the brokers take by themselves. */
const BIG_BYTES = 2 << 20
/** What Kafka answers then, in kafkajs's words. */
const TOO_LARGE = /larger than the max message size/

const bigRecord: Fault = {
  name: 'big-record',
  what: 'somebody writes records of 2 MB to each entrance, plain and compressed',
  how: 'a client that is not ours sends 2 MB of zeros, as they are and with gzip, to each entrance',
  invariant: 'The brokers refuse each of them, also where it is small while it is compressed.',
  recovery: 'none to count',
  strike: async scene => {
    await scene.until(4, 9)
    const producer = kafkaOf(scene.bench).producer({ retry: { retries: 0 } })
    await producer.connect()
    const messages = [{ value: Buffer.alloc(BIG_BYTES) }]
    const { None, GZIP } = kafkajs.CompressionTypes
    try {
      for (const { topic } of promptTopology().entrances)
        for (const compression of [None, GZIP]) {
          const answer = await producer.send({ topic, messages, compression }).then(() => 'it was taken', String)
          if (!TOO_LARGE.test(answer)) throw new Error(`${topic} does not refuse 2 MB: ${answer}`)
          scene.say(`${topic} refuses 2 MB ${compression === GZIP ? 'of gzip' : 'as they are'}`)
        }
    } finally {
      await producer.disconnect()
    }
    return 0
  },
}

const TIMEOUT_MS = 10_000
const METRIC = 'pp_input_unstable_records'
const READER = promptTopology().stages.find(({ reads }) => reads.some(it => it.topic === detectorJob.topic))!.name

/** By partition of the stranger's topic: records that an open transaction hides from its reader, in the words of a process's metrics. */
async function hidden(port: number): Promise<ReadonlyMap<number, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const series = `^${METRIC}\\{stage="${READER}",topic="${detectorJob.topic}",partition="(\\d+)"\\} (\\d+)$`
  return new Map([...text.matchAll(new RegExp(series, 'gm'))].map(([, of, n]) => [Number(of), Number(n)]))
}

/** Looks at the metric once a second until `over`: it must show the hang on each partition each time. Resolves with how often it did. */
async function showsTheHang(scene: Scene, port: number, of: readonly TopicPartition[], over: number): Promise<number> {
  let looks = 0
  for (; Date.now() < over; await scene.sleep(1)) {
    const now = await hidden(port)
    // A probe that is late has no value, which is no 0.
    const values = of.flatMap(({ partition }) => now.get(partition) ?? [])
    if (values.some(value => value === 0)) throw new Error(`${METRIC} does not show the hang: ${values.join(', ')}`)
    if (values.length === of.length) looks++
  }
  if (looks < 3) throw new Error(`${METRIC} had a value ${looks} times only`)
  return looks
}

/** A third process of the effects, with its metrics where they can be read: its port, and two partitions that it reads. */
async function watchingReader(scene: Scene, name: ProcessName) {
  const { system, lines } = scene.bench
  const [port] = (await freePorts(1)) as [number]
  lines.follow(name)
  await system.restart(name, { PP_METRICS_PORT: String(port) })
  let read: number[] = []
  await scene.seconds(`${name} reads ${detectorJob.topic}`, async signal => {
    for (; read.length < 2; await scene.sleep(0.5)) {
      signal.throwIfAborted()
      read = [...(await hidden(port)).keys()]
    }
  })
  return { port, partitions: read.slice(0, 2).map(partition => ({ topic: detectorJob.topic, partition })) }
}

/** Begins a transaction, writes to each of these, and is gone. */
async function hang(scene: Scene, partitions: readonly TopicPartition[]): Promise<void> {
  const options = { transactionalId: `stranger-${randomUUID()}`, transactionTimeout: TIMEOUT_MS, idempotent: true }
  const producer = kafkaOf(scene.bench).producer({ ...options, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  for (const { topic, partition } of partitions)
    await transaction.send({ topic, messages: [{ partition, value: 'a torn thought' }] })
  await producer.disconnect()
  scene.say(`a transaction is open on ${partitions.map(at).join(' and ')}, and nobody will end it`)
}

const hangingTransaction: Fault = {
  name: 'hanging-transaction',
  what: 'a stranger begins a transaction on a topic of ours, and dies',
  how: `a client that is not ours writes to two partitions of ${detectorJob.topic} in a transaction of at most ${TIMEOUT_MS / 1000} s, and is gone; a third process of the effects, which reads these two, serves its metrics`,
  invariant: `Readers stand still for the time-out and a few seconds at most, and see nothing of it. All the time \`${METRIC}\` is above 0 for both partitions, and is 0 again afterwards.`,
  recovery: 'from the death of the stranger until a committed reader comes to the end of those partitions',
  strike: async scene => {
    const { client, system } = scene.bench
    const name = 'effects-3'
    const { port, partitions } = await watchingReader(scene, name)
    await scene.until(5, 9)
    await hang(scene, partitions)
    // The brokers look for what is over its time once a second; near the end the metric may tell of either.
    const over = Date.now() + TIMEOUT_MS - 2000
    const [seconds, looks] = await Promise.all([
      scene.seconds('committed readers reach the end', () => readCommitted(client, partitions)),
      showsTheHang(scene, port, partitions, over),
    ])
    scene.say(`${METRIC} has shown it at each of ${looks} looks`)
    if (seconds > TIMEOUT_MS / 1000 + 6) throw new Error(`readers stood still for ${seconds.toFixed(1)} s`)
    await scene.seconds(`${METRIC} is 0 again`, async signal => {
      // A transaction of our own may be open in the moment of a look.
      for (let now = await hidden(port); partitions.some(it => now.get(it.partition) !== 0); now = await hidden(port)) {
        signal.throwIfAborted()
        await scene.sleep(0.5)
      }
    })
    const pid = system.pids().get(name)!
    const gone = system.dies(name)
    process.kill(pid, 'SIGTERM')
    await gone
    return seconds
  },
}

export const ofStrangers: readonly Fault[] = [bigRecord, hangingTransaction]
