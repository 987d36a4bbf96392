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
 * into place once complete. So what has its final name is whole, whenever a start was broken off, and however many
 * make it at once: the first to be done gives it its name, the others throw theirs away.
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
    writeFileSync(join(partial, ownerFile), JSON.stringify(self()))
    mkdirSync(join(partial, 'content'), { mode: 0o755 })
    await fill(join(partial, 'content'))
    renameUnlessMade(join(partial, 'content'), path)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return path
}

/** A folder that is not empty is never replaced by a rename: the system refuses with one of two errors (rename(2)). */
function renameUnlessMade(made: string, path: string): void {
  try {
    renameSync(made, path)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/**
 * Runs `work` while no other process works on the same cache; a second one waits and says for whom. The lock only
 * saves double downloads: `cached` stays correct without it, so in the instant where two waiters both find a dead
 * owner and both go on, they do the work twice and nothing worse. Hence only what the dead left half made is removed:
 * to take it from one who still copies would let him give its name to a folder with holes.
 */
export async function withCacheLock<T>(cache: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const file = join(cache, 'lock.json')
  await acquire(file, progress)
  try {
    for (const name of readdirSync(cache)) {
      const owner = name.startsWith(partialPrefix) && read(join(cache, name, ownerFile))
      if (owner && isGone(owner)) rmSync(join(cache, name), { recursive: true, force: true })
    }
    return await work()
  } finally {
    if (isMine(read(file))) unlinkSync(file)
  }
}

type Owner = ProcessIdentity & { readonly host: string }
const ownerFile = 'owner.json'
const self = (): Owner => ({ host: hostname(), ...identify(process.pid)! })

/** Whether it was a process of this host and has ended. Of another host's nobody can tell. */
const isGone = (owner: Owner) => owner.host === hostname() && !isAlive(owner)

async function acquire(file: string, progress: Progress): Promise<void> {
  let saidFor: number | undefined
  for (;;) {
    if (tryAcquire(file)) return
    const owner = read(file)
    if (owner && isGone(owner)) {
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
  writeFileSync(draft, JSON.stringify(self()))
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

/** The owner, or undefined when the file is not there: not yet, or not any more. */
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
