import type { Control } from '../schemas/avro/generated.ts'
import { instruments, scienceDetectorsOf } from './instruments.ts'
import { Rejection } from './model/step.ts'
import type { Instant } from './model/time.ts'

/** Detectors of one instrument that operators switched off; `all` is a pause: a mask on every detector. */
export interface Masks {
  readonly kind: 'masks'
  readonly all?: Mask
  readonly detectors: Readonly<Record<string, Mask>>
}

export interface Mask {
  readonly reason: string
  readonly since: Instant
  /** When it ends by itself; null: when somebody ends it. */
  readonly until: Instant | null
}

export const masksKey = (instrument: string): string => `masks/${instrument}`

/** The masks after an order given at `at`; undefined where none is left. A pause and the mask of a detector are two. */
export function applyControl(masks: Masks | undefined, order: Control, at: Instant): Masks | undefined {
  check(order, at)
  const { all, detectors }: Partial<Masks> & Pick<Masks, 'detectors'> = masks ?? { detectors: {} }
  const mask: Mask | undefined =
    order.kind === 'mask' ? { reason: `${order.reason} (${order.by})`, since: at, until: order.until } : undefined
  if (order.detector === null) return masksOf(mask, detectors)
  const { [String(order.detector)]: _replaced, ...others } = detectors
  return masksOf(all, mask ? { ...others, [String(order.detector)]: mask } : others)
}

/** The mask that holds for a detector in a visit announced at `at`, if any; from `since` on and before `until`. */
export function maskOf(masks: Masks | undefined, detector: number, at: Instant): Mask | undefined {
  const holds = (mask: Mask | undefined) => mask && mask.since <= at && (mask.until === null || at < mask.until)
  return [masks?.all, masks?.detectors[String(detector)]].find(holds)
}

/** When the next mask ends by itself. */
export function nextExpiry({ all, detectors }: Masks): Instant | undefined {
  const ends = [all, ...Object.values(detectors)].flatMap(mask => (mask?.until ? [mask.until] : []))
  return ends.length > 0 ? Math.min(...ends) : undefined
}

export function withoutExpired({ all, detectors }: Masks, at: Instant): Masks | undefined {
  const lasts = (mask: Mask) => mask.until === null || mask.until > at
  return masksOf(
    all && lasts(all) ? all : undefined,
    Object.fromEntries(Object.entries(detectors).filter(([, it]) => lasts(it))),
  )
}

const masksOf = (all: Mask | undefined, detectors: Masks['detectors']): Masks | undefined =>
  all || Object.keys(detectors).length > 0 ? { kind: 'masks', ...(all ? { all } : {}), detectors } : undefined

function check({ kind, instrument, detector, until }: Control, at: Instant): void {
  const known = instruments.get(instrument)
  if (!known) {
    const allowed = [...instruments.keys()].join(', ')
    throw new Rejection('unknown-instrument', `control names instrument "${instrument}"; allowed are ${allowed}`)
  }
  const count = scienceDetectorsOf(known).length
  if (detector !== null && !(detector >= 0 && detector < count)) {
    throw new Rejection('unknown-detector', `control names detector ${detector}; ${instrument} has 0 to ${count - 1}`)
  }
  if (kind === 'mask' && until !== null && until <= at) {
    throw new Rejection(
      'mask-over',
      `a mask until ${until} had ended before it was ordered, at ${at}; no visit is masked`,
    )
  }
}
