import { setTimeout as sleep } from 'node:timers/promises'
import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { unitsSummary, type UnitSummary } from '../../sinks/ledger/summary.ts'
import { ephemeridesFile, ephemeridesKey } from '../../pipeline/worker/ephemerides.ts'
import { type ObjectStore, openObjectStore } from '../../sinks/objects/s3.ts'
import type { Querier } from '../../sinks/postgres/pool.ts'
import type { Config } from '../../streams/main/config.ts'
import { centralRepository, filesInRepository } from '../night/central-repository.ts'
import { expectedOf } from '../night/adversity/expected.ts'
import { mannerOf, type SentPoison } from '../night/adversity/manner.ts'
import type { Adversity } from '../night/adversity/plan.ts'
import { ephemeridesOf } from '../night/bodies.ts'
import { connectSummit } from '../night/kafka-world.ts'
import type { NightPlan } from '../night/plan.ts'
import { type PlayedRaw, playNight } from '../night/play.ts'
import { type RenderedNight, renderNight } from '../night/render.ts'
import type { Detection } from '../night/score.ts'
import type { SeenBody } from '../night/score-bodies.ts'
import { packedDesignation } from '../../topology/ss-object-id.ts'
import { expectedUnits, unaccountedUnits } from './account.ts'
import type { System } from './system.ts'

