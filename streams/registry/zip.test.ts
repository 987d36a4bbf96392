import { expect, it } from 'vitest'
import { zipOf } from './zip.ts'

it('writes the archive that other tools read', () => {
  const files = new Map([
    ['a/b.txt', 'hi'],
    ['é', 'x'],
  ])
  // Field for field what Python's zipfile writes for these two (stored, dated 1980, names marked as UTF-8); it reads this back, too.
  const expected =
    '504b0304 1400 0008 0000 00002100 ac2a93d8 02000000 02000000 0700 0000 612f622e747874 6869' +
    '504b0304 1400 0008 0000 00002100 8316dc8c 01000000 01000000 0200 0000 c3a9 78' +
    '504b0102 1400 1400 0008 0000 00002100 ac2a93d8 02000000 02000000 0700 0000 0000 0000 0000 00000000 00000000 612f622e747874' +
    '504b0102 1400 1400 0008 0000 00002100 8316dc8c 01000000 01000000 0200 0000 0000 0000 0000 00000000 27000000 c3a9' +
    '504b0506 0000 0000 0200 0200 65000000 48000000 0000'
  expect(zipOf(files).toString('hex')).toBe(expected.replaceAll(' ', ''))
})
