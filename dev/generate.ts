import { readFileSync, writeFileSync } from 'node:fs'
import { renderTypes } from '../schemas/render-types.ts'
import { ROUTINES, renderRoutines } from './assemble.ts'
import { faultsPage } from './faults/page.ts'
import { pathOf, topologyPages } from './topology-pages.ts'

/** `npm run generate`: writes what is derived from the contracts and from the vector routines; `npm test` fails when it is not current. */
function write(target: URL, now: string): void {
  const path = target.pathname.split('/').slice(-3).join('/')
  let before = ''
  try {
    before = readFileSync(target, 'utf8')
  } catch {
    // It is not there yet.
  }
  if (before !== now) writeFileSync(target, now)
  console.log(before === now ? `${path} is current` : `${path} written`)
}
write(new URL('../schemas/avro/generated.ts', import.meta.url), renderTypes())
for (const routines of ROUTINES) write(routines.target, await renderRoutines(routines))

for (const { path, before, now } of [...topologyPages(), faultsPage()]) {
  if (before !== now) writeFileSync(pathOf(path), now)
  console.log(before === now ? `${path} is current` : `${path} written`)
}
