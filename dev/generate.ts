import { readFileSync, writeFileSync } from 'node:fs'
import { renderTypes } from '../schemas/render-types.ts'
import { faultsPage } from './faults/page.ts'
import { pathOf, topologyPages } from './topology-pages.ts'

/** `npm run generate`: writes what is derived from the contracts; `npm test` fails when it is not current. */
const target = new URL('../schemas/avro/generated.ts', import.meta.url)
const text = renderTypes()
const before = (() => {
  try {
    return readFileSync(target, 'utf8')
  } catch {
    return ''
  }
})()
if (before !== text) writeFileSync(target, text)
console.log(before === text ? 'schemas/avro/generated.ts is current' : 'schemas/avro/generated.ts written')

for (const { path, before, now } of [...topologyPages(), faultsPage()]) {
  if (before !== now) writeFileSync(pathOf(path), now)
  console.log(before === now ? `${path} is current` : `${path} written`)
}
