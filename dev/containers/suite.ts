import type { Progress } from '../services/services.ts'
import type { Counts } from '../test/counts.ts'
import { root } from './declared.ts'
import type { Images } from './images.ts'
import type { Shell } from './shell.ts'

/**
 * Runs the integration suite, its services from testcontainers. That it ran on containers is one more thing that must be so: the
 * launcher would take plain processes where it cannot have them.
 */
export async function runSuite(shell: Shell, images: Images, say: Progress): Promise<Counts> {
  say('The integration suite, its services from testcontainers')
  let printed = ''
  const hear = (text: string) => {
    printed += text
    process.stdout.write(text)
  }
  const args = ['--import', import.meta.resolve('tsx'), 'dev/test/main.ts', '--project', 'int']
  // It prints its counts whether or not something failed.
  await shell
    .run(process.execPath, args, { cwd: root, env: images.environment, hear })
    .catch(() => shell.signal.throwIfAborted())
  const lines = printed.split('\n')
  const onContainers = lines.some(line => line.startsWith('Services run as containers'))
  if (!onContainers) say('✗ the suite ran on containers: its launcher took something else')
  const [, passed, failed, skipped] =
    lines.map(line => /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line)).findLast(Boolean) ?? []
  return {
    passed: Number(passed ?? 0) + (onContainers ? 1 : 0),
    failed: Number(failed ?? 1) + (onContainers ? 0 : 1),
    skipped: Number(skipped ?? 0),
  }
}
