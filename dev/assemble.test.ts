import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ASSEMBLED, renderModule } from './assemble.ts'

it.each(ASSEMBLED)('the vector routines are those of $name.wat (npm run generate)', async module => {
  expect(readFileSync(module.target, 'utf8')).toBe(await renderModule(module))
})
