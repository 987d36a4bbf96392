import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Artifacts, fetchArtifacts } from '../services/processes/artifacts.ts'
import { cached, withCacheLock } from '../services/processes/cache.ts'
import { isRoot } from '../services/processes/folders.ts'
import type { Progress } from '../services/services.ts'
import { baseImage, composeImages, containersCache } from './declared.ts'
import { goProgram } from './engine.ts'
import type { Shell } from './shell.ts'

export const prefix = 'prompt-processing-stand-in'
const recipes = fileURLToPath(new URL('stand-in', import.meta.url))
const base = `${prefix}/debian:bookworm`
const java = `${prefix}/java:17`

/** Images with the same programs as upstream's, from the same packages as the plain processes, under names of their own. */
export const standIns = {
  kafka: `${prefix}/kafka`,
  registry: `${prefix}/registry`,
  s3proxy: `${prefix}/s3proxy`,
  versitygw: `${prefix}/versitygw`,
  postgres: `${prefix}/postgres`,
  node: `${prefix}/node`,
} as const

/**
 * Brings all of them into the engine. They are built once and kept in the cache as one archive, under a name that stands
 * for all that goes in.
 */
export async function provideStandIns(
  shell: Shell,
  env: Readonly<Record<string, string>>,
  say: Progress,
): Promise<void> {
  const docker: Docker = (...args) => shell.run('docker', args, { env })
  const artifacts = await fetchArtifacts(say)
  const parts = [
    ...readdirSync(recipes).map(recipe),
    ...[artifacts.kafka, artifacts.registry, artifacts.s3proxy, artifacts.postgres].map(path => basename(path)),
    ...[baseImage(), tagOf('versitygw')],
  ]
  const made = await cached(containersCache(), `stand-ins-${digest(parts)}`, async folder => {
    await buildStandIns(shell, docker, say, artifacts, folder)
    await docker('save', '--output', join(folder, 'images.tar'), ...Object.values(standIns))
  })
  say('Loading the stand-ins into the engine')
  await docker('load', '--quiet', '--input', join(made, 'images.tar'))
}

const recipe = (name: string) => readFileSync(join(recipes, name), 'utf8')
const digest = (parts: readonly string[]) => createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)

type Docker = (...args: string[]) => Promise<string>

async function buildStandIns(shell: Shell, docker: Docker, say: Progress, artifacts: Artifacts, folder: string) {
  await provideBases(shell, docker, say)
  const module = `github.com/versity/versitygw/cmd/versitygw@${tagOf('versitygw')}`
  const gateway = await goProgram(shell, say, 'versitygw', module)
  const node = await cachedNode(shell, say)
  const npm = join((await shell.run('npm', ['root', '--global'])).trim(), 'npm')

  const build = async (name: keyof typeof standIns, files: Readonly<Record<string, string>>) => {
    say(`Building the stand-in ${standIns[name]}`)
    const context = join(folder, name)
    mkdirSync(context)
    for (const [to, from] of Object.entries(files)) {
      // Archives of loaded classes fit the Java of this machine only.
      const filter = (path: string) => !path.endsWith('.jsa')
      cpSync(from, join(context, to), { recursive: true, verbatimSymlinks: true, filter })
    }
    await docker('build', '--file', join(recipes, `${name}.Dockerfile`), '--tag', standIns[name], context)
    rmSync(context, { recursive: true })
  }
  const script = (name: string) => ({ [`${name}.sh`]: join(recipes, `${name}.sh`) })
  await build('kafka', { libs: join(artifacts.kafka, 'libs'), ...script('kafka') })
  await build('registry', { registry: artifacts.registry })
  await build('s3proxy', { 's3proxy.jar': only(artifacts.s3proxy, '.jar'), ...script('s3proxy') })
  await build('versitygw', { versitygw: join(gateway, 'versitygw') })
  await build('postgres', { postgres: artifacts.postgres, ...script('postgres') })
  await build('node', { node, npm, 'ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt' })
}

/** Debian, and Debian with Java, into the engine; both are made once and kept in the cache as one archive. */
async function provideBases(shell: Shell, docker: Docker, say: Progress): Promise<void> {
  const cache = containersCache()
  const made = await withCacheLock(cache, say, () =>
    cached(cache, `stand-in-bases-${digest([recipe('java.Dockerfile')])}`, async folder => {
      if (!isRoot)
        throw new Error('Stand-ins are built on a Debian that only root can make (debootstrap): run this as root.')
      say('Making the base of the stand-ins with debootstrap: about a minute, once')
      const tree = join(folder, 'tree')
      await shell.run('debootstrap', ['--variant=minbase', '--include=ca-certificates,wget', 'bookworm', tree])
      await shell.run('tar', ['-C', tree, '-cf', join(folder, 'tree.tar'), '.'])
      await docker('import', join(folder, 'tree.tar'), base)
      say('Adding Java to it')
      await docker('build', '--network', 'host', '--tag', java, '--file', join(recipes, 'java.Dockerfile'), recipes)
      await docker('save', '--output', join(folder, 'images.tar'), base, java)
      for (const name of ['tree', 'tree.tar']) rmSync(join(folder, name), { recursive: true })
    }),
  )
  await docker('load', '--input', join(made, 'images.tar'))
}

/** The Node of the upstream base, from its npm package. */
async function cachedNode(shell: Shell, say: Progress): Promise<string> {
  const version = /^node:([\d.]+)/.exec(baseImage())![1]!
  const cache = containersCache()
  const folder = await withCacheLock(cache, say, () =>
    cached(cache, `node-${version}`, async folder => {
      say(`Node ${version}: fetching it with npm`)
      await shell.run('npm', ['install', '--no-save', '--prefix', folder, `node@${version}`])
      const found = join(folder, 'node_modules', 'node', 'bin', 'node')
      renameSync(found, join(folder, 'node'))
      rmSync(join(folder, 'node_modules'), { recursive: true })
    }),
  )
  return join(folder, 'node')
}

/** The version of an image in docker-compose.yml. */
function tagOf(name: string): string {
  const image = composeImages().find(it => it.includes(name))!
  return image.slice(image.lastIndexOf(':') + 1)
}

/** The one file of a folder with this ending; its name holds a version that is pinned elsewhere. */
function only(folder: string, ending: string): string {
  const found = readdirSync(folder).find(name => name.endsWith(ending))
  return join(folder, found!)
}
