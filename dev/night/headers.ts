import type { TanWcs } from '../../topology/camera.ts'

/** A tangent-plane WCS as FITS cards (Calabretta & Greisen 2002). */
export const wcsHeader = ({ crval, crpix, cd }: TanWcs) => ({
  WCSAXES: 2,
  CTYPE1: 'RA---TAN',
  CTYPE2: 'DEC--TAN',
  CRVAL1: crval[0],
  CRVAL2: crval[1],
  CRPIX1: crpix[0],
  CRPIX2: crpix[1],
  CD1_1: cd[0][0],
  CD1_2: cd[0][1],
  CD2_1: cd[1][0],
  CD2_2: cd[1][1],
  CUNIT1: 'deg',
  CUNIT2: 'deg',
  RADESYS: 'ICRS',
})
