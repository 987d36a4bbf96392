import { setImmediate as turn } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Alert, Parked } from '../../schemas/avro/generated.ts'
import { codecWith, frame } from '../../schemas/codec.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { arbitraryOf } from '../../schemas/testing/arbitrary.ts'
import { MemoryBroker } from '../../streams/memory/broker.ts'
import { MemoryClient } from '../../streams/memory/client.ts'
import { runStage } from '../../streams/run-stage.ts'
import { topicsOf } from '../../topology/derive.ts'
import { stageOf } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { alerts, parked } from '../../topology/streams.ts'
import { event } from '../testing/builders.ts'
import { archive, packetKey, schemaKey, zipped } from './archive.ts'

const schema = wholeSchema('lsst.v11_1.alert')
const codec = codecWith(
  new Map([
    ['lsst.v11_1.alert', 1101],
    ['parked', 1],
  ]),
)
const ID = 170_055_002_004_914_266n
const packets = fc
  .sample(arbitraryOf(schema) as fc.Arbitrary<Alert>, { numRuns: 60, seed: 5 })
  .map((alert, i) => codec.encode('lsst.v11_1.alert', { ...alert, diaSourceId: ID + BigInt(i) }))
const packetEvent = (bytes: Buffer, diaSourceId: bigint, schemaId = 1101) =>
  event(alerts, '', { diaSourceId, schemaId, bytes })

/** A store that keeps what is put, and says how many puts were under way at once. */
function memoryStore(before: (key: string) => Promise<unknown> = turn) {
  const objects = new Map<string, Buffer>()
  const puts: string[] = []
  let [underWay, most] = [0, 0]
  const put = async (_: string, key: string, bytes: Uint8Array) => {
    most = Math.max(most, ++underWay)
    await before(key).finally(() => underWay--)
    puts.push(key)
    objects.set(key, Buffer.from(bytes))
    return { size: bytes.length }
  }
  return { store: { put }, objects, puts, most: () => most }
}
const schemas = { byId: async (id: number) => (id === 1101 ? schema : undefined) }
const options = { bucket: 'archive', schemas, putsConcurrency: 4, gatherMs: 0 }

describe('the archive of alerts', () => {
  it('has a packet under the first six digits of its id, gzipped as it was sent, after its schema', async () => {
    const { store, objects, puts } = memoryStore()
    await archive({ ...options, store })(packetEvent(packets[0]!, ID))
    expect(puts).toEqual(['v2/schemas/1101.json', `v2/alerts/170055/${ID}.avro.gz`])
    expect(JSON.parse(String(objects.get(schemaKey(1101))))).toEqual(schema)
    expect(gunzipSync(objects.get(packetKey(ID))!)).toEqual(packets[0])
  })

  it('writes the same bytes whenever it writes: no time stands in their head', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [now, later] = [
      await zipped(packets[1]!),
      await (vi.setSystemTime(Date.now() + 86_400_000), zipped(packets[1]!)),
    ]
    vi.useRealTimers()
    expect(later).toEqual(now)
    expect(now.readUInt32LE(4)).toBe(0)
  })

  it('writes few at a time, each once, and the schema once for all', async () => {
    // The first wait for one another, so that all that may be written at once is.
    let open!: () => void
    const gate = new Promise<void>(resolve => (open = resolve))
    let waiting = 0
    const { store, objects, puts, most } = memoryStore(async key => {
      if (key === schemaKey(1101)) return
      if (++waiting === 4) open()
      await gate
      await turn()
    })
    const stored: number[] = []
    const effect = archive({ ...options, store, onStored: packets => void stored.push(packets) })
    await Promise.all(packets.map((bytes, i) => effect(packetEvent(bytes, ID + BigInt(i)))))
    expect(most()).toBe(4)
    expect(objects.size).toBe(packets.length + 1)
    expect(puts).toHaveLength(packets.length + 1)
    expect(stored).toEqual([packets.length])
  })

  it('tells everybody of the batch where the store fails, after the puts under way, and can be called again', async () => {
    let fails = true
    const { store, objects } = memoryStore(async key => {
      await turn()
      if (fails && key === packetKey(ID + 2n)) throw new Error('the store does not answer')
    })
    const effect = archive({ ...options, store })
    const call = () =>
      Promise.allSettled(packets.slice(0, 9).map((bytes, i) => effect(packetEvent(bytes, ID + BigInt(i)))))
    expect((await call()).map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 'rejected'))
    fails = false
    expect((await call()).map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 'fulfilled'))
    expect(objects.size).toBe(10)
  })

  it('waits for a registry that lacks the schema, and refuses an id that is none', async () => {
    const { store, puts } = memoryStore()
    const effect = archive({ ...options, store })
    await expect(effect(packetEvent(packets[0]!, ID, 1200))).rejects.toThrow(/has no schema 1200/)
    await expect(effect(packetEvent(packets[0]!, 0n))).rejects.toMatchObject({ name: 'Rejection', code: 'no-alert-id' })
    expect(puts).toEqual([])
  })
})

