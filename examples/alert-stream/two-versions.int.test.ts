import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { readAlerts } from '../../dev/demo/read-back.ts'
import { splitForm } from '../../schemas/canonical.ts'
import { codecWith, schemaIdOf } from '../../schemas/codec.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { rubinPython } from '../../schemas/testing/python.ts'
import { archive, packetKey, schemaKey } from '../../sinks/archive/archive.ts'
import { MemoryBroker } from '../../streams/memory/broker.ts'
import { MemoryClient } from '../../streams/memory/client.ts'
import { alertArchive, importIntoApicurio } from '../../streams/registry/apicurio.ts'
import { writerSchemas } from '../../streams/registry/registry.ts'
import { restAt } from '../../streams/registry/rest.ts'
import { runStage } from '../../streams/run-stage.ts'
import { topicsOf } from '../../topology/derive.ts'
import { stageOf } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { alerts as alertStream } from '../../topology/streams.ts'
import { type Example, type Reader, readUntil, spawnReader } from './testing/reader.ts'
import { type AlertStream, codec, openAlertStream, unitOf } from './testing/stream.ts'

/**
 * Alerts of schema 11.0 and 11.1 in turn on one partition, those of 11.0 written by Rubin's own package with its own schema: whoever reads goes by the
 * id of each message.
 */

const services = inject('services')
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined
const SIZE = 6
const PARTITION = 2

/** From alerts of 11.1, framed, to the same of 11.0, which has four fields fewer; and the schema of 11.0. */
const AS_OF_BEFORE = `
import json, struct, sys
from lsst.alert.packet import Schema, get_schema_path

now, before = Schema.from_file(), Schema.from_file(f'{get_schema_path(11, 0)}/lsst.v11_0.alert.avsc')
packets = [struct.pack('>bi', 0, 1100) + before.serialize(now.deserialize(bytes.fromhex(line)[5:])) for line in sys.stdin.read().split()]
print(json.dumps({'schema': before.definition, 'packets': [packet.hex() for packet in packets]}))
`
/** What docs/alert-archive-and-resend.md shows: an object of the archive with the schema that lies beside it. */
const AS_ARCHIVED = `
import io, json, sys
import fastavro
for it in json.load(sys.stdin):
    packet = bytes.fromhex(it['packet'])
    alert = fastavro.schemaless_reader(io.BytesIO(packet[5:]), it['schema'])
    print(int.from_bytes(packet[1:5], 'big'), alert['diaSourceId'], 'exposureTime' in alert['diaSource'])
`

