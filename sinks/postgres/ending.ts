import type { TerminalState } from '../../schemas/avro/generated.ts'
import type { Querier } from './pool.ts'

/** Columns that the outbox takes over from the unit's row as they are. */
const carried = [
  'attempt',
  'instrument',
  'group_id',
  'detector',
  'completeness',
  'reason',
  'detail',
  'visit',
  'exposures',
  'pipeline',
  'products',
  'dia_sources',
  'dia_objects',
  'deadline',
  'announced_at',
  'last_raw_at',
  'ready_at',
  'leased_at',
  'reported_at',
  'terminal_at',
  'committed_at_mjd_tai',
  'committed_epoch',
  'observation_reason',
  'target_name',
].join(', ')

/**
 * Ends the current attempt of these units: stamps `terminal_at` and writes the one outbox row from which publish tells the world.
 * Call it in the transaction that wrote the terminal state, after that write. `published` is what a committed unit will be once its
 * alerts are out. A second end of the same attempt violates the outbox's key: one attempt, one end.
 */
export async function endUnits(client: Querier, units: readonly string[], terminal: TerminalState): Promise<void> {
  if (units.length === 0) return
  await client.query(
    `with ended as (
       update unit set terminal_at = clock_timestamp(), lease_until = null, preload_worker = null, preload_until = null
       where key = any($1) returning *)
     insert into outbox (unit, shard, terminal, ${carried})
     select key, shard_of(key), $2, ${carried} from ended`,
    [units, terminal],
  )
}
