import { defaultRules, type LedgerRules } from '../../sinks/ledger/leases.ts'
import { ALERT_RETENTION_MS } from '../../topology/streams.ts'

/** A knob: where it has no default it must be given. `secret` knobs are never printed. */
export interface Knob {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array'
  readonly description: string
  readonly default?: unknown
  readonly secret?: true
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly items?: { readonly type: 'string'; readonly minLength?: number }
  readonly minItems?: number
}
export interface Section {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly default: Readonly<Record<string, never>>
  readonly properties: Readonly<Record<string, Knob | Section>>
  readonly required: readonly string[]
}

/** A section refuses unknown names, so that a misspelt knob is an error and not a silent default. */
export const section = (properties: Section['properties']): Section => ({
  type: 'object',
  additionalProperties: false,
  default: {},
  properties,
  required: Object.keys(properties),
})

const text = (description: string, more: Partial<Knob> = {}): Knob => ({
  type: 'string',
  minLength: 1,
  description,
  ...more,
})
const ms = (value: number, description: string, minimum = 1): Knob => ({
  type: 'integer',
  minimum,
  default: value,
  description,
})
const count = (value: number, description: string, minimum = 1): Knob => ms(value, description, minimum)

/** Every knob of every process, in one place (JSON Schema). What the steps decide by is `decide`: topology/settings.ts. */
export const infrastructure = {
  app: text('Prefix of consumer groups and transactional ids; fixed for the life of the state.', {
    default: 'pp',
    pattern: '^[a-z][a-z0-9-]*$',
  }),
  logLevel: text('Least severe level that is logged.', { default: 'info', enum: ['debug', 'info', 'warn', 'error'] }),
  deployment: text('Names code and configuration in the run of every product.', {
    default: 'development',
    pattern: '^[A-Za-z0-9._-]+$',
  }),
  kafka: section({
    brokers: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      minItems: 1,
      description: 'host:port of some brokers.',
    },
    ssl: { type: 'boolean', default: false, description: 'Whether to speak TLS; certificates are always verified.' },
    username: { type: 'string', default: '', description: 'SCRAM-SHA-512 user; empty means no authentication.' },
    password: { type: 'string', default: '', secret: true, description: 'SCRAM-SHA-512 password.' },
    partitions: count(6, 'Partitions of every joined stream; fixed for the life of the state.'),
    alertRetentionMs: ms(
      ALERT_RETENTION_MS,
      'How long the public alert stream is kept, when its topic is made; later by the tools of Kafka.',
      3_600_000,
    ),
    minInsyncReplicas: count(1, 'Copies that must acknowledge a write; 2 in production.'),
    sessionTimeoutMs: ms(6000, 'Silence after which a member is dead and others take its tasks.', 1000),
  }),
  registry: section({
    url: text('Confluent-compatible schema registry, for example http://registry:8080/apis/ccompat/v7.', {
      pattern: '^https?://',
    }),
  }),
  s3: section({
    endpoint: text('S3 endpoint, path style.', { pattern: '^https?://' }),
    region: text('Region to sign for.', { default: 'us-east-1' }),
    accessKeyId: text('Access key.', { secret: true }),
    secretAccessKey: text('Secret of the access key.', { secret: true }),
    rawBucket: text('Where raws arrive.', { default: 'rubin-summit' }),
    centralBucket: text('Central repository: calibrations and templates in, products and cutouts out.', {
      default: 'central',
    }),
    alertBucket: text('Archive of alerts: every packet that was sent, and the schemas.', { default: 'alert-archive' }),
  }),
  postgres: section({
    url: text('APDB, ledger and outbox: one database.', { secret: true, pattern: '^postgres(ql)?://' }),
    directUrl: text(
      'The same database past the pooler that url leads to, for hints and migrations; empty: url is direct.',
      {
        ...{ secret: true, minLength: 0, default: '', pattern: '^(postgres(ql)?://.*)?$' },
      },
    ),
    poolSize: count(8, 'Connections per process.'),
  }),
  metrics: section({
    port: { ...count(0, 'Where /metrics, /livez and /readyz are served; 0: nowhere.', 0), maximum: 65_535 },
    host: text('The address to serve them at; 0.0.0.0 is every one.', { default: '127.0.0.1' }),
  }),
  clock: section({
    periodMs: ms(1000, 'One tick this often.'),
    epsilonMs: ms(1000, "A tick says a time this much before now: brokers' clocks differ, and appends take time.", 0),
  }),
  runtime: section({
    commitRecords: count(500, 'Records after which a commit is due at once.'),
    watermarkCommitMs: ms(
      500,
      'A commit that moves only watermarks may wait this long; ten times as long in a stage that forwards none.',
    ),
    effectConcurrency: count(16, 'Records of one task that an effect handles at the same time.'),
    maxHeld: count(1000, 'Records of one task that are taken and not committable yet; the intake waits beyond.'),
  }),
  raws: section({
    sidecarTries: count(21, 'How often an absent sidecar is looked for.'),
    sidecarPauseMs: ms(100, 'Between two looks.'),
    silenceSeconds: count(
      60,
      'Notifications must be silent for this long before the bucket is searched for objects that nobody told of; the alarm is repeated as often while more appear.',
    ),
    silenceToleranceMs: ms(
      10_000,
      'An object counts as not told of when it is this much younger than the last notification, and this old: clocks differ, and notifications take their time.',
      0,
    ),
  }),
  archive: section({
    putsConcurrency: count(8, 'Packets that a process writes to the archive of alerts at the same time.'),
    packetsConcurrency: count(64, 'Packets that one of its tasks has in hand, some 100 kB each.'),
    gatherMs: ms(
      1000,
      'After a pause so long is waited for more packets: the archive is written in batches, after the fact.',
      0,
    ),
  }),
  worker: section({
    pollMs: ms(500, 'How often the ledger is asked when nothing wakes the worker.'),
    heartbeatMs: ms(5000, 'How often a lease is extended.'),
    deadlineMs: ms(900_000, 'The pipeline is stopped after this, and the unit given back.'),
    drainMs: ms(
      30_000,
      'On SIGTERM the unit in hand may still take this long; then it is given back for somebody else.',
      0,
    ),
    maxUnits: count(
      0,
      'A worker ends, with 0 and between units, after this many; 0: never. Whoever runs it starts a new one.',
      0,
    ),
    slots: count(
      1,
      'Units that a process runs at a time: it reads one and stores another while its threads compute. More than threads wait in it although another process may be free.',
    ),
    threads: count(1, 'Pipelines that compute at a time in a process: as many as it has processors.'),
    rehearsals: count(
      3,
      'Before it asks for real units, each thread of a worker runs an artificial one so often, products stored and read back; 0: never.',
      0,
    ),
    paddingArcsec: {
      type: 'number',
      minimum: 0,
      default: 30,
      description: 'The preloaded region is this much wider on every side.',
    },
    ephemerisTimeoutMs: ms(
      10_000,
      'Ephemerides of a visit that do not come within this are done without: known bodies of the solar system then count as new objects. 0: they are not asked for.',
      0,
    ),
    calibrationCache: count(8, 'Calibrations kept in memory.'),
    recording: {
      type: 'string',
      default: '',
      description:
        'For load tests: key in the central bucket of a recorded result that every unit is answered with (deployment must begin with load-test); empty: the pipeline runs.',
    },
    recordingMs: ms(200, 'How long a recorded answer pretends to take.', 0),
  }),
  ledger: section({
    leaseSeconds: count(
      defaultRules.leaseSeconds,
      'A lease without heartbeat lasts this long: at least four heartbeats, and four sweeps. Half of it without a sweep counts as a downtime.',
    ),
    reportedSeconds: count(
      defaultRules.reportedSeconds,
      'A reported unit that is not committed after this is run again.',
    ),
    preloadSeconds: count(defaultRules.preloadSeconds, 'A preload claim without renewal lasts this long.'),
    maxTries: count(defaultRules.maxTries, 'Leases of one attempt before the unit fails.'),
    stalenessSeconds: count(
      defaultRules.stalenessSeconds,
      'A live unit whose deadline is this long ago is not started: it is expired or deferred to the day.',
    ),
    backOffSeconds: count(
      defaultRules.backOffSeconds,
      'Shortest wait before the second try; doubled for each one after, and up to half as long again by chance.',
    ),
    sweepMs: ms(1000, 'How often the ledger is swept.'),
  }),
} as const