describe('the stage', () => {
  const topology = promptTopology({ partitions: 2 })
  const stage = stageOf(topology, 'archive')
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 5_000, interval: 5 })

  function world() {
    const broker = new MemoryBroker(Date.now)
    for (const spec of topicsOf(topology)) broker.createTopic(spec)
    const start = async (client: MemoryClient, store: ReturnType<typeof memoryStore>['store']) =>
      runStage({
        ...{ topology, stage, client, codec, log, app: 'test' },
        implementation: { effect: archive({ ...options, store }) },
        options: { concurrency: 8, sessionTimeoutMs: 300 },
        onFatal: error => expect.unreachable(error.message),
      })
    const send = (values: readonly Buffer[]) =>
      new MemoryClient(broker, 'publish').produce(
        values.map((value, i) => ({ topic: alerts.topic, partition: i % 2, key: null, value })),
      )
    return { broker, start, send }
  }
  const keys = (ids: readonly number[]) => ids.map(i => packetKey(ID + BigInt(i))).sort()
  const stored = (objects: ReadonlyMap<string, Buffer>) =>
    [...objects.keys()].filter(it => it.startsWith('v2/alerts')).sort()

  it('goes on where a process died: every packet is there, and hardly one is written twice', async () => {
    const { broker, start, send } = world()
    await send(packets)
    let left = 25
    const held = memoryStore(async () => {
      if (left-- <= 0) await new Promise(() => undefined)
    })
    const dying = new MemoryClient(broker, 'first')
    await start(dying, held.store)
    await eventually(() => expect(left).toBeLessThan(0))
    dying.crash()
    const before = stored(held.objects).length
    const next = memoryStore()
    const running = await start(new MemoryClient(broker, 'second'), next.store)
    await eventually(() =>
      expect(new Set([...stored(held.objects), ...stored(next.objects)]).size).toBe(packets.length),
    )
    await running.stop()
    expect(before).toBeGreaterThan(8)
    // Read again is what was in hand: a batch of either task.
    expect(stored(next.objects).length).toBeLessThanOrEqual(packets.length - before + 2 * 8)
  })

  it('parks what cannot be read, with its place and its bytes, and goes on', async () => {
    const { broker, start, send } = world()
    const bad = [frame(1101, Buffer.from('no alert')), Buffer.from('not framed')]
    await send([packets[0]!, bad[0]!, packets[1]!, packets[2]!, bad[1]!, packets[3]!])
    const { store, objects } = memoryStore()
    const running = await start(new MemoryClient(broker, 'one'), store)
    const refused = () =>
      [0, 1]
        .flatMap(partition => broker.committedRecords({ topic: parked.topic, partition }))
        .map(({ value }): Parked => codec.decode('parked', value!))
    await eventually(() => expect(refused()).toHaveLength(2))
    await running.stop()
    expect(stored(objects)).toEqual(keys([0, 1, 2, 3]))
    const places = refused().map(({ stage: by, topic, partition, offset, code, recordValue }) => ({
      ...{ by, topic, partition, offset, code, bytes: recordValue!.toString('hex') },
    }))
    const common = { by: 'archive', topic: alerts.topic, code: 'undecodable' }
    expect(places).toEqual(
      expect.arrayContaining([
        { ...common, partition: 1, offset: 0n, bytes: bad[0]!.toString('hex') },
        { ...common, partition: 0, offset: 2n, bytes: bad[1]!.toString('hex') },
      ]),
    )
  })
})
