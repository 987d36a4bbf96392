import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { renderTypes } from './render-types.ts'

it('the generated types and schemas are those of the .avsc (else: npm run generate)', () => {
  expect(readFileSync(new URL('./avro/generated.ts', import.meta.url), 'utf8')).toBe(renderTypes())
})
