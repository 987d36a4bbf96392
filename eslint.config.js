import { readdirSync } from 'node:fs'
import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'

const tests = ['**/*.test.ts', '**/*.contract.ts', '**/testing/**']

/** A pattern for imports from any of the folders. */
const from = (folders, message) => ({ group: folders.map(folder => `**/${folder}/**`), message })
const kafkaClient = {
  group: ['kafkajs', 'kafkajs/*', 'kafkajs-snappy'],
  message: 'Only streams/kafka knows the Kafka client; others take LogClient (streams/log-client.ts).',
}
const anyPackage = {
  regex: '^[^.]',
  message: 'topology imports only topology and schemas: what it needs is passed in.',
}

/**
 * One paragraph of the import law of docs/architecture.md: what these files may not import. ESLint merges no options,
 * so of two paragraphs on a file only the later holds: each says everything about its files.
 */
const law = (files, patterns, paths = []) => ({
  files,
  ignores: tests,
  rules: { 'no-restricted-imports': ['error', { patterns, paths }] },
})

const streamsMoves = from(['sinks', 'pipeline', 'ops', 'dev'], 'streams moves: it imports topology and schemas.')
const sinksLand = from(['streams', 'pipeline', 'ops', 'dev'], 'sinks lands: it imports topology and schemas.')

/** Each sink for itself. The database is what several of them share, and knows none of them. */
const sinks = readdirSync(new URL('sinks', import.meta.url), { withFileTypes: true })
  .filter(entry => entry.isDirectory() && entry.name !== 'testing')
  .map(entry => entry.name)
const sinkLaw = sink => {
  const others = sinks.filter(name => name !== sink && name !== 'postgres')
  const alone = from(others, 'A sink knows no other sink; what they share is sinks/postgres.')
  return law([`sinks/${sink}/**/*.ts`], [sinksLand, kafkaClient, ...(others.length ? [alone] : [])])
}

/** What of RxJS would leave the batch that is being moved: its own time, and promises. */
const asynchronous = [
  ...['mergeMap', 'concatMap', 'switchMap', 'exhaustMap', 'mergeAll', 'concatAll', 'switchAll', 'exhaustAll'],
  ...['from', 'defer', 'fromEvent', 'firstValueFrom', 'lastValueFrom', 'observeOn', 'subscribeOn', 'repeat', 'retry'],
  ...['delay', 'delayWhen', 'timeout', 'interval', 'timer', 'timestamp', 'timeInterval'],
  ...['debounce', 'debounceTime', 'throttle', 'throttleTime', 'audit', 'auditTime', 'sample', 'sampleTime'],
  ...['bufferTime', 'windowTime', 'asyncScheduler', 'asapScheduler', 'animationFrameScheduler'],
]
const insideCommit = ['rxjs', 'rxjs/operators'].map(name => ({
  name,
  importNames: asynchronous,
  message: 'No asynchronous or time operator inside the commit boundary: deadlines are read off the state.',
}))

/** What `topology` would need a clock, the world or a later moment for. */
const impure = [
  ...['Date', 'Promise', 'globalThis', 'process', 'console', 'fetch', 'performance', 'crypto'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
]

export default defineConfig(
  { ignores: ['dist/', '.build-*/', 'node_modules/', '.pp/', 'schemas/avro/generated.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.{mjs,js}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
  {
    files: ['**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: 'error',
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['warn', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  // A suite is as long as what it says about its subject.
  { files: ['**/*.test.ts', '**/*.contract.ts'], rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' } },
  { files: ['dev/**', 'ops/**', 'bench/**', 'examples/**'], rules: { 'no-console': 'off' } },

  law(['topology/**/*.ts'], [anyPackage, from(['streams', 'sinks', 'pipeline', 'ops', 'dev'], anyPackage.message)]),
  law(
    ['schemas/**/*.ts'],
    [from(['topology', 'streams', 'sinks', 'pipeline', 'ops', 'dev'], 'schemas stand below everything.'), kafkaClient],
  ),
  law(['streams/**/*.ts'], [streamsMoves, kafkaClient]),
  law(['streams/kafka/**/*.ts'], [streamsMoves]),
  law(['streams/operators/**/*.ts', 'streams/task/**/*.ts'], [streamsMoves, kafkaClient], insideCommit),
  law(['sinks/**/*.ts'], [sinksLand, kafkaClient]),
  ...sinks.map(sinkLaw),
  law(
    ['pipeline/**/*.ts'],
    [from(['streams', 'sinks', 'ops', 'dev'], 'pipeline looks: it imports topology and schemas.'), kafkaClient],
  ),
  law(
    ['examples/**/*.ts'],
    [{ regex: '^\\.', message: 'An example stands alone: whoever reads it has none of our files.' }],
  ),
  // The composition roots see every folder.
  law(['streams/main/**/*.ts', 'ops/**/*.ts'], [kafkaClient]),
  {
    files: ['topology/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-globals': [
        'error',
        ...impure.map(name => ({ name, message: 'topology decides: pure functions only (docs/architecture.md).' })),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'A step is pure.' }],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'A step is synchronous: it must fit inside a commit.' },
        { selector: 'ImportExpression', message: 'A step is synchronous: import at the top of the file.' },
      ],
    },
  },
)
