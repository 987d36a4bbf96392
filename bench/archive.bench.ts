import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServices } from '../dev/services/start.ts'
import type { Alert } from '../schemas/avro/generated.ts'
import { codecWith } from '../schemas/codec.ts'
import { wholeSchema } from '../schemas/schemas.ts'
import { archive } from '../sinks/archive/archive.ts'
import { openObjectStore } from '../sinks/objects/s3.ts'
import { kafkaLogClient } from '../streams/kafka/index.ts'
import { runStage } from '../streams/run-stage.ts'
import { topicsOf } from '../topology/derive.ts'
import { stageOf } from '../topology/model/topology.ts'
import { promptTopology } from '../topology/prompt.ts'
import { alerts } from '../topology/streams.ts'
import { source } from '../topology/testing/sources.ts'

/**
 * What one process archives, from the brokers to the object store: packets of 105 kB whose stamps are noise, as those of the sky nearly
 * are. Prints, for several numbers of puts at a time, packets a second and the processor time that this process took for each.
 */
const PACKETS = 2_000
const STAMP = 34_560
const PUTS = [8, 32]

const services = await startServices({ progress: () => {}, provider: 'processes' })
const { kafka, s3 } = services.addresses
const log = { debug() {}, info() {}, warn: console.warn, error: console.error }
const client = await kafkaLogClient({
  ...{ brokers: kafka.brokers, clientId: 'bench', log, compression: { [alerts.topic]: 'snappy' as const } },
})
const store = openObjectStore(s3)
await store.createBucket('archive')
const topology = promptTopology()
await client.createTopics(topicsOf(topology))
const schema = wholeSchema('lsst.v11_1.alert')
const codec = codecWith(
  new Map([
    ['lsst.v11_1.alert', 1101],
    ['parked', 1],
  ]),
)

/** Sends so many packets, the partitions in turn. */
async function send(): Promise<void> {
  for (let i = 0; i < PACKETS; i++) {
    const diaSource = source(1 + i, 30, -20)
    const alert: Alert = {
      ...{ diaSourceId: diaSource.diaSourceId, diaSource, observation_reason: null, target_name: null },
      ...{ prvDiaSources: null, prvDiaForcedSources: [], diaObject: null, ssSource: null, mpc_orbits: null },
      cutoutDifference: randomBytes(STAMP),
      cutoutScience: randomBytes(STAMP),
      cutoutTemplate: randomBytes(STAMP),
    }
    const value = codec.encode('lsst.v11_1.alert', alert)
    await client.produce([{ topic: alerts.topic, partition: i % topology.partitions, key: null, value }])
  }
}

for (const putsConcurrency of PUTS) {
  await send()
  let [stored, bytes] = [0, 0]
  const onStored = (packets: number, more: number) => ((stored += packets), (bytes += more))
  const options = { store, bucket: 'archive', schemas: { byId: async () => schema }, putsConcurrency, gatherMs: 0 }
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  const running = await runStage({
    ...{ topology, stage: stageOf(topology, 'archive'), client, codec, log, app: 'bench' },
    implementation: { effect: archive({ ...options, onStored }) },
    options: { concurrency: 64 },
    onFatal: error => {
      throw error
    },
  })
  while (stored < PACKETS) await sleep(20)
  const [seconds, { user, system }] = [(performance.now() - began) / 1000, process.cpuUsage(cpu)]
  await running.stop()
  console.log(
    `${putsConcurrency} puts at a time: ${(stored / seconds).toFixed(0)} packets/s of ${(bytes / stored / 1000).toFixed(0)} kB, ` +
      `${((user + system) / 1000 / stored).toFixed(1)} ms of processor each, in ${seconds.toFixed(1)} s`,
  )
}
store.close()
await client.close()
await services.stop()
process.exit(0)
