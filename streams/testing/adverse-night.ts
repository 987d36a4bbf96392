import type { Control, LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { exposureId } from '../../topology/identifiers.ts'
import type { Instant } from '../../topology/model/time.ts'
import { buildRawKey, sidecarKey } from '../../topology/raw-key.ts'
import { defaultSettings, type Settings } from '../../topology/settings.ts'
import { NIGHT, nextVisitAt } from '../../topology/testing/announcements.ts'
import { seeded } from './virtual-time.ts'

/** What the world does at `t`, ms UTC: it writes to an entrance, or puts an object into the bucket of raws. */
export type Deed = { readonly t: Instant } & (
  | { readonly kind: 'announce'; readonly value: LogeventNextVisit }
  | { readonly kind: 'cancel'; readonly group: string }
  | { readonly kind: 'order'; readonly value: Control }
  | { readonly kind: 'put'; readonly key: string; readonly header: object | null }
  | { readonly kind: 'notify'; readonly key: string; readonly partition: number }
)

export const BUCKET = 'raws'
const INSTRUMENT = 'LSSTComCam'
const DURATION_S = 5
/** A window is open for half a minute, and a raw waits forty seconds for its announcement. */
export const WINDOW_S = 30
export const HOLD_S = 40
export const settings: Settings = {
  ...defaultSettings,
  imageTimeoutSeconds: WINDOW_S - 2 * DURATION_S,
  unclaimedHoldSeconds: HOLD_S,
}

const GAP_S = 20

/** How much happens in a night. */
export interface NightSize {
  readonly visits: number
  /** Detectors of LSSTComCam whose raws come, from 0. */
  readonly detectors: number
  /** Between two visits; windows overlap in the twenty seconds that are the default. */
  readonly gapS?: number
}
export const FULL: NightSize = { visits: 6, detectors: 9 }

/** From the first announcement to when every window has closed and every hold has run out, seconds. */
export const secondsOf = ({ visits, gapS = GAP_S }: NightSize): number => visits * gapS + WINDOW_S + HOLD_S + 30
export const NIGHT_S = secondsOf(FULL)

/**
 * A night, of six visits of nine detectors where no other size is asked for, in which all happens that may befall an arrival, a pure function of the seed. Windows
 * overlap. What is left to arrival does not happen: no two different exposures stand for one snap, and both notifications of a raw lie in
 * one partition.
 */
export function adverseNight(seed: number, size: NightSize = FULL): readonly Deed[] {
  const random = seeded(seed * 31 + 5)
  // A store that writes without keys may fill one partition for long: such a night is read much slower than its ticks.
  const partitions = random() < 0.3 ? 8 : 1
  const spread = (deed: Deed): Deed =>
    deed.kind === 'notify' ? { ...deed, partition: deed.partition % partitions } : deed
  const visits = Array.from({ length: size.visits }, (_, index) => visitDeeds(index, size, random))
  const masked: Control = {
    kind: 'mask',
    instrument: INSTRUMENT,
    detector: Math.min(3, size.detectors - 1),
    reason: 'hot',
    by: 'test',
    until: null,
  }
  const order: Deed = { t: at(random() * size.visits * (size.gapS ?? GAP_S)), kind: 'order', value: masked }
  return [...visits.flat(), ...unannounced(size, random), order].map(spread).sort((a, b) => a.t - b.t)
}

const at = (seconds: number): Instant => NIGHT + Math.round(seconds * 1000)
const oneOf = <T>(random: () => number, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!

function visitDeeds(index: number, { detectors, gapS = GAP_S }: NightSize, random: () => number): Deed[] {
  const announcedS = index * gapS + random() * 8
  const group = `g${index}`
  const nimages = oneOf(random, [0, 1, 1, 2, 2])
  const survey = random() < 0.15 ? 'BLOCK-T250' : 'BLOCK-365'
  const shape = { groupId: group, instrument: INSTRUMENT, survey, duration: DURATION_S, nimages: BigInt(nimages) }
  const announcement = nextVisitAt(at(announcedS), { ...shape, filters: 'g_6' })
  const deeds: Deed[] = [{ t: at(announcedS), kind: 'announce', value: announcement }]
  if (random() < 0.2) deeds.push({ t: at(announcedS + random() * 9), kind: 'announce', value: announcement })
  if (random() < 0.35) deeds.push({ t: at(announcedS - 3 + random() * (WINDOW_S + 6)), kind: 'cancel', group })
  for (let snap = 0; snap < Math.max(1, nimages); snap++) {
    for (let detector = 0; detector < detectors; detector++) {
      const raw = rawDeeds({ group, snap, detector, sequence: index * 4 + snap }, announcedS, random)
      deeds.push(...raw)
    }
  }
  return deeds
}

interface Exposed {
  readonly group: string
  readonly snap: number
  readonly detector: number
  readonly sequence: number
}

/** One raw and what becomes of it: never taken, in time, early, on the deadline, late; told once, twice, or never. */
function rawDeeds(exposed: Exposed, announcedS: number, random: () => number): Deed[] {
  const fate = random()
  if (fate < 0.08) return []
  const storedS =
    fate < 0.7
      ? announcedS + 8 + 4 * exposed.snap + random() * 2
      : fate < 0.78
        ? announcedS - random() * (HOLD_S + 5)
        : fate < 0.88
          ? announcedS + WINDOW_S + oneOf(random, [-0.001, 0, 0.001])
          : announcedS + WINDOW_S + random() * 15
  const told = random()
  const times = told < 0.12 ? 0 : told < 0.25 ? 2 : 1
  return storedAt(exposed, storedS, random, times)
}

function storedAt(exposed: Exposed, storedS: number, random: () => number, times: number): Deed[] {
  const { group, snap, detector, sequence } = exposed
  const dayObs = 20260224
  const exposure = exposureId(dayObs, sequence)
  const name = { instrument: INSTRUMENT, detector, exposure, dayObs, sequence, extension: 'fits' } as const
  const key = buildRawKey({ family: 'lsst', controller: 'O', ...name })
  const partition = Math.floor(random() * 8)
  return [
    { t: at(storedS), kind: 'put', key: sidecarKey(key), header: { GROUPID: group, CURINDEX: snap + 1 } },
    { t: at(storedS), kind: 'put', key, header: null },
    ...Array.from({ length: times }, (): Deed => {
      // Most are told within a second; some so late that the window closes meanwhile.
      const delayS = random() < 0.85 ? random() : random() * WINDOW_S
      return { t: at(storedS + delayS), kind: 'notify', key, partition }
    }),
  ]
}

/** Raws of a group that nobody ever announces. */
const unannounced = ({ visits, detectors, gapS = GAP_S }: NightSize, random: () => number): Deed[] =>
  Array.from({ length: Math.min(3, detectors) }, (_, detector) =>
    storedAt({ group: 'nobody', snap: 0, detector, sequence: 900 }, random() * visits * gapS, random, 1),
  ).flat()
