import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const project = 'prompt-processing'

/** The account that Postgres, which refuses to run as root, gets when we are root: `nobody` wherever it is known. */
export const nobody = 65534

export const isRoot = process.getuid?.() === 0

/** Downloads, kept for every checkout of this user: `$XDG_CACHE_HOME` or `~/.cache`, then `prompt-processing`. */
export function cacheFolder(): string {
  return makePrivate(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), project))
}

/**
 * A cache that the account `nobody` can reach. That is the same folder for an ordinary user, who runs Postgres as
 * himself; root's home is closed to others (mode 0700), so root gets a folder of his own under /var/tmp.
 */
export function reachableCacheFolder(): string {
  const cache = cacheFolder()
  return !isRoot || isReachable(cache) ? cache : makePrivate(join('/var/tmp', `${project}-0`))
}

/** The parent of all runs of this user, in the temporary folder, whose path every account can walk. */
export function runsFolder(): string {
  const temporary = !isRoot || isReachable(tmpdir()) ? tmpdir() : '/tmp'
  return makePrivate(join(temporary, `${project}-${process.getuid?.() ?? 'user'}`))
}

/** Whether others may enter every folder on the path (the `x` bit for others). */
export function isReachable(path: string): boolean {
  for (let at = resolve(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/**
 * Makes a folder that others may read but only we may write. In a shared place like /tmp somebody else can have made
 * it before us, to have us run his programs: so one that is not ours is refused.
 */
function makePrivate(folder: string): string {
  // chmod, because a strict umask would close it to the account Postgres runs under.
  if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o755)
  const { uid, mode } = lstatSync(folder)
  const isOurs = process.getuid === undefined || uid === process.getuid()
  if (!isOurs || (mode & 0o022) !== 0) {
    throw new Error(`${folder} must belong to the current user and be writable by nobody else; remove it or chmod 755`)
  }
  return folder
}
