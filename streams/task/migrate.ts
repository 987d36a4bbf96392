import { Unrecoverable } from './faults.ts'
import type { TaskStore } from './journal.ts'
import type { TaskPlan } from './plan.ts'

/**
 * Brings states that an older version of the step has written up to ours, by the migrations that it declares. They are committed with
 * the first transaction, all and at once: until then an older process could take the task back, and finds what it had left. Example: states of
 * version 1, and a step with the migrations [a, b]: each state becomes b(a(state)), and the next commit says version 3.
 */
export function migrate(store: TaskStore, { stage, stateVersion }: TaskPlan, from = stateVersion): void {
  if (from === stateVersion || typeof stage.run === 'string') return
  const migrations = (stage.run.step.migrations ?? []).slice(from - 1)
  for (const [key, state] of [...store.entries()]) {
    try {
      store.set(
        key,
        migrations.reduce((older, migration) => migration(older, key), state),
      )
    } catch (cause) {
      throw new Unrecoverable(
        `${stage.name}: the state of ${key} cannot be brought from version ${from} up: ${String(cause)}`,
        {
          cause,
        },
      )
    }
  }
}
