/** What the linter cannot say, read off the source as it is tracked by git. A ban names its alternative. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const itself = 'dev/tidy.test.ts'
const text = (file: string) => readFileSync(join(root, file), 'utf8')

/** Every tracked file by path from the root, without this one, which names what it forbids; whoever owns the checkout. */
const sources = new Map(
  execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(file => file !== '' && file !== itself && existsSync(join(root, file)))
    .map(file => [file, text(file)]),
)
const files = [...sources.keys()]
const isSuite = (file: string) => /\.(test|contract)\.ts$/.test(file)
const isTest = (file: string) => /\.test\.ts$/.test(file)
const isForTests = (file: string) => isSuite(file) || file.includes('/testing/')
const isCode = (file: string) => /\.(ts|mts|mjs|js)$/.test(file)
const isGenerated = (file: string) => ['package-lock.json', 'schemas/avro/generated.ts'].includes(file)

/** Files that are right to have no user, with the reason. */
const kept: Readonly<Record<string, string>> = {
  'streams/operators/join-within.ts': 'the window as an operator; a stage runs the step it is made of',
}

interface Ban {
  readonly pattern: RegExp
  /** A line that it must find. */
  readonly bites: string
  readonly instead: string
  readonly where: (file: string) => boolean
}

const bans: readonly Ban[] = [
  {
    pattern: /\b(it|test|describe|suite)(\.\w+)*\.only\b/,
    bites: "describe.only('x', () => {})",
    instead: 'run one test with -t or its path; committed, this switches all others off',
    where: isSuite,
  },
  {
    pattern: /\b(it|test|describe|suite)(\.\w+)*\.(skip|todo|fails)\b/,
    bites: "it.skip('x', () => {})",
    instead: 'skip inside the test with context.skip(reason), or skipIf with the reason in the name',
    where: isSuite,
  },
  {
    pattern: /\.skip\(\s*\)|\.skip\((?!.*['"`\w])/,
    bites: 'context.skip()',
    instead: 'give the reason: context.skip(reason)',
    where: isSuite,
  },
  {
    pattern: /\.(skipIf|runIf)\((?![\s\S]{0,200}\(skipped: )/,
    bites: "describe.skipIf(isWindows)('x', () => {})",
    instead: 'say why in the name, (skipped: ${reason}), as schemas/alert.int.test.ts does',
    where: isSuite,
  },
  {
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    bites: '// TODO later',
    instead: 'do it, or say in docs/decisions what is left out and why',
    where: file => !isGenerated(file),
  },
  {
    pattern: /(?<![\w.$}-])\/(work|root|farm|home|Users)\//,
    bites: "const file = '/home/somebody/file'",
    instead: 'a path from import.meta.url, or from the environment',
    where: () => true,
  },
  {
    pattern: /"resolved"|registry\.npmjs|\/repository\/npm/,
    bites: '"resolved": "https://example.org/x.tgz"',
    instead: 'npm install with .npmrc as it is: the lockfile names no registry, whoever installs uses their own',
    where: file => file === 'package-lock.json' || file === '.npmrc',
  },
  {
    pattern: /@ts-ignore|@ts-nocheck/,
    bites: '// @ts-ignore',
    instead: '@ts-expect-error with its reason, which fails once it is not needed',
    where: isCode,
  },
  {
    pattern: /eslint-disable(?!.* -- )/,
    bites: '// eslint-disable-next-line no-console',
    instead: 'eslint-disable-next-line rule -- the reason',
    where: isCode,
  },
]

describe('the source', () => {
  it.each(bans)('has no $pattern ($instead)', ({ pattern, bites, where }) => {
    expect(placesOf('x', bites, pattern)).toEqual([`x:1: ${bites}`])
    const found = [...sources]
      .filter(([file]) => where(file))
      .flatMap(([file, source]) => placesOf(file, source, pattern))
    expect(found).toEqual([])
  })

  /** Three hundred is what fits in the head (a warning of the linter); these are the ends of our patience. */
  it.each([
    { what: 'code', most: 400, where: (file: string) => isCode(file) && !isSuite(file) && !isGenerated(file) },
    { what: 'suite', most: 700, where: isSuite },
  ])('has no $what of more than $most lines: what needs chapters is two files', ({ most, where }) => {
    const lengths = [...sources].map(([file, source]) => ({ file, lines: source.split('\n').length - 1 }))
    expect(lengths.filter(({ file, lines }) => where(file) && lines > most)).toEqual([])
  })

  it('has no file that only its own test imports, if any: delete it, or use it', () => {
    const roots = files.filter(file => isRoot(file) || isTest(file))
    const used = reachable(roots)
    expect(files.filter(file => isCode(file) && !used.has(file) && !(file in kept))).toEqual([])
    expect(Object.keys(kept).filter(file => used.has(file))).toEqual([])
  })
})

describe('the packages', () => {
  const { dependencies, devDependencies, scripts } = JSON.parse(text('package.json')) as Record<
    'dependencies' | 'devDependencies' | 'scripts',
    Record<string, string>
  >
  const declared = { ...dependencies, ...devDependencies }
  const imports = files.filter(isCode).flatMap(file => packagesOf(file).map(name => ({ file, name })))

  it('have exact versions (npm install --save-exact)', () => {
    const loose = Object.entries(declared).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    expect(loose).toEqual([])
  })

  it('are all used: npm uninstall the others', () => {
    const commands = Object.values(scripts)
      .join(' ')
      .split(/[\s&]+/)
    const isUsed = (name: string) =>
      imports.some(found => found.name === name) || commands.includes(name) || isImplied(name, Object.keys(declared))
    expect(Object.keys(declared).filter(name => !isUsed(name))).toEqual([])
  })

  it('are all declared: npm install what is imported', () => {
    expect(imports.filter(({ name }) => !(name in declared))).toEqual([])
  })

  it('that the image needs are dependencies, not devDependencies', () => {
    const shipped = imports.filter(({ file }) => /^(topology|streams|sinks|pipeline|ops|schemas)\//.test(file))
    const development = shipped.filter(({ file, name }) => !isForTests(file) && !(name in dependencies))
    // The thread of a checkout loads TypeScript by itself; the image starts the compiled one.
    expect(development).toEqual([{ file: 'pipeline/worker/thread-from-source.mjs', name: 'tsx' }])
  })

  it('each have their line under "Dependencies" in docs/architecture.md, and no other has', () => {
    const [, section = ''] = text('docs/architecture.md').split(/^## Dependencies$/m)
    const rows = section
      .split(/^## /m)[0]!
      .split('\n')
      .filter(line => line.startsWith('| `'))
    const named = rows.flatMap(row => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    expect(named.sort()).toEqual(Object.keys(declared).sort())
  })
})

/** `file:line: text` of every place that matches. */
function placesOf(file: string, source: string, pattern: RegExp): string[] {
  return [...source.matchAll(new RegExp(pattern, 'g'))].map(({ index }) => {
    const before = source.slice(0, index).split('\n')
    return `${file}:${before.length}: ${source.split('\n')[before.length - 1]!.trim()}`
  })
}

/** What is started from outside, or read by a tool by its name; what these name is reached from them. */
function isRoot(file: string): boolean {
  const isNamed = ['package.json', 'pp', '.ci/run', 'README.md'].includes(file)
  return isNamed || /^[\w.]+\.config\.(js|ts)$/.test(file) || /\.d\.m?ts$/.test(file)
}

/** The files themselves and all that they name, directly or not. */
function reachable(from: readonly string[]): ReadonlySet<string> {
  const found = new Set(from)
  for (const file of found) for (const named of namedBy(file)) found.add(named)
  return found
}

/**
 * Tracked files that a file names: by import, as an address beside it, as a program from the root. That a test names what it
 * tests (x.int.test.ts names x.ts) says nothing of whether anybody needs it.
 */
function namedBy(file: string): string[] {
  // In code only strings count: a comment that speaks of a file does not use it.
  const name = isCode(file) ? /['"`]([\w./-]+\.(?:ts|mts|mjs|js))['"`]/g : /([\w./-]+\.(?:ts|mts|mjs|js))\b/g
  return [...sources.get(file)!.matchAll(name)]
    .flatMap(([, path]) => [path!, path!.replace(/\.js$/, '.ts')])
    .flatMap(path => [normalize(join(dirname(file), path)), normalize(path).replace(/^\//, '')])
    .filter(path => sources.has(path) && !(isTest(file) && path === file.replace(/(\.\w+)?\.test\.ts$/, '.ts')))
}

/** Names of the packages that a file imports or resolves. */
function packagesOf(file: string): string[] {
  const specifier = /(?:\bfrom |\bimport |\bimport\(|\.meta\.resolve\(|\.meta\.url\)(?:\.resolve)?\()'([\w@][^']*)'/g
  return [...sources.get(file)!.matchAll(specifier)]
    .map(([, name]) => name!)
    .filter(name => !name.startsWith('node:') && !builtinModules.includes(name))
    .map(name => /^(@[^/]+\/)?[^/]+/.exec(name)![0])
}

/** Types belong to their package; one package brings a part of itself for each platform, named at run time. */
function isImplied(name: string, declared: readonly string[]): boolean {
  const typed = name.replace(/^@types\//, '')
  return (
    (typed !== name && ['node', ...declared].includes(typed)) || files.some(file => text(file).includes(`\`@${name}/`))
  )
}
