import { ConfigError } from '../../streams/main/config.ts'
import { isJournaled } from '../../topology/model/names.ts'
import type { Role, Topology } from '../../topology/model/topology.ts'

/** What a reset of each stage that reads comes to. `docs/replay.md` has it in a table, with the reasons. */
export const comesTo: Readonly<Record<string, string>> = {
  'fan-out': 'announcements become units again, with the detectors they had; also those that were parked as stale',
  'raw-intake': 'notifications become arrivals again; a closed window reopens at the first of them',
  'exposure-window': 'closed windows with an event since then reopen, keep what they knew, and judge nothing late',
  'raw-reconcile': 'questions are answered again, and no window waits for the answers: nothing comes of it',
  dispatch: 'decisions are written where the ledger lacks them; what it knows is recognised, and nothing runs again',
  archive: 'alerts that are still on the topic are archived again, the same bytes under the same names',
  'visit-window': 'visits that it has forgotten are summed up anew; to the others nothing is news',
  'repo-sync': 'products are registered where they are missing; each unit is told again on repository-ingested',
  'result-archive': 'reports, commits and retractions are stored again under the names they had',
  metrics: 'metrics are made again, with the ids they had',
}

/** The stages of a list like `fan-out,exposure-window`. @throws ConfigError for one that no reset changes anything for */
export function stagesOf(topology: Topology, list: string): string[] {
  const names = [...new Set(list.split(',').map(name => name.trim()))]
  const allowed = topology.stages
    .filter(stage => isJournaled(stage) && stage.resets !== 'ignored')
    .map(({ name }) => name)
  for (const name of names) {
    if (allowed.includes(name)) continue
    const known = topology.stages.find(stage => stage.name === name)
    const why = known
      ? `A reset of ${name} changes nothing: what it has done is not known by its place in the log`
      : `There is no stage "${name}"`
    throw new ConfigError(`${why}; allowed are ${allowed.join(', ')}`)
  }
  return names
}

export const roleOf = (topology: Topology, name: string): Role =>
  topology.stages.find(stage => stage.name === name)!.role
