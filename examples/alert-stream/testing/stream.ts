import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import type { ServiceAddresses } from '../../../dev/services/services.ts'
import { cutout } from '../../../pipeline/images/cutouts.ts'
import { emptyImage } from '../../../pipeline/images/image.ts'
import type { Alert } from '../../../schemas/avro/generated.ts'
import { codecWith } from '../../../schemas/codec.ts'
import { kafkaLogClient } from '../../../streams/kafka/index.ts'
import { silent } from '../../../streams/kafka/testing/world.ts'
import { alertSchemaText } from '../../../streams/registry/alert-subjects.ts'
import { importAlertSchemas } from '../../../streams/registry/registry.ts'
import { topicsOf } from '../../../topology/derive.ts'
import { promptTopology } from '../../../topology/prompt.ts'
import { alerts as alertStream } from '../../../topology/streams.ts'
import { blank, source } from '../../../topology/testing/sources.ts'

/** A topic of a test's own, made and written as the alert stream is. */
export interface AlertStream {
  readonly topic: string
  /** One committed transaction, as publish makes it. */
  commit(partition: number, alerts: readonly Alert[], headers?: Readonly<Record<string, string>>): Promise<void>
  /** The same, of packets that are framed already. */
  commitPackets(partition: number, packets: readonly Buffer[]): Promise<void>
  /** A transaction of a publisher that dies before its end; the broker aborts it when `abort` is called. */
  leaveOpen(partition: number, alerts: readonly Alert[]): Promise<{ abort(): Promise<void> }>
  close(): Promise<void>
}

export const PARTITIONS = 4

export async function openAlertStream({ kafka, registry }: ServiceAddresses): Promise<AlertStream> {
  const topic = `test-${randomUUID().slice(0, 8)}-alerts`
  await importAlertSchemas(registry.url)
  await fetch(`${registry.url}/subjects/${topic}-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: alertSchemaText() }),
  })
  const client = await kafkaLogClient({
    ...{ brokers: kafka.brokers, clientId: 'test', log: silent, compression: { [topic]: 'snappy' } },
  })
  const { config } = topicsOf(promptTopology()).find(it => it.topic === alertStream.topic)!
  await client.createTopics([{ topic, partitions: PARTITIONS, config }])
  const publisher = await client.fence(`${topic}-publisher`)
  const plain = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING })
  const dying: kafkajs.Producer[] = []
  return {
    topic,
    commit: (partition, alerts, more = {}) =>
      publisher.commit(alerts.map(alert => ({ ...{ topic, partition, key: null }, ...messageOf(alert, more) }))),
    commitPackets: (partition, packets) =>
      publisher.commit(packets.map(value => ({ topic, partition, key: null, value, headers: headersOf() }))),
    leaveOpen: async (partition, alerts) => {
      const producer = plain.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1 })
      dying.push(producer)
      await producer.connect()
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: alerts.map(alert => ({ partition, key: null, ...messageOf(alert) })) })
      return { abort: () => transaction.abort() }
    },
    close: async () => {
      await Promise.all([client.close(), ...dying.map(producer => producer.disconnect())])
    },
  }
}

export const codec = codecWith(new Map([['lsst.v11_1.alert', 1101]]))
const messageOf = (alert: Alert, headers: Readonly<Record<string, string>> = {}) => ({
  value: codec.encode('lsst.v11_1.alert', alert),
  headers: headersOf(headers),
})
const headersOf = (more: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(
    Object.entries({ producer_timestamp: String(Date.now()), ...more }).map(([name, text]) => [
      name,
      Buffer.from(text),
    ]),
  )

const psf = { half: 20, data: new Float64Array(41 * 41).fill(1 / 41 ** 2) }
const image = emptyImage(64, 64)
const scale = 0.2 / 3600

/** The alert of a new object, of a detection on a given visit; ids have 58 bits. */
export function alertOf(visit: bigint, counter: number): Alert {
  const [ra, dec] = [30 + counter / 1000, -20]
  const own = source(counter, ra, dec, { visit })
  const diaSource = { ...own, diaObjectId: own.diaSourceId, bboxSize: 12 }
  const wcs = { crval: [ra, dec], crpix: [32, 32], cd: [-scale, 0, 0, scale] } as const
  const stamp = () => Buffer.from(cutout(image, psf, wcs, 0, { x: 32, y: 32, sky: { ra, dec }, side: 30 }))
  return {
    ...{ diaSourceId: own.diaSourceId, observation_reason: null, target_name: null, diaSource },
    ...{ prvDiaSources: null, prvDiaForcedSources: [], ssSource: null, mpc_orbits: null },
    diaObject: {
      ...blank('lsst.v11_1.diaObject'),
      diaObjectId: own.diaSourceId,
      ra,
      dec,
      nDiaSources: 1,
    } as Alert['diaObject'],
    ...{ cutoutDifference: stamp(), cutoutScience: stamp(), cutoutTemplate: stamp() },
  }
}

/** Of one unit: its detections of a visit. */
export const unitOf = (visit: bigint, size: number): Alert[] =>
  Array.from({ length: size }, (_, i) => alertOf(visit, i + 1))
