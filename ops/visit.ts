import { groupsNear, type UnitRecord, unitsOfGroup } from '../sinks/ledger/visit.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { json, readLedger } from './ledger.ts'
import { visitText } from './visit-text.ts'

/**
 * Prints a visit as ledger and outbox see it; of a group that two instruments share, both.
 * @throws ConfigError naming the groups beside it, where nothing is known of the group
 */
export async function showVisit(
  config: Config,
  group: string,
  options: { readonly json: boolean },
  print: (text: string) => void,
): Promise<void> {
  const { units, near } = await readLedger(config, async pool => {
    const units = await unitsOfGroup(pool, group)
    return { units, near: units.length === 0 ? await groupsNear(pool, group) : [] }
  })
  if (units.length === 0)
    throw new ConfigError(
      `The ledger knows no visit of group "${group}"; ` +
        (near.length > 0 ? `nearest are: ${near.join(', ')}` : 'it knows none at all yet'),
    )
  const visits = new Map<string, UnitRecord[]>()
  for (const unit of units) visits.set(unit.instrument, [...(visits.get(unit.instrument) ?? []), unit])
  if (options.json)
    return print(
      json([...visits].map(([instrument, those]) => ({ instrument, group, ...headOf(those), units: those.map(bare) }))),
    )
  print([...visits.values()].map(visitText).join('\n\n'))
}

/** What all units of a visit share, once. */
const headOf = ([first]: readonly UnitRecord[]) => {
  const { announcement, pipelines, deadline } = first!
  return { announcement, pipelines, deadline }
}
const bare = ({ instrument: _, announcement: _a, pipelines: _p, deadline: _d, ...unit }: UnitRecord) => unit
