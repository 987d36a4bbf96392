import fc from 'fast-check'
import { expect, it } from 'vitest'
import { instrumentNamed, parseDetectors, rangesOf } from './detectors.ts'

const lsstCam = instrumentNamed('LSSTCam')

it('reads back the ranges that it writes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 188 }), { minLength: 1 }), ids => {
      const ascending = ids.toSorted((a, b) => a - b)
      expect(parseDetectors(rangesOf(ascending), lsstCam)).toEqual(ascending)
    }),
  )
  expect(rangesOf([0, 1, 2, 5])).toBe('0-2, 5')
})

it.each(['', '189', '5-3', '1-189', 'R22_S11', '-1', '1,,2', '1.5'])('refuses "%s" with what is allowed', text => {
  expect(() => parseDetectors(text, lsstCam)).toThrow('names no detectors of LSSTCam; allowed are 0 to 188')
})

it('refuses a camera that does not exist', () => {
  expect(() => instrumentNamed('NIRCam')).toThrow('There is no instrument "NIRCam"; allowed are LATISS, LSSTComCam')
})
