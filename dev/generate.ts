import { readFileSync, writeFileSync } from 'node:fs'
import { renderTypes } from '../schemas/render-types.ts'
import { ASSEMBLED, renderModule } from './assemble.ts'
import { faultsPage } from './faults/page.ts'
import { pathOf, topologyPages } from './topology-pages.ts'

/** `npm run generate`: writes what is derived from the contracts and from the vector routines' text; `npm test` fails when it is not current. */
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
for (const module of ASSEMBLED) write(module.target, await renderModule(module))

for (const { path, before, now } of [...topologyPages(), faultsPage()]) {
  if (before !== now) writeFileSync(pathOf(path), now)
  console.log(before === now ? `${path} is current` : `${path} written`)
}