/** The values those knobs take. */
export interface Infrastructure {
  readonly app: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly deployment: string
  readonly kafka: {
    readonly brokers: readonly string[]
    readonly ssl: boolean
    readonly username: string
    readonly password: string
    readonly partitions: number
    readonly alertRetentionMs: number
    readonly minInsyncReplicas: number
    readonly sessionTimeoutMs: number
  }
  readonly registry: { readonly url: string }
  readonly s3: {
    readonly endpoint: string
    readonly region: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly rawBucket: string
    readonly centralBucket: string
    readonly alertBucket: string
  }
  readonly postgres: { readonly url: string; readonly directUrl: string; readonly poolSize: number }
  readonly metrics: { readonly host: string; readonly port: number }
  readonly clock: Numbers<'periodMs' | 'epsilonMs'>
  readonly runtime: Numbers<'commitRecords' | 'watermarkCommitMs' | 'effectConcurrency' | 'maxHeld'>
  readonly raws: Numbers<'sidecarTries' | 'sidecarPauseMs' | 'silenceSeconds' | 'silenceToleranceMs'>
  readonly archive: Numbers<'putsConcurrency' | 'packetsConcurrency' | 'gatherMs'>
  readonly worker: { readonly recording: string } & Numbers<
    | 'pollMs'
    | 'heartbeatMs'
    | 'deadlineMs'
    | 'drainMs'
    | 'maxUnits'
    | 'slots'
    | 'threads'
    | 'rehearsals'
    | 'paddingArcsec'
    | 'ephemerisTimeoutMs'
    | 'calibrationCache'
    | 'recordingMs'
  >
  readonly ledger: LedgerRules & Numbers<'sweepMs'>
}
type Numbers<K extends string> = Readonly<Record<K, number>>
