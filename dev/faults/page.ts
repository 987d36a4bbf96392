import { existsSync, readFileSync } from 'node:fs'
import type { Run } from './campaign.ts'
import type { Fault } from './fault.ts'
import { allFaults } from './rows/all.ts'

/** The results that are kept: of each fault the last runs, the newest last. */
export type Results = readonly Run[]

const KEPT = 2
const pageFile = new URL('../../docs/faults.md', import.meta.url)
export const resultsFile = new URL('results.json', import.meta.url)

export const readResults = (): Results => JSON.parse(readFileSync(resultsFile, 'utf8')) as Results

/** The page as it is and as it should be: `npm run generate` writes it, as the topology's pages. */
export const faultsPage = () => ({
  path: 'docs/faults.md',
  before: existsSync(pageFile) ? readFileSync(pageFile, 'utf8') : '',
  now: renderPage(allFaults, readResults()),
})

/** Each fault's last runs, in the order of the campaign; what is no fault any more is forgotten. */
export const withRuns = (kept: Results, runs: Results, faults: readonly Fault[]): Results =>
  faults.flatMap(({ name }) => [...kept, ...runs].filter(run => run.name === name).slice(-KEPT))

/** `docs/faults.md` as these results have it. */
export function renderPage(faults: readonly Fault[], results: Results): string {
  const of = ({ name }: Fault) => results.filter(run => run.name === name)
  const runs = results.length
  const held = results.filter(holds).length
  const slow = results.filter(run => holds(run) && run.slow).length
  const seconds = results.reduce((sum, run) => sum + run.seconds, 0)
  return `${HEAD}
The ${runs} runs that are kept took ${(seconds / 60).toFixed(0)} minutes in all; ${held} held (${slow} slowly), ${runs - held} did not.

| fault | what happens | seeds | commits | result | recovery, s | run, s |
|---|---|---|---|---|---|---|
${faults.map(fault => row(fault, of(fault))).join('\n')}

## How, and what must hold besides

${faults.map(paragraph).join('\n')}

${TAIL}`
}

/** What a run has come to where it took longer to recover than it may. */
export const HOLDS_SLOWLY = 'holds, slowly'
const holds = ({ faults }: Run): boolean => faults.length === 0

function resultOf(runs: Results): string {
  const held = runs.filter(holds)
  if (runs.length === 0) return 'not run'
  if (held.length < runs.length) return `${held.length} of ${runs.length} hold`
  const slow = held.filter(run => run.slow).length
  if (slow === 0) return 'holds'
  return slow === runs.length ? HOLDS_SLOWLY : `${HOLDS_SLOWLY} in ${slow} of ${runs.length}`
}

function row({ name, what, allowedSeconds }: Fault, runs: Results): string {
  const each = (value: (run: Run) => string | number | undefined) => runs.map(run => value(run) ?? '–').join(', ')
  const allowed = allowedSeconds === undefined ? '' : ` (${allowedSeconds} allowed)`
  const cells = [
    ...[`\`${name}\``, what, each(run => run.seed), each(run => run.commit), resultOf(runs)],
    each(run => run.recoverySeconds?.toFixed(1)) + allowed,
    each(run => run.seconds.toFixed(1)),
  ]
  return `| ${cells.join(' | ')} |`
}

const paragraph = ({ name, how, invariant, recovery }: Fault) =>
  `- **\`${name}\`**: ${how}. *${invariant}* Recovery: ${recovery}.`

const HEAD = `# Faults

<!-- Written by \`npm run faults -- --write\` from dev/faults/results.json and dev/faults/rows; do not edit. -->

\`npm run faults\` strikes the running system with each of these, one night each, and looks whether anything was lost, doubled or torn. Everything is real: Kafka, Postgres,
an S3 server and a schema registry as processes, each behind a proxy that can fail; two processes of each role and three workers, in which what is killed is killed by the operating system.
The night is LSSTComCam's with all that may go wrong by itself (\`dev/night/adversity\`), without pixels: workers answer with a recorded result. Faults share one system, so that each night finds the state of all before it.

**What must hold on every night**, whatever strikes it:

1. Each unit ends exactly as the night was planned, and is told of exactly once; each bad record is parked once; nothing else is parked, late or unclaimed (\`dev/demo/faults.ts\`, from the topics and the ledger, against the plan).
2. A client that is not ours (Kafka's console consumer, read-committed, from the first record on) finds exactly one alert for each DiaSource in the database, none without one, and one \`detector-result\` for each attempt (\`dev/faults/checker.ts\`).
3. By SQL: the rows of a unit are all of one attempt and one lease, and as many as the ledger says.
4. The journals of all tasks are unbroken: each commit's number follows the one before it.
5. The archive of alerts has the packet of each DiaSource, and none of anything else (\`dev/faults/archived.ts\`; by their names; runs of commits up to 609bae3 were not asked this).
6. No process of ours ends that was not killed.

Moments are seeded; what was done when is kept with each run (\`journal\` in \`dev/faults/results.json\`). What is allowed for a recovery (10 s for the tasks of a dead process, whose session is 6 s) is meant for a machine that has nothing else to do; the campaign ends with an error where it takes longer, and here stands "holds, slowly". Two figures are of two campaigns, the newer one last; a commit is the one that was checked out (\`+\`: with changes), and a dash where it was not kept.
`

const TAIL = `## What is not here

- *Local state deleted, disk full under snapshots*: no process keeps anything on its disk. State is in the journals, and restored from them at each start (every row above that starts a process anew).
- *A rolling upgrade with another shape of the states* needs two versions of the code, and the campaign has one. A small topology is upgraded instead: process by process on a real broker, with a SIGKILL for the first newer one when it has migrated (\`streams/task/task.int.test.ts\`), and seeded in the simulation (\`streams/task/upgrade.sim.test.ts\`).
- Seeds by the thousand, with replies that are late, lost or doubled, are the simulation's (\`npm run test:unit\`): the same task loop on a model of the broker. 50,000 of them in one run came to no fault ([simulation.md](simulation.md)).
- Containers: the campaign needs processes that it may kill, so it starts its services by itself, without an engine.
`
