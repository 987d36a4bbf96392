import fc, { type Arbitrary } from 'fast-check'
import type { Place } from '../candidates.ts'

/** Arcseconds on the sky; a place has them in degrees. */
export interface Errors {
  readonly raErr: number | null
  readonly decErr: number | null
}

/** The place so many arcseconds east and north of another; without errors unless they are given. */
export function near(
  { ra, dec }: { readonly ra: number; readonly dec: number },
  east: number,
  north: number,
  { raErr, decErr }: Errors = { raErr: null, decErr: null },
): Place {
  const high = Math.max(-90, Math.min(90, dec + north / 3600))
  const cosDec = Math.max(Math.cos((high * Math.PI) / 180), 1e-6)
  const degrees = (arcsec: number | null) => (arcsec === null ? null : arcsec / 3600)
  return {
    ra: (ra + east / 3600 / cosDec + 720) % 360,
    raErr: degrees(raErr),
    dec: high,
    decErr: degrees(decErr),
  }
}

export interface Crowd {
  readonly sources: ReadonlyMap<bigint, Place>
  readonly objects: ReadonlyMap<bigint, Place>
}

/** A patch of a few arcseconds around a place, poles and 0/360 included, where almost everybody has several neighbours; a third of them on a grid, for ties. */
export function crowd(most: number): Arbitrary<Crowd> {
  const error = fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: 0.005, max: 0.6, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(null, NaN, 0, -0.1, 0.02) },
  )
  const some = fc.record({ raErr: error, decErr: error })
  const none = fc.constant({ raErr: null, decErr: null })
  const free = fc.double({ min: -3, max: 3, noNaN: true })
  // In steps that make no distance of just 1″, which rounding would decide.
  const step = fc.integer({ min: -6, max: 6 }).map(n => n * 0.45)
  return fc
    .record({
      ra: fc.constantFrom(0, 0.0001, 120, 359.9999),
      dec: fc.constantFrom(-90, -89.9995, -60, -30, 0, 60, 89.9995, 90),
      offset: fc.constantFrom(free, free, step),
      errors: fc.constantFrom(some, some, some, none),
    })
    .chain(({ ra, dec, offset, errors }) => {
      const list = fc
        .array(fc.tuple(offset, offset, errors), { maxLength: most, size: 'max' })
        .map(all => new Map(all.map(([x, y, own], i) => [BigInt(i + 1), near({ ra, dec }, x, y, own)])))
      return fc.record({ sources: list, objects: list })
    })
}
