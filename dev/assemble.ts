import { readFileSync } from 'node:fs'
import wabt from 'wabt'

/** The vector routines of the image pipeline: where they are written, and where their bytes lie. */
export const ASSEMBLED = ['strip', 'stamp', 'resample'].map(name => ({
  name,
  source: new URL(`../pipeline/images/${name}.wat`, import.meta.url),
  target: new URL(`../pipeline/images/${name}.generated.ts`, import.meta.url),
}))

/** A module as TypeScript that holds its bytes, so that a process need not find a file. @throws where the text does not assemble, with its line */
export async function renderModule({ name, source }: (typeof ASSEMBLED)[number]): Promise<string> {
  const assembler = await wabt()
  const module = assembler.parseWat(`${name}.wat`, readFileSync(source, 'utf8'))
  module.validate()
  const { buffer } = module.toBinary({})
  const base64 = Buffer.from(buffer).toString('base64')
  return `// Assembled from ${name}.wat by \`npm run generate\`.\nexport const ${name.toUpperCase()}_WASM =\n  '${base64}'\n`
}
