import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ROUTINES, renderRoutines } from './assemble.ts'

it.each(ROUTINES)('the vector routines are those of $name.wat (npm run generate)', async routines => {
  expect(readFileSync(routines.target, 'utf8')).toBe(await renderRoutines(routines))
})