describe.skipIf(missing !== undefined)(
  `two versions at once${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let stream: AlertStream
    let packets: Buffer[]
    const running: Reader[] = []
    const units = [unitOf(2026112100011n, SIZE), unitOf(2026112100012n, SIZE)] as const
    const ids = units.flat().map(({ diaSourceId }) => String(diaSourceId))

    beforeAll(async () => {
      if (!('run' in python)) return
      stream = await openAlertStream(services)
      const [older, newer] = units.map(unit => unit.map(alert => codec.encode('lsst.v11_1.alert', alert)))
      const said = await python.run(AS_OF_BEFORE, older!.map(bytes => bytes.toString('hex')).join('\n'))
      const before = JSON.parse(said) as { schema: AvroSchema; packets: string[] }
      const subjects = [{ subject: `${stream.topic}-v11.0-value`, version: 1 }]
      const rest = restAt(services.registry.url)
      await importIntoApicurio(rest, alertArchive({ id: 1100, schema: splitForm(before.schema), subjects }))
      packets = newer!.flatMap((packet, i) => [packet, Buffer.from(before.packets[i]!, 'hex')])
      expect(packets.map(schemaIdOf)).toEqual(Array.from({ length: SIZE }, () => [1101, 1100]).flat())
      await stream.commitPackets(PARTITION, packets)
    }, 60_000)
    afterAll(async () => {
      for (const { child } of running) child.kill('SIGKILL')
      await stream?.close()
    })

    it.each<Example>(['reader.ts', 'reader.py'])('the example %s sees each of them', async which => {
      const reader = spawnReader({ which, topic: stream.topic, group: which, services, python })
      running.push(reader)
      await readUntil(reader, ids.length)
      expect(reader.ids.sort()).toEqual([...ids].sort())
      // The first of the partition is of 11.1, the second of 11.0; both say where and how bright.
      for (const { diaSource } of units.flat()) {
        const line = reader.lines.find(it => it.startsWith(String(diaSource.diaSourceId)))!
        expect(line).toContain(`${diaSource.ra.toFixed(5)} ${diaSource.dec.toFixed(5)}  r  1000 nJy`)
      }
    })

    it('who reads the demo back sees each of them, with the fields of its version', async () => {
      const { alerts, duplicates } = await readAlerts(services, { expected: ids.length, topic: stream.topic })
      expect({ duplicates, ids: alerts.map(it => String(it.diaSourceId)).sort() }).toEqual({
        duplicates: 0,
        ids: [...ids].sort(),
      })
      const older = new Set(units[0].map(({ diaSourceId }) => diaSourceId))
      for (const { diaSourceId, diaSource } of alerts)
        expect('exposureTime' in diaSource, String(diaSourceId)).toBe(!older.has(diaSourceId))
    })

    it('the archive has the bytes of each and both schemas, by which each can be read', async () => {
      if (!('run' in python)) return
      const objects = await archived(packets)
      expect([...objects.keys()].filter(key => key.startsWith('v2/schemas')).sort()).toEqual(
        [1100, 1101].map(schemaKey),
      )
      const stored = packets.map(packet => {
        const { diaSourceId } = reading.decode('lsst.v11_1.alert', packet)
        const object = gunzipSync(objects.get(packetKey(diaSourceId))!)
        expect(object.equals(packet), String(diaSourceId)).toBe(true)
        return {
          packet: object.toString('hex'),
          schema: JSON.parse(String(objects.get(schemaKey(schemaIdOf(object))))) as AvroSchema,
        }
      })
      const said = await python.run(AS_ARCHIVED, JSON.stringify(stored))
      const lines = units[1].flatMap((newer, i) => [
        `1101 ${newer.diaSourceId} True`,
        `1100 ${units[0][i]!.diaSourceId} False`,
      ])
      expect(said.trim().split('\n')).toEqual(lines)
    })
  },
)

const schemas = writerSchemas(services.registry.url)
const reading = codecWith(
  new Map([
    ['lsst.v11_1.alert', 1101],
    ['parked', 1],
  ]),
  schemas,
)

/** What the stage archive makes of these packets on one partition, with the schemas of the registry. */
async function archived(packets: readonly Buffer[]): Promise<ReadonlyMap<string, Buffer>> {
  const topology = promptTopology({ partitions: 4 })
  const broker = new MemoryBroker(Date.now)
  for (const spec of topicsOf(topology)) broker.createTopic(spec)
  const objects = new Map<string, Buffer>()
  const put = async (_: string, key: string, bytes: Uint8Array) => {
    objects.set(key, Buffer.from(bytes))
    return Promise.resolve({ size: bytes.length })
  }
  await new MemoryClient(broker, 'publish').produce(
    packets.map(value => ({ topic: alertStream.topic, partition: PARTITION, key: null, value })),
  )
  const effect = archive({ store: { put }, bucket: 'archive', schemas, putsConcurrency: 4, gatherMs: 0 })
  const running = await runStage({
    ...{ topology, stage: stageOf(topology, 'archive'), client: new MemoryClient(broker, 'archive'), codec: reading },
    ...{ app: 'test', implementation: { effect }, log: { debug() {}, info() {}, warn() {}, error() {} } },
    onFatal: error => expect.unreachable(error.message),
  })
  await vi.waitFor(() => expect(objects.size).toBe(packets.length + 2), { timeout: 10_000 })
  await running.stop()
  return objects
}
