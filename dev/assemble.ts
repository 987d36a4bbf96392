import { readFileSync } from 'node:fs'
import wabt from 'wabt'

const images = (file: string) => new URL(`../pipeline/images/${file}`, import.meta.url)
const routines = (name: string) => ({ name, source: images(`${name}.wat`), target: images(`${name}.generated.ts`) })

/** The vector routines of the image pipeline: where they are written, and where their bytes lie. */
export const ROUTINES = [routines('strip'), routines('resample')] as const

/** A module as TypeScript that holds its bytes, so that a process need not find a file. @throws where the text does not assemble, with its line */
export async function renderRoutines({ name, source }: (typeof ROUTINES)[number]): Promise<string> {
  const assembler = await wabt()
  const module = assembler.parseWat(`${name}.wat`, readFileSync(source, 'utf8'))
  module.validate()
  const { buffer } = module.toBinary({})
  const base64 = Buffer.from(buffer).toString('base64')
  return `// Assembled from ${name}.wat by \`npm run generate\`.\nexport const ${name.toUpperCase()}_WASM =\n  '${base64}'\n`
}
