import { ConfigError } from '../streams/main/config.ts'
import type { Instant } from '../topology/model/time.ts'
import { durationOf, instantOf } from './times.ts'

/** What is said beside every order that holds for a while. */
export interface OrderFlags {
  readonly reason: string
  /** Without it, who is logged in. */
  readonly by?: string
  readonly until?: string
  readonly for?: string
}

/** When an order ends by itself, ms UTC; null where nothing is said. @throws ConfigError */
export function untilOf({ until, for: lasting }: Pick<OrderFlags, 'until' | 'for'>, now: Instant): Instant | null {
  if (until !== undefined && lasting !== undefined) throw new ConfigError('--until and --for say the same: give one')
  if (lasting !== undefined) return now + durationOf('--for', lasting)
  return until === undefined ? null : instantOf('--until', until)
}
