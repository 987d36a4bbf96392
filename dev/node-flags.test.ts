import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { nodeFlags } from './node-flags.ts'

it.each([
  ['pp', `exec node ${nodeFlags.join(' ')} `],
  ['Dockerfile', `ENTRYPOINT ["node", ${nodeFlags.map(flag => `"${flag}", `).join('')}`],
])('%s starts Node with the flags of all processes', (file, start) => {
  expect(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(start)
})
