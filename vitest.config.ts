import { defineConfig } from 'vitest/config'

/** The suffix says the price (docs/architecture.md): nothing · nothing, but many seeds · services · services and minutes. */
const tests = (suffix: string) => `**/*.${suffix}.ts`
const elsewhere = ['**/node_modules/**', 'dist/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [tests('test')],
          exclude: [...elsewhere, ...['sim.test', 'int.test', 'fault.test'].map(tests)],
          testTimeout: 20_000,
        },
      },
      { test: { name: 'sim', include: [tests('sim.test')], exclude: elsewhere, testTimeout: 120_000 } },
      {
        test: {
          name: 'int',
          include: [tests('int.test')],
          exclude: elsewhere,
          globalSetup: ['dev/services/vitest-setup.ts'],
          // The services are shared and the machine is small: files take turns, so that a time-out means a fault.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'fault',
          include: [tests('fault.test')],
          exclude: elsewhere,
          globalSetup: ['dev/services/vitest-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
