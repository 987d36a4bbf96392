import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { avroType, schemaIdOf } from '../../schemas/codec.ts'
import { openObjectStore, type S3Options } from '../../sinks/objects/s3.ts'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { Querier } from '../../sinks/postgres/pool.ts'
import { at, type LogClient } from '../../streams/log-client.ts'
import { partitionsOfTopic, readCommitted } from '../../streams/read-topic.ts'
import { isJournaled, journalOf } from '../../topology/model/names.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { alerts, detectorResult } from '../../topology/streams.ts'
import { unitOf } from '../demo/outside.ts'
import { fetchKafka } from '../services/processes/artifacts.ts'
import { java } from '../services/processes/java.ts'
import { kafkaClassPath } from '../services/processes/kafka.ts'
import { archiveFaults } from './archived.ts'
import type { Bench } from './bench.ts'

/** Where the database and what the world was told are not the same: `alerts` and `results` say how often each was read. */
export const disagreements = (
  stored: ReadonlySet<bigint>,
  ended: readonly string[],
  alerts: ReadonlyMap<bigint, number>,
  results: ReadonlyMap<string, number>,
): string[] => [
  ...several(missing(stored, alerts), 'DiaSources without alert'),
  ...several(missing(ended, results), 'units that ended and were not told of'),
  ...several(missing(alerts.keys(), stored), 'alerts of no DiaSource'),
  ...several(repeated(alerts), 'alerts sent more than once'),
  ...several(repeated(results), 'attempts told of more than once'),
]

/** Of the commits of one journal, in order, those whose number does not follow: after compaction some are missing, and none goes back. */
export const broken = (seqs: readonly number[], before: number, isCompacted: boolean): number[] =>
  seqs.filter((seq, i) => {
    const last = seqs[i - 1] ?? before
    return isCompacted ? seq <= last : seq !== last + 1
  })

/** What is looked at. */
type Eyes = Pick<Bench, 'pool' | 'client' | 'addresses'> & { readonly system: Pick<Bench['system'], 'config'> }

/**
 * Reads what the world is told with a client that is not ours, Kafka's own console consumer, read-committed, and keeps what it has read, so
 * that each record is read once in the life of a bench. Holds it against the database's own words, by SQL.
 */
export class Checker {
  readonly #brokers: string
  /** How often an alert was read, by its id. */
  readonly #alerts = new Map<bigint, number>()
  /** How often an attempt of a unit was told of. */
  readonly #results = new Map<string, number>()
  /** By "topic/partition": the last commit's number, and where to read on. */
  readonly #journals = new Map<string, { readonly seq: number; readonly next: bigint }>()
  /** Whether old commits may have been cleaned away. */
  isCompacted = false

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers.join(',')
  }

  /** Sentences about all that must not be, on any night so far; `units` are those of the last one, which should all have ended. */
  async faults({ pool, client, addresses, system }: Eyes, units: readonly UnitSummary[]): Promise<string[]> {
    const { rows } = await pool.query<{ id: bigint }>('select "diaSourceId" as id from "DiaSource"')
    const stored = new Set(rows.map(({ id }) => id))
    const told = units.filter(({ terminal }) => terminal !== null).map(it => `${it.unit} attempt ${it.attempt}`)
    await Promise.all([
      this.#readAlerts(() => missing(stored, this.#alerts).length === 0),
      this.#readResults(() => missing(told, this.#results).length === 0),
    ])
    return [
      ...disagreements(stored, told, this.#alerts, this.#results),
      ...several(await torn(pool), 'units with rows of several leases, or not as many as the ledger says'),
      ...several(await this.#brokenJournals(client), 'breaks in journals'),
      ...(await archiveSentences(addresses.s3, system.config.s3.alertBucket, stored)),
    ]
  }

  #readAlerts(isWhole: () => boolean): Promise<void> {
    const { decode } = avroType('lsst.v11_1.alert')
    return this.#read(alerts.topic, isWhole, body => count(this.#alerts, decode(body).diaSourceId))
  }

  #readResults(isWhole: () => boolean): Promise<void> {
    const { decode } = avroType('detector-result')
    return this.#read(detectorResult.topic, isWhole, body => {
      const result = decode(body)
      count(this.#results, `${unitOf(result)} attempt ${result.attempt}`)
    })
  }

  async #brokenJournals(client: LogClient): Promise<string[]> {
    const topics = promptTopology()
      .stages.filter(isJournaled)
      .map(({ name }) => journalOf(name))
    const partitions = (await Promise.all(topics.map(topic => partitionsOfTopic(client, topic)))).flat()
    const known = (tp: string) => this.#journals.get(tp) ?? { seq: 0, next: 0n }
    const from = new Map(partitions.map(tp => [at(tp), known(at(tp)).next]))
    const commits = new Map<string, number[]>()
    for (const { key, value, offset, ...tp } of await readCommitted(client, partitions, { from })) {
      const seqs = commits.get(at(tp)) ?? commits.set(at(tp), []).get(at(tp))!
      if (String(key) === '__c') seqs.push((JSON.parse(String(value)) as { seq: number }).seq)
      this.#journals.set(at(tp), { ...known(at(tp)), next: offset + 1n })
    }
    return [...commits].flatMap(([tp, seqs]) => {
      const { seq, next } = known(tp)
      this.#journals.set(tp, { seq: seqs.at(-1) ?? seq, next })
      return broken(seqs, seq, this.isCompacted).map(number => `${tp}: commit ${number}`)
    })
  }

  /**
   * Gives each new record's body, past the framing, until all is there and nothing more has come for a while, or nothing has come for long.
   * The group's offsets, which the consumer commits at its end, say what is new.
   */
  async #read(topic: string, isWhole: () => boolean, hear: (body: Buffer) => void): Promise<void> {
    const consumer = await consoleConsumer([
      ...['--bootstrap-server', this.#brokers, '--topic', topic, '--group', `checker-${topic}`],
      ...['--from-beginning', '--isolation-level', 'read_committed'],
      ...['--formatter-property', `value.deserializer=${BYTES}`],
    ])
    const said: string[] = []
    consumer.stderr.on('data', chunk => said.push(String(chunk)))
    const gone = new Promise(resolve => consumer.once('close', resolve))
    let read = 0
    let last = Date.now()
    const watch = setInterval(() => {
      const quietMs = Date.now() - last
      if (quietMs > PATIENCE_MS || (read > 0 && quietMs > QUIET_MS && isWhole())) consumer.kill('SIGTERM')
    }, 200)
    for await (const line of createInterface(consumer.stdout)) {
      read++
      // A watermark is empty, and comes all the time.
      if (line === 'null' || line === '') continue
      last = Date.now()
      const value = unescaped(line)
      schemaIdOf(value)
      hear(value.subarray(5))
    }
    clearInterval(watch)
    await gone
    // It says so itself at its end: without that it has not given, or not committed, all that it had.
    if (!said.join('').includes(`Processed a total of ${read} messages`))
      throw new Error(`Kafka's console consumer ended after ${read} records of ${topic}: ${said.join('')}`)
  }
}

