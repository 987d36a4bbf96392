/** What the score looks at; all of it is in the DiaSource or follows from its stamps. */
export interface Features {
  /** |score| at the peak. */
  readonly snr: number
  /** χ² of the PSF fit per pixel: 1 for a point source. */
  readonly chi2: number
  /** |Σ D| ÷ Σ |D| within a FWHM: near 1 for a source of one sign, near 0 for a dipole or a ring. */
  readonly oneSided: number
  /** Size over the PSF's; undefined where no size could be measured. */
  readonly sizeRatio: number | undefined
  readonly dipole: boolean
  /** Share of the flux error that misregistered light of a bright neighbour makes, 0 to 1. */
  readonly stray: number
  /** A saturated, bad, hit or uncovered pixel in the 3 × 3 around the centre. */
  readonly badCenter: boolean
  /** Such a pixel, or the image's edge, in the footprint. */
  readonly badFootprint: boolean
}

/** Says which formula it was: a stored number without it means nothing. */
export const RELIABILITY_VERSION = 'logistic-1'

/**
 * Real (1) or bogus (0): a logistic function of the features with weights set by hand on simulated scenes, not trained. Example: an isolated point
 * source of SNR 8 scores about 0.9, the dipole of a misregistered star below 0.2.
 */
export function reliabilityOf(f: Features): number {
  // What noise alone leaves of one-sidedness at this SNR is no mark against a source.
  const expected = Math.min(0.85, 0.3 + 0.06 * f.snr)
  const misshapen = f.sizeRatio === undefined ? 0.3 : Math.abs(Math.log(f.sizeRatio))
  const z =
    2 +
    1.2 * Math.log(Math.max(f.snr, 1) / 6) -
    5 * Math.max(0, expected - f.oneSided) -
    2.5 * Math.max(0, misshapen - 0.25) -
    1.5 * Math.max(0, Math.log(Math.max(f.chi2, 1e-3) / 1.4)) -
    1.5 * f.stray -
    (f.dipole ? 4 : 0) -
    (f.badCenter ? 4 : 0) -
    (f.badFootprint ? 1.5 : 0)
  return 1 / (1 + Math.exp(-z))
}
