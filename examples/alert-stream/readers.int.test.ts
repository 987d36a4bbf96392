import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { rubinPython } from '../../schemas/testing/python.ts'
import { eventually } from '../../streams/testing/reading.ts'
import { endAsFromAKeyboard, type Example, type Reader, readUntil, spawnReader } from './testing/reader.ts'
import { type AlertStream, openAlertStream, PARTITIONS, unitOf } from './testing/stream.ts'

/** The examples of docs/alert-stream.md, and what consumers do beyond them, on alerts of which some were aborted. */

const services = inject('services')
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined

const VISITS = { alone: 2026112100001n, dead: 2026112100002n, interleaved: [2026112100003n, 2026112100004n] as const }
const never = unitOf(VISITS.dead, 4)
const [first, second] = VISITS.interleaved.map(visit => unitOf(visit, 3))
const committed = [...unitOf(VISITS.alone, 40), ...first!, ...second!]
const idsOf = (alerts: readonly { readonly diaSourceId: bigint }[]) => alerts.map(it => String(it.diaSourceId)).sort()

let stream: AlertStream
let folder: string
/** Between the last alert of the first unit and all others. */
let afterFirstUnit: number
const running: ChildProcess[] = []

/**
 * Partition 1 has all that a publisher's death leaves: a unit that never came, two whose transactions were open at once and were aborted in the
 * other order, both sent again, and one that somebody has asked for once more. It ends in alerts that are new: who has seen them has seen it all.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pp-examples-'))
  stream = await openAlertStream(services)
  const alone = committed.slice(0, 40)
  for (const partition of Array(PARTITIONS).keys())
    await stream.commit(partition, alone.slice(10 * partition, 10 * partition + 10))
  await sleep(20)
  afterFirstUnit = Date.now()
  await (await stream.leaveOpen(1, never)).abort()
  const [one, other] = [await stream.leaveOpen(1, first!), await stream.leaveOpen(1, second!)]
  await other.abort()
  await one.abort()
  await stream.commit(1, first!)
  await stream.commit(1, first!, { rebroadcast: JSON.stringify({ reason: 'somebody lost them' }) })
  await stream.commit(1, second!)
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await stream.close()
  await rm(folder, { recursive: true, force: true })
})

const startReader = (which: Example, group: string, more: readonly string[] = []): Reader => {
  const reader = spawnReader({ which, topic: stream.topic, group, more, services, python })
  running.push(reader.child)
  return reader
}

const one = committed[0]!
const oneLine = (id: bigint) => `${id}  object ${id}  MJD 61365.10000  30.00100 -20.00000  r  1000 nJy  0 earlier`

const example = async (which: Example) => {
  const stamps = join(folder, which)
  const reader = startReader(which, which, ['--cutouts', stamps])
  const { ids, lines } = await readUntil(reader, committed.length)
  expect(ids.sort()).toEqual(idsOf(committed))
  expect(lines).toContain(oneLine(one.diaSourceId))
  expect(await readdir(stamps)).toHaveLength(3 * committed.length)
  const saved = await readFile(join(stamps, `${one.diaSourceId}-cutoutScience.fits`))
  expect(saved.equals(one.cutoutScience!)).toBe(true)
}

it('the example in TypeScript sees every committed alert once and no aborted one, and saves its stamps', () =>
  example('reader.ts'))

describe.skipIf(missing !== undefined)(`in Python${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  it('the example sees every committed alert once and no aborted one, and saves its stamps', () => example('reader.py'))

  it('and would see what was never sent if it did not ask for what is committed', async () => {
    const reader = startReader('reader.py', 'uncommitted', ['--set', 'isolation.level=read_uncommitted'])
    const { ids } = await readUntil(reader, committed.length + never.length)
    expect(ids.sort()).toEqual(idsOf([...committed, ...never]))
  })

  it('five bytes and a number can be read by hand, in few large fetches, and from a point in time on', async () => {
    if (!('run' in python)) return
    const ask = { brokers: services.kafka.brokers.join(','), topic: stream.topic, since: afterFirstUnit }
    const { all, later } = JSON.parse(await python.run(BY_HAND, JSON.stringify(ask))) as Record<'all' | 'later', Seen[]>
    const again = [...first!, ...first!, ...second!]
    expect(all.map(({ id }) => id).sort()).toEqual(idsOf([...committed, ...first!]))
    expect(later.map(({ id }) => id)).toEqual(again.map(({ diaSourceId }) => String(diaSourceId)))
    for (const { magic, schema, own, created, told } of all) {
      expect({ magic, schema, own, created }).toEqual({ magic: 0, schema: 1101, own: true, created: true })
      expect(Math.abs(Date.now() - told)).toBeLessThan(600_000)
    }
    expect(later.map(({ rebroadcast }) => rebroadcast)).toEqual(again.map((_, i) => i >= 3 && i < 6))
  })

  it('a group of four loses nothing when one of them is killed in the middle', async () => {
    const busy = await openAlertStream(services)
    try {
      const { victim, survivors, sent } = await killOneOfFour(busy)
      expect(victim.ids.length).toBeGreaterThan(0)
      const union = new Set([victim, ...survivors].flatMap(({ ids }) => ids))
      expect([...union].sort()).toEqual(sent)
      for (const { ids } of survivors) expect(ids.length).toBeGreaterThan(0)
    } finally {
      await busy.close()
    }
  })
})

/** What the parser by hand tells of a message. */
interface Seen {
  readonly id: string
  readonly magic: number
  readonly schema: number
  /** Whether the alert's id is its source's. */
  readonly own: boolean
  /** Whether the time stamp is the producer's. */
  readonly created: boolean
  /** `producer_timestamp`. */
  readonly told: number
  readonly rebroadcast: boolean
}

