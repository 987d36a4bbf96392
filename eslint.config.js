import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'

const tests = ['**/*.test.ts', '**/testing/**']

/** Forbids a folder to import from the others: the import law of docs/architecture.md. */
const mayNotImport = (folders, why) => ({
  patterns: [
    ...folders.map(folder => ({ group: [`**/${folder}/**`], message: why })),
    { group: ['kafkajs', 'kafkajs/*', 'kafkajs-snappy'], message: 'Only streams/kafka knows the Kafka client.' },
  ],
})
const law = (files, folders, why, extra = []) => ({
  files,
  ignores: tests,
  rules: {
    'no-restricted-imports': [
      'error',
      { ...mayNotImport(folders, why), patterns: [...mayNotImport(folders, why).patterns, ...extra] },
    ],
  },
})

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', '.pp/', 'schemas/avro/generated.ts'] },
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
  { files: ['**/*.test.ts'], rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' } },
  { files: ['dev/**', 'ops/**', 'bench/**'], rules: { 'no-console': 'off' } },

  law(
    ['topology/**/*.ts'],
    ['streams', 'sinks', 'pipeline', 'ops', 'dev'],
    'topology imports only topology and schemas.',
    [
      {
        group: ['node:*', 'rxjs', 'rxjs/*', 'pg', '@aws-sdk/*', 'pino'],
        message: 'topology decides: it touches nothing.',
      },
    ],
  ),
  law(
    ['schemas/**/*.ts'],
    ['topology', 'streams', 'sinks', 'pipeline', 'ops', 'dev'],
    'schemas stand below everything.',
  ),
  law(['streams/**/*.ts'], ['sinks', 'pipeline', 'ops', 'dev'], 'streams moves: it imports topology and schemas.'),
  law(['sinks/**/*.ts'], ['streams', 'pipeline', 'ops', 'dev'], 'sinks lands: it imports topology and schemas.'),
  law(['pipeline/**/*.ts'], ['streams', 'sinks', 'ops', 'dev'], 'pipeline looks: it imports topology and schemas.'),
  // The composition root sees every folder; the Kafka client lives in its own.
  { files: ['streams/main/**/*.ts', 'streams/kafka/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['topology/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['Date', 'setTimeout', 'setInterval', 'process', 'console', 'Promise', 'fetch', 'performance', 'crypto'].map(
          name => ({ name, message: 'topology decides: pure functions only (docs/architecture.md).' }),
        ),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'A step is pure.' }],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'A step is synchronous: it must fit inside a commit.' },
      ],
    },
  },
  {
    // Inside the commit boundary a batch is moved synchronously; RxJS's own time and promises would leave it.
    files: ['streams/operators/**/*.ts', 'streams/task/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'rxjs',
              importNames: [
                'mergeMap',
                'concatMap',
                'switchMap',
                'exhaustMap',
                'delay',
                'timeout',
                'interval',
                'timer',
                'debounceTime',
                'throttleTime',
                'auditTime',
                'bufferTime',
                'windowTime',
                'from',
                'defer',
                'asyncScheduler',
              ],
              message: 'No asynchronous or time operator inside the commit boundary (docs/architecture.md).',
            },
          ],
          patterns: mayNotImport(['sinks', 'pipeline', 'ops', 'dev'], 'streams moves: it imports topology and schemas.')
            .patterns,
        },
      ],
    },
  },
)
