import { expect, it } from 'vitest'
import { topologyPages } from './topology-pages.ts'

it.each(topologyPages())('$path shows the topology as it is declared (npm run generate)', ({ before, now }) => {
  expect(before).toBe(now)
})
