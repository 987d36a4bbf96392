import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../services.ts'
import { identify, isAlive, type ProcessIdentity } from './identity.ts'

const partialPrefix = '.partial-'

/**
 * The path of `name` in the cache; when it is not there, `fill` makes it in an empty folder beside, which is renamed
 * into place once complete. So what has its final name is whole, whenever a start was broken off.
 */
export async function cached(
  cache: string,
  name: string,
  fill: (folder: string) => Promise<void> | void,
): Promise<string> {
  const path = join(cache, name)
  if (existsSync(path)) return path
  const partial = mkdtempSync(join(cache, `${partialPrefix}${name}-`))
  try {
    mkdirSync(join(partial, 'content'), { mode: 0o755 })
    await fill(join(partial, 'content'))
    if (!existsSync(path)) renameSync(join(partial, 'content'), path)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return path
}

/**
 * Runs `work` while no other process works on the same cache; a second one waits and says for whom. The lock only
 * saves double downloads: `cached` stays correct without it, so in the instant where two waiters both find a dead
 * owner and both go on, they do the work twice and nothing worse.
 */
export async function withCacheLock<T>(cache: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const file = join(cache, 'lock.json')
  await acquire(file, progress)
  try {
    // What a killed owner left half done is nobody's now.
    for (const name of readdirSync(cache)) {
      if (name.startsWith(partialPrefix)) rmSync(join(cache, name), { recursive: true, force: true })
    }
    return await work()
  } finally {
    if (isMine(read(file))) unlinkSync(file)
  }
}

type Owner = ProcessIdentity & { readonly host: string }

async function acquire(file: string, progress: Progress): Promise<void> {
  let saidFor: number | undefined
  for (;;) {
    if (tryAcquire(file)) return
    const owner = read(file)
    if (owner && owner.host === hostname() && !isAlive(owner)) {
      progress(`Process ${owner.pid} died while it filled the cache; taking over.`)
      rmSync(file, { force: true })
    } else if (owner && saidFor !== owner.pid) {
      saidFor = owner.pid
      progress(`Waiting for process ${owner.pid} on ${owner.host}, which is filling the same cache (lock: ${file}).`)
    }
    await sleep(200)
  }
}

/** Makes the lock with its content in one step (a link), so that a lock that is seen always names its owner. */
function tryAcquire(file: string): boolean {
  const draft = `${file}.${process.pid}`
  const owner: Owner = { host: hostname(), ...identify(process.pid)! }
  writeFileSync(draft, JSON.stringify(owner))
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    unlinkSync(draft)
  }
}

/** The owner, or undefined when the lock has just gone. */
function read(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

function isMine(owner: Owner | undefined): boolean {
  return owner?.pid === process.pid && owner.host === hostname()
}
