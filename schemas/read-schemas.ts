import { readdirSync, readFileSync } from 'node:fs'
import type { NamedSchema } from './schemas.ts'

const folder = new URL('./avro/', import.meta.url)

/**
 * Every `.avsc` of the project by file name without extension: one named type each, naming others by full name. Only the generator
 * reads the files; everything that runs takes them from `avro/generated.ts`, so that the compiled image needs no file beside it.
 */
export function readSchemas(): Map<string, NamedSchema> {
  const files = readdirSync(folder).filter(file => file.endsWith('.avsc'))
  return new Map(
    files
      .sort()
      .map(file => [file.slice(0, -5), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as NamedSchema]),
  )
}
