/**
 * npm run build [-- folder]
 *
 * Writes to `dist/`, or to the folder named, what the image runs: the folders of the topology as JavaScript, without
 * tests, and beside it the files that are read at run time. The contracts are compiled in (schemas/avro/generated.ts).
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = resolve(process.argv[2] ?? join(root, 'dist'))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

rmSync(target, { recursive: true, force: true })
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', target], { cwd: root, stdio: 'inherit' })

const files = readdirSync(join(root, 'sinks'), { recursive: true, encoding: 'utf8' })
for (const file of files.filter(name => name.endsWith('.sql'))) {
  cpSync(join(root, 'sinks', file), join(target, 'sinks', file))
}
