import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A Python with packages of its own; or why there is none, for a test to skip with. */
export type Python =
  | {
      readonly run: (script: string, input: string) => Promise<string>
      /** Where it finds its packages, for whoever starts `python3` on a file. */
      readonly env: NodeJS.ProcessEnv
    }
  | { readonly missing: string }

/**
 * Rubin's own packages and the astronomers' usual ones, with all that they depend on: the independent side of every test of
 * interoperability. One environment for all of them, because its installation is what costs (half a minute, 500 MB, once).
 */
export async function rubinPython(): Promise<Python> {
  const list = await readFile(new URL('rubin-requirements.txt', import.meta.url), 'utf8')
  return pythonWith(list.split('\n').filter(line => line !== '' && !line.startsWith('#')))
}

/** Exactly these packages (`name==version`), installed once into the user's cache: the system's Python is left alone. */
async function pythonWith(packages: readonly string[]): Promise<Python> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'prompt-processing', 'python')
  try {
    const { stdout } = await run('python3', ['-c', 'import sys, pip; print(sys.version.split()[0])'])
    const name = createHash('sha256')
      .update([stdout.trim(), ...packages].join(' '))
      .digest('hex')
      .slice(0, 16)
    const folder = join(cache, name)
    if (!existsSync(folder)) await install(packages, cache, folder)
    const env = { ...process.env, PYTHONPATH: folder }
    return { env, run: (script, input) => runScript(env, script, input) }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    return {
      missing: `no Python 3.11 with pip and the packages of rubin-requirements.txt: ${(stderr ?? message).trim().split('\n').at(-1)}`,
    }
  }
}

/** Whole or not at all, also when two test runs do it at once. */
async function install(packages: readonly string[], cache: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const fresh = await mkdtemp(join(cache, 'new-'))
  try {
    await run('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--target',
      fresh,
      ...packages,
    ])
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function runScript(env: NodeJS.ProcessEnv, script: string, input: string): Promise<string> {
  const running = run('python3', ['-c', script], { env, maxBuffer: 2 ** 28 })
  running.child.stdin!.end(input)
  return (await running).stdout
}
