import { readFileSync } from 'node:fs'
import wabt from 'wabt'

/** Where the vector routines of the image pipeline are written, and where their bytes lie. */
export const STRIP = {
  source: new URL('../pipeline/images/strip.wat', import.meta.url),
  target: new URL('../pipeline/images/strip.generated.ts', import.meta.url),
}

/** The module as TypeScript that holds its bytes, so that a process need not find a file. @throws where the text does not assemble, with its line */
export async function renderStrip(): Promise<string> {
  const assembler = await wabt()
  const module = assembler.parseWat('strip.wat', readFileSync(STRIP.source, 'utf8'))
  module.validate()
  const { buffer } = module.toBinary({})
  const base64 = Buffer.from(buffer).toString('base64')
  return `// Assembled from strip.wat by \`npm run generate\`.\nexport const STRIP_WASM =\n  '${base64}'\n`
}
