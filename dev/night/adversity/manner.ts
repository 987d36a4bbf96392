import type { Instant } from '../../../topology/model/time.ts'
import type { Sent, Summit } from '../kafka-world.ts'
import type { NightPlan, VisitPlan } from '../plan.ts'
import { arrive, type Manner, type NightPorts, type RawInHand, type VisitInHand } from '../play.ts'
import type { Adversity } from './plan.ts'
import { cancellationOf, maskOrder, poisons, unparsableRecord } from './poison.ts'
import type { ParkedFate, UnitFate } from './switches.ts'

/** What the adversity of a night needs of the world. */
export interface Stage {
  readonly summit: Summit
  readonly bucket: string
  readonly putObject: NightPorts['putObject']
  readonly now: () => Instant
  /** How long after twice the script's duration the windows close: what the system under test is told. */
  readonly imageTimeoutSeconds: number
  /** Hears of each record that must be parked, once it is written. */
  readonly onPoison: (poison: SentPoison) => void
}

export interface SentPoison extends Sent {
  readonly fate: ParkedFate
  readonly what: string
  readonly code: string
}

/** How long after its deadline a late raw comes, and after its announcement a visit is cancelled, ms. */
const LATE_MS = 2000
const CANCELLED_MS = 1500
/** How long a mask holds on after the announcement that it is for, ms. */
const MASKED_MS = 5
/** Between a raw and the same one sent again, ms. */
const RESENT_MS = 1000

/** As an interrupted transfer leaves a file. */
const firstHalf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.floor(bytes.length / 2))

/** The night as the adversity has it: each fate is one line of `scripts`, and what befalls visits is in `announce`. */
export function mannerOf(adversity: Adversity, plan: NightPlan, stage: Stage): Manner {
  const fates = new Map(adversity.units.map(({ fate, visit, detector }) => [`${visit}/${detector}`, fate]))
  const fateOf = ({ index }: VisitPlan, detector: number) => fates.get(`${index}/${detector}`)
  const scripts = scriptsFor(stage)
  const inTurn = turns()
  return {
    isEarly: (visit, detector) => fateOf(visit, detector) === 'early-raw',
    deliver: raw => {
      const fate = fateOf(raw.visit, raw.detector)
      if (fate && scripts[fate]) return scripts[fate](raw)
      // Two snaps that both wait for a broker to come back keep their order: to reverse it is a fate of its own.
      return inTurn(`${raw.visit.index}/${raw.detector}`, () => arrive(raw))
    },
    announce: (it, send) => announce(adversity, plan, stage, it, send, inTurn),
  }
}

/** Does the works of one name one after the other, in the order in which they were given; one that fails is over, too. */
function turns() {
  const last = new Map<string, Promise<unknown>>()
  return (name: string, work: () => Promise<void>): Promise<void> => {
    const mine = (last.get(name) ?? Promise.resolve()).catch(() => undefined).then(work)
    last.set(name, mine)
    return mine
  }
}

type Script = (raw: RawInHand) => Promise<void>

/** What a fate makes of a raw's arrival; those that are not here concern others than the raw. */
function scriptsFor({ bucket, now, imageTimeoutSeconds }: Stage): Partial<Record<UnitFate, Script>> {
  const overtaken = new Map<string, RawInHand>()
  return {
    'lost-notification': async ({ sidecar, image }) => {
      await sidecar.put()
      await image.put()
    },
    'no-raw': async () => {},
    'late-raw': async raw => {
      await raw.until(raw.announcedAt + 1000 * (2 * raw.visit.duration + imageTimeoutSeconds) + LATE_MS)
      await arrive(raw)
    },
    'duplicate-notification': async raw => {
      await arrive(raw)
      await raw.image.notify()
    },
    'resent-object': async raw => {
      await arrive(raw)
      await raw.until(now() + RESENT_MS)
      await arrive(raw)
    },
    'corrupt-raw': async ({ sidecar, image }) => {
      await sidecar.put()
      await sidecar.notify()
      await image.put(firstHalf)
      await image.notify()
    },
    'bad-company': async ({ sidecar, image }) => {
      await sidecar.put()
      await image.put()
      await image.notify(unparsableRecord(bucket, now()))
    },
    'lost-raw': async raw => {
      if (raw.exposure.snap === 0) await arrive(raw)
    },
    reorder: async raw => {
      const unit = `${raw.visit.index}/${raw.detector}`
      const first = overtaken.get(unit)
      if (first) {
        await arrive(raw)
        await first.image.notify()
      } else {
        overtaken.set(unit, raw)
        await raw.sidecar.put()
        await raw.image.put()
      }
    },
  }
}

async function announce(
  adversity: Adversity,
  plan: NightPlan,
  stage: Stage,
  { visit, announcement, until }: VisitInHand,
  send: NightPorts['announce'],
  inTurn: ReturnType<typeof turns>,
): Promise<void> {
  const { summit } = stage
  for (const planned of adversity.parked.filter(it => it.visit === visit.index)) {
    const { entrance, code, make } = poisons[planned.fate][planned.what]!
    const value = await make({ ...stage, announcement, now: stage.now() })
    stage.onPoison({ ...planned, code, ...(await summit.send(entrance, value)) })
  }
  const masked = adversity.units.filter(it => it.visit === visit.index && it.fate === 'masked-detector')
  const order = async (kind: 'mask' | 'unmask') => {
    for (const { detector } of masked) await summit.order(maskOrder(plan.instrument.name, detector, kind))
  }
  const whole = adversity.whole.find(it => it.visit === visit.index)
  const cancel = () => summit.cancel(cancellationOf({ announcement }, stage.now()))
  if (whole?.cancelled === 'before') await cancel()
  // A mask acts on visits announced while it holds: on this one alone, also when a broker is away between the two orders.
  await inTurn('announcements', async () => {
    await order('mask')
    await send(announcement)
    // Decided by the brokers' milliseconds, and of two equal ones the order goes first: then the announcement would find the mask gone.
    if (masked.length > 0) await until(stage.now() + MASKED_MS)
    await order('unmask')
  })
  if (whole?.fate === 'duplicate-announcement') await send(announcement)
  if (whole?.cancelled === 'after') {
    await until(stage.now() + CANCELLED_MS)
    await cancel()
  }
}
