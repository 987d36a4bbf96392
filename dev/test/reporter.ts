import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import type { Counts } from './counts.ts'

/** A vitest reporter that writes the run's counts to `$TEST_COUNTS_FILE` for `dev/test/main.ts`. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests()]).map(test => test.result().state)
    const count = (state: string) => tests.filter(found => found === state).length
    // A file or `describe` that fails outside of its tests, e.g. on import or in a hook, has no failed test to show.
    const broken = modules.filter(module => module.state() === 'failed' && !hasFailedTest(module)).length
    const counts: Counts = {
      passed: count('passed'),
      failed: count('failed') + count('pending') + broken + errors.length,
      skipped: count('skipped'),
    }
    writeFileSync(process.env.TEST_COUNTS_FILE!, JSON.stringify(counts))
  }
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests('failed')].length > 0
}