/** Calibrations and templates into the central repository; the night's pixels into memory. */
export async function prepare(
  config: Config,
  plan: NightPlan,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<RenderedNight> {
  await fillRepository(config, plan, say, signal)
  return renderNight(plan, (rendered, of) => say(`raws rendered: ${rendered} of ${of}`), signal)
}

export async function fillRepository(
  { s3 }: Pick<Config, 's3'>,
  plan: NightPlan,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const store = openObjectStore(s3)
  let done = 0
  for (const { key, bytes } of centralRepository(plan)) {
    await store.put(s3.centralBucket, key, bytes)
    say(`central repository: ${++done} of ${filesInRepository(plan)}, ${key}`)
    signal.throwIfAborted()
  }
  store.close()
}

export interface Observation {
  readonly system: Pick<System, 'config' | 'failure'>
  readonly plan: NightPlan
  readonly rendered: RenderedNight
  readonly pool: Querier
  readonly say: (line: string) => void
  readonly signal: AbortSignal
  /** Units that must have ended; those of the plan where it is not said. */
  readonly expected?: readonly string[]
  /** What goes wrong on purpose. */
  readonly adversity?: Adversity
  /** Kills whoever takes up this unit, once: for a night on which a worker dies. */
  readonly killHolder?: (unit: string) => Killer
  /** How long nothing may end, after the last raw, seconds; usually a window's deadline and what a unit takes on a loaded machine. */
  readonly patienceSeconds?: number
  /** How often the observatory tries to write to brokers that do not answer; once where it is not said. */
  readonly tries?: number
  /** The observatory's clock is ahead by this. */
  readonly aheadSeconds?: number
  /** The store itself announces what it stores: then nobody else does. */
  readonly isAnnouncedByStore?: boolean
}

export interface Observed {
  readonly raws: readonly PlayedRaw[]
  readonly units: readonly UnitSummary[]
  /** What was sent that must be parked. */
  readonly poison: readonly SentPoison[]
  /** Units that a worker process held when it was killed for the sake of another one. */
  readonly bystanders: readonly string[]
}

const PATIENCE_S = 90

/** Plays the night and waits for the end of every unit; gives what patience allowed when one does not end. */
export async function observe(observation: Observation): Promise<Observed> {
  const { system, plan, rendered, pool, say, signal, adversity, killHolder } = observation
  const { kafka, registry, s3 } = system.config
  const store = openObjectStore(s3)
  const { tries, patienceSeconds = PATIENCE_S } = observation
  const summit = await connectSummit({ brokers: kafka.brokers, registry: registry.url, ...(tries && { tries }) })
  const failed = new AbortController()
  void system.failure.then(sentence => failed.abort(new Error(sentence)))
  const both = AbortSignal.any([signal, failed.signal])
  const { aheadSeconds = 0 } = observation
  const announce = async (visit: LogeventNextVisit) => {
    await putEphemerides(store, s3.centralBucket, plan, visit)
    await summit.announce(stampedLater(visit, aheadSeconds))
  }
  const notify = observation.isAnnouncedByStore ? async () => {} : summit.notify
  const turn = turns(AT_A_TIME)
  const putObject = (key: string, bytes: Uint8Array) =>
    turn(async () => void (await store.put(s3.rawBucket, key, bytes)))
  const poison: SentPoison[] = []
  const { imageTimeoutSeconds } = system.config.decide
  // A bad object that we tell of ourselves is not put where the store would tell of it too: it would be parked twice.
  const putBad = observation.isAnnouncedByStore ? async () => {} : putObject
  const stage = { summit, putObject: putBad, imageTimeoutSeconds, bucket: s3.rawBucket, now: Date.now }
  const killers = doomedUnits(adversity, plan).map(unit => killHolder!(unit))
  try {
    const raws = await playNight({
      ...{ plan, rendered, bucket: s3.rawBucket, ports: { announce, notify, putObject }, signal: both },
      ...(adversity && { manner: mannerOf(adversity, plan, { ...stage, onPoison: it => poison.push(it) }) }),
      progress: event =>
        say(`visit ${event.visit.index + 1}: ${event.kind}${event.kind === 'raw' ? ` ${event.raw.key}` : ''}`),
    })
    const units = await untilEnded(pool, observation.expected ?? expectedUnits(plan), patienceSeconds, say, both)
    return { raws, units, poison, bystanders: await stopAll(killers) }
  } finally {
    await stopAll(killers)
      .finally(() => summit.close())
      .finally(() => store.close())
  }
}

/** The observatory's ephemeris service has its answer ready before it is asked. */
async function putEphemerides(
  store: Pick<ObjectStore, 'put'>,
  bucket: string,
  plan: NightPlan,
  { instrument, groupId }: LogeventNextVisit,
): Promise<void> {
  const visit = plan.visits.find(({ group }) => group === groupId)
  if (visit) await store.put(bucket, ephemeridesKey(instrument, groupId), ephemeridesFile(ephemeridesOf(plan, visit)))
}

const stampedLater = (visit: LogeventNextVisit, seconds: number): LogeventNextVisit => ({
  ...visit,
  private_sndStamp: visit.private_sndStamp + seconds,
  private_efdStamp: visit.private_efdStamp + seconds,
  private_kafkaStamp: visit.private_kafkaStamp + seconds,
})

/** Waits for all of them, also where one could not restart its worker; then that is told. */
async function stopAll(killers: readonly Killer[]): Promise<readonly string[]> {
  const ends = await Promise.allSettled(killers.map(killer => killer.stop()))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return ends.flatMap(end => (end.status === 'fulfilled' ? end.value : []))
}
interface Killer {
  /** Gives the other units that died with it. */
  stop(): Promise<readonly string[]>
}

/** Uploads at the same time: 189 from one process would only wait for their connections, and give up. */
const AT_A_TIME = 16

/** Runs what it is given, no more than `most` at a time, the others in turn. */
function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most
  const waiting: (() => void)[] = []
  return async work => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

/** Units whose worker is killed. */
const doomedUnits = (adversity: Adversity | undefined, plan: NightPlan): readonly string[] =>
  (adversity && expectedOf(adversity, plan)['worker-killed']) ?? []

/**
 * Polls the ledger until every expected unit has ended and the world was told of it, or none has for longer than patience. What was said
 * last is marked last: without it the newest latencies would be missing.
 */
async function untilEnded(
  pool: Querier,
  expected: readonly string[],
  patienceSeconds: number,
  say: (line: string) => void,
  signal: AbortSignal,
) {
  let patience = Date.now() + patienceSeconds * 1000
  let last = ''
  for (;;) {
    signal.throwIfAborted()
    const units = await unitsSummary(pool)
    const told = units.filter(({ publishedAt }) => publishedAt !== null)
    const open = unaccountedUnits(expected, told).length
    const line = `units ended and told: ${expected.length - open} of ${expected.length}`
    if (line !== last) {
      say(line)
      patience = Date.now() + patienceSeconds * 1000
    }
    last = line
    if (open === 0 || Date.now() > patience) return units
    await sleep(250)
  }
}

/** Every source that was taken for a known body. */
export async function seenBodies(pool: Querier): Promise<SeenBody[]> {
  const { rows } = await pool.query<Omit<SeenBody, 'name'> & { readonly id: bigint }>(
    `select visit, detector, ra, dec, b."ssObjectId" as id from "SSSource" b join "DiaSource" using ("diaSourceId")`,
  )
  return rows.map(({ id, ...row }) => ({ ...row, name: packedDesignation(id) }))
}

/** Every DiaSource, as the score wants it: signed, with its object. */
export async function detections(pool: Querier): Promise<Detection[]> {
  const { rows } = await pool.query<{
    visit: bigint
    detector: number
    ra: number
    dec: number
    snr: number
    negative: boolean
    object: bigint | null
  }>('select visit, detector, ra, dec, snr, "isNegative" as negative, "diaObjectId" as object from "DiaSource"')
  return rows.map(({ negative, snr, ...row }) => ({ ...row, snr: negative ? -Math.abs(snr) : Math.abs(snr) }))
}
