/**
 * node dev/bootstrap.mjs <containers|demo|faults|services|test> [arguments]
 *
 * Runs one of the project's programs from a fresh clone: checks what the machine must have, installs the packages when
 * they are missing or not those of the lockfile, then hands over its arguments, its signals and its exit code.
 * Plain JavaScript on Node's own modules, because at this point nothing is installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { clearInterval, setInterval } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { engineAnswers } from './services/engine.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
// The S3 client says at every start, in every process, that its releases of next year will want Node 22.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const programs = {
  containers: 'dev/containers/main.ts',
  demo: 'dev/demo/main.ts',
  faults: 'dev/faults/main.ts',
  services: 'dev/services/main.ts',
  test: 'dev/test/main.ts',
}

/** What is missing on this machine, as sentences with the command that installs it. */
async function missingPrerequisites() {
  const missing = []
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 20)) {
    missing.push(`Node 20.20 or newer (this is ${process.versions.node}): nvm install 22, or https://nodejs.org`)
  }
  const engine = await engineAnswers()
  if (engine.answers) return missing

  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'
  const without = `needed since no container engine answers (${engine.why})`
  const javaMajor = Number(/version "(\d+)/.exec(spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr ?? '')?.[1])
  if (!(javaMajor >= 17)) {
    missing.push(`Java 17 or newer, ${without}: apt-get install openjdk-17-jre-headless, or brew install openjdk@17`)
  }
  if (spawnSync('mvn', ['-v']).status !== 0) {
    missing.push(`Maven, ${without}: apt-get install maven, or brew install maven`)
  }
  return missing
}

/** Whether node_modules holds the lockfile's versions, by the copy of the lockfile that npm keeps in it. */
function isInstalled() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const installed = packagesOf(installedFile)
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(([path, { version, optional }]) => {
    // Optional packages of other platforms are in the lockfile and rightly not on the disk.
    return path === '' || installed[path]?.version === version || (optional && !installed[path])
  })
}

const packagesOf = lockfile => JSON.parse(readFileSync(lockfile, 'utf8')).packages

async function install() {
  const begunAt = Date.now()
  const seconds = () => ((Date.now() - begunAt) / 1000).toFixed(0)
  const paths = Object.keys(packagesOf(join(root, 'package-lock.json'))).filter(path => path !== '')
  console.error('Installing packages (npm ci)')
  const ticking = setInterval(() => {
    const done = paths.filter(path => existsSync(join(root, path, 'package.json'))).length
    console.error(`  … ${done} of at most ${paths.length} packages, ${seconds()} s`)
  }, 5000)
  const own = process.env.npm_execpath?.endsWith('npm-cli.js')
  const [command, ...first] = own ? [process.execPath, process.env.npm_execpath] : ['npm']
  const code = await run(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'])
  clearInterval(ticking)
  if (code !== 0) throw new Error('npm ci failed; its messages are above')
  console.error(`Packages installed in ${seconds()} s`)
}

/** Runs a program in the project's folder, on our terminal; resolves with its exit code. */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['inherit', command === process.execPath ? 'inherit' : 2, 2] })
  const forward = signal => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, forward)
      // The shells' convention for a program ended by a signal.
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

async function main([name, ...args]) {
  const program = programs[name]
  if (!program) throw new Error(`usage: node dev/bootstrap.mjs <${Object.keys(programs).join('|')}> [arguments]`)
  const missing = await missingPrerequisites()
  if (missing.length) throw new Error(`Please install first:\n${missing.map(line => `  - ${line}`).join('\n')}`)
  if (!isInstalled()) await install()

  // Under npm we are a link of a chain; started by hand, our parent is a shell that may be left.
  if (process.env.npm_lifecycle_event) await import('./die-with-parent.mjs')
  const guard = new URL('die-with-parent.mjs', import.meta.url).href
  return run(process.execPath, [
    '--import',
    import.meta.resolve('tsx'),
    '--import',
    guard,
    join(root, program),
    ...args,
  ])
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