/** What is wrong with the archive of alerts; the store is asked past its proxy. */
async function archiveSentences(s3: S3Options, bucket: string, stored: ReadonlySet<bigint>): Promise<string[]> {
  const store = openObjectStore(s3)
  try {
    const { missing, strange } = await archiveFaults(store, bucket, stored)
    return [
      ...several(missing, 'DiaSources whose packet is not in the archive'),
      ...several(strange, 'packets in the archive of no DiaSource'),
    ]
  } finally {
    store.close()
  }
}

async function consoleConsumer(args: readonly string[]) {
  const kafka = await fetchKafka(() => {})
  const logging = ['-Dlog4j2.statusLoggerLevel=OFF', '-Dorg.apache.logging.log4j.level=OFF']
  const small = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx200m']
  const tool = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
  const consumer = spawn(java, [...logging, ...small, '-cp', kafkaClassPath(kafka), tool, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const orphaned = () => consumer.kill('SIGKILL')
  process.once('exit', orphaned)
  consumer.once('close', () => process.off('exit', orphaned))
  return consumer
}

const QUIET_MS = 1500
const PATIENCE_MS = 60_000
const BYTES = 'org.apache.kafka.common.serialization.BytesDeserializer'

/** As Kafka's `Bytes` prints itself: what is no plain character is \\xNN. */
function unescaped(line: string): Buffer {
  return Buffer.from(
    line.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
}

/** Units whose rows are not all of one attempt and one lease, or not as many as the ledger says. */
async function torn(db: Querier): Promise<string[]> {
  const { rows } = await db.query<{ unit: string }>(
    `select u.key as unit from unit u left join dia_source_provenance p on p.unit = u.key
     group by u.key, u.dia_sources
     having count(distinct (p.attempt, p.epoch)) filter (where p.unit is not null) > 1 or count(p.unit) <> u.dia_sources`,
  )
  return rows.map(({ unit }) => unit)
}

const missing = <T>(wanted: Iterable<T>, found: { has(it: T): boolean }): T[] =>
  [...wanted].filter(it => !found.has(it))
const repeated = <T>(times: ReadonlyMap<T, number>): T[] => [...times].flatMap(([it, n]) => (n > 1 ? [it] : []))
const count = <T>(times: Map<T, number>, it: T): void => void times.set(it, (times.get(it) ?? 0) + 1)

/** One sentence for all of a kind, with the first few. */
const several = (found: readonly unknown[], what: string): string[] =>
  found.length === 0 ? [] : [`${found.length} ${what}: ${found.slice(0, 3).map(String).join(', ')}`]
