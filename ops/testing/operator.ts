import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import type { WholeSystem } from '../../dev/demo/testing/whole-system.ts'
import type { Config } from '../../streams/main/config.ts'
import { printer } from './config.ts'

/** What an operator has at hand against a system that runs: Kafka's own tool, and the commands of `pp`. */

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** Kafka's own tool, as `npm run kafka` starts it; gives what it said, and rejects with that where it fails. */
export function consumerGroups({ services }: Pick<WholeSystem, 'services'>, ...args: readonly string[]) {
  const tool = ['run', '--silent', 'kafka', '--', 'consumer-groups', '--bootstrap-server', services.kafka.brokers[0]!]
  return new Promise<string>((resolve, reject) => {
    execFile('npm', [...tool, ...args], { cwd: checkout }, (error, said, complained) =>
      error ? reject(new Error(said + complained)) : resolve(said + complained),
    )
  })
}

/** Until the brokers have missed the last member of the group: before that they refuse every order. */
export const untilIdle = ({ client }: Pick<WholeSystem, 'client'>, group: string): Promise<void> =>
  vi.waitFor(async () => expect(await client.members(group)).toBe(0), { timeout: 20_000, interval: 200 })

/** What a command of `pp` prints. */
export async function printed(
  { system }: Pick<WholeSystem, 'system'>,
  command: (config: Config, print: (text: string) => void) => Promise<void>,
): Promise<string> {
  const { print, said } = printer()
  await command(system.config, print)
  return said()
}