/** BOOM's and the archive's way: the frame is unpacked big-endian, and of the body only the first numbers are read. */
const BY_HAND = `
import json, struct, sys
from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_CREATE_TIME, Consumer, KafkaError, TopicPartition

ask = json.load(sys.stdin)
consumer = Consumer({
    'bootstrap.servers': ask['brokers'], 'group.id': 'by-hand', 'isolation.level': 'read_committed', 'enable.auto.commit': False,
    'enable.partition.eof': True, 'fetch.min.bytes': 10485760, 'fetch.wait.max.ms': 300, 'max.partition.fetch.bytes': 4194304,
})

def number(data, at):
    "A zigzag number of Avro: seven bits a byte, the lowest first."
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128: return (value >> 1) ^ -(value & 1), at

def parse(message):
    data, headers = message.value(), dict(message.headers())
    magic, schema = struct.unpack_from('>bi', data)
    id, at = number(data, 5)
    for _ in ('observation_reason', 'target_name'):
        branch, at = number(data, at)
        if branch == 1:
            length, at = number(data, at)
            at += length
    own, at = number(data, at)
    return {
        'id': str(id), 'magic': magic, 'schema': schema, 'own': own == id, 'told': float(headers['producer_timestamp']),
        'created': message.timestamp()[0] == TIMESTAMP_CREATE_TIME, 'rebroadcast': 'rebroadcast' in headers,
    }

def read(places):
    consumer.assign(places)
    seen, ended = [], set()
    while len(ended) < len(places):
        message = consumer.poll(30)
        if message is None: sys.exit('the brokers are silent')
        if not message.error(): seen.append(parse(message))
        elif message.error().code() == KafkaError._PARTITION_EOF: ended.add(message.partition())
        else: sys.exit(str(message.error()))
    return seen

partitions = consumer.list_topics(ask['topic'], 10).topics[ask['topic']].partitions
since = consumer.offsets_for_times([TopicPartition(ask['topic'], p, ask['since']) for p in partitions], 10)
print(json.dumps({'all': read([TopicPartition(ask['topic'], p, OFFSET_BEGINNING) for p in partitions]), 'later': read(since)}))
consumer.close()
`

/** Four members share the partitions of a stream that goes on; one is killed after its first alerts. */
async function killOneOfFour(busy: AlertStream) {
  const quick = ['--topic', busy.topic, '--set', 'session.timeout.ms=2000', '--set', 'heartbeat.interval.ms=300']
  const members = Array.from({ length: 4 }, () => startReader('reader.py', 'four', quick))
  const [victim, ...survivors] = members as [Reader, ...Reader[]]
  const sent: string[] = []
  const sendOn = async (visit: bigint) => {
    for (const partition of Array(PARTITIONS).keys()) {
      const unit = unitOf(visit * BigInt(PARTITIONS) + BigInt(partition) + 2026112200000n, 2)
      await busy.commit(partition, unit)
      sent.push(...idsOf(unit))
    }
    await sleep(30)
  }
  let visit = 0n
  await eventually(
    async () => (await sendOn(visit++), members.every(({ ids }) => ids.length > 0)),
    () => `alerts for every member: ${members.map(({ ids }) => ids.length).join(', ')}`,
    30_000,
  )
  victim.child.kill('SIGKILL')
  await victim.ended
  for (let more = 0; more < 20; more++) await sendOn(visit++)
  const seen = () => new Set(members.flatMap(({ ids }) => ids)).size
  await eventually(
    () => seen() === sent.length,
    () => `${seen()} of ${sent.length} alerts`,
    30_000,
  )
  await Promise.all(survivors.map(endAsFromAKeyboard))
  return { victim, survivors, sent: sent.sort() }
}
