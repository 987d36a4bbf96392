import { readFileSync } from 'node:fs'
import { promptTopology } from '../topology/prompt.ts'
import { renderReference, withDiagram } from '../topology/render.ts'

/** The pages that show the topology, as they are and as they should be: `npm run generate` writes them, a test compares. */
export function topologyPages(): { readonly path: string; readonly before: string; readonly now: string }[] {
  const topology = promptTopology()
  const reference = read('docs/topology.md')
  const readme = read('README.md')
  return [
    { path: 'docs/topology.md', before: reference, now: renderReference(topology) },
    { path: 'README.md', before: readme, now: withDiagram(readme, topology) },
  ]
}

export const pathOf = (path: string): URL => new URL(`../${path}`, import.meta.url)

function read(path: string): string {
  try {
    return readFileSync(pathOf(path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return ''
  }
}
