import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from '../services/processes/folders.ts'

/** What the deployment's own files say, read from them so that nothing is said twice. */

export const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** Our image, as docker-compose.yml names it. */
export const ourImage = 'prompt-processing'

/** The upstream images of docker-compose.yml. */
export const composeImages = (): string[] =>
  [...read('docker-compose.yml').matchAll(/^ +image: (\S+)$/gm)]
    .map(([, image]) => image!)
    .filter(it => it !== ourImage)

/** The base of our image, as its Dockerfile names it. */
export const baseImage = (): string => /^ARG NODE_IMAGE=(\S+)$/m.exec(read('Dockerfile'))![1]!

/** Downloads and builds of these tests alone: the services' own cache would be locked for minutes. */
export function containersCache(): string {
  const folder = join(cacheFolder(), 'containers')
  mkdirSync(folder, { recursive: true })
  return folder
}
