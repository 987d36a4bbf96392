import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { STRIP, renderStrip } from './assemble.ts'

it('the vector routines are those of strip.wat (npm run generate)', async () => {
  expect(readFileSync(STRIP.target, 'utf8')).toBe(await renderStrip())
})
