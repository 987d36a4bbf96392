import { applyPlan } from '../../../ops/replay/command.ts'
import { avroType } from '../../../schemas/codec.ts'
import { FORGOT } from '../../../sinks/publish/kept.ts'
import type { Querier } from '../../../sinks/postgres/pool.ts'
import { partitionsOfTopic, readCommitted } from '../../../streams/read-topic.ts'
import { groupOf } from '../../../topology/model/names.ts'
import { detectorJob } from '../../../topology/streams.ts'
import type { Bench } from '../bench.ts'
import type { Fault, Scene } from '../fault.ts'
import type { Entry } from '../lines.ts'
import { aborted } from './replies.ts'
import { isPublished, TOLD } from './services.ts'

/** The database that dies right after it has acknowledged something, and comes back, or is followed by another one. */

const isLanded = (entry: Entry) => entry['msg'] === 'report landed' && entry['landing'] === 'committed'

/** Units of the lines that `wanted` recognises, from now on. */
function gather(scene: Scene, wanted: (entry: Entry) => boolean): readonly string[] {
  const units: string[] = []
  const note = (entry: Entry) => (wanted(entry) && units.push(String(entry['unit'])), false)
  scene.bench.lines.next(note, scene.signal).catch(() => undefined)
  return units
}

/** Waits until it holds. */
async function until(scene: Scene, signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  for (; !(await holds()); await scene.sleep(0.3)) signal.throwIfAborted()
}

/** Those that the database has not as committed. */
async function missing(pool: Querier, units: readonly string[]): Promise<string[]> {
  const asked = `select key from unit where key = any($1) and work in ('committed', 'published')`
  const { rows } = await pool.query<{ key: string }>(asked, [units])
  const there = new Set(rows.map(({ key }) => key))
  return units.filter(unit => !there.has(unit))
}

/** SIGKILL for the database in the moment in which somebody says that a unit is committed; gives that unit. */
async function killLanded(scene: Scene): Promise<string> {
  const { lines, databases } = scene.bench
  let unit!: string
  await scene.seconds('a commit was acknowledged', async signal => {
    unit = String((await lines.next(isLanded, signal))['unit'])
    await databases.kill()
  })
  scene.say(`SIGKILL for the database: ${unit} was just committed`)
  return unit
}

async function expectKept(scene: Scene, units: readonly string[]): Promise<void> {
  const lost = await missing(scene.bench.pool, units)
  if (lost.length > 0) throw new Error(`${lost.length} units were committed and are not any more: ${lost.join(', ')}`)
  scene.say(`all ${units.length} units whose commits were acknowledged are committed`)
}

const nextAlerts = (scene: Scene) =>
  scene.seconds('a unit has its alerts out', it => scene.bench.lines.next(isPublished, it))

const killedLanded: Fault = {
  name: 'postgres-kill-landed',
  what: "Postgres's first process dies hard right after it has acknowledged a commit, and comes back",
  how: "SIGKILL for the postmaster at the line of associate's log that says that a unit is committed; started anew 3 s later",
  invariant: 'The unit is still committed.',
  recovery: TOLD,
  strike: async scene => {
    await scene.until(5, 10)
    const unit = await killLanded(scene)
    await scene.sleep(3)
    await scene.bench.services.revive('postgres')
    scene.say('postgres answers again')
    await expectKept(scene, [unit])
    return nextAlerts(scene)
  },
}

/** Units that are committed, and told where that is asked, before the primary dies. */
const SEVERAL = 3

const failover: Fault = {
  name: 'postgres-failover',
  what: 'Postgres dies hard right after it has acknowledged a commit, and its synchronous standby takes over',
  how: 'a streaming standby, for which each commit waits; SIGKILL for the primary at the line of a log that says that a unit is committed; then the standby is promoted, and the proxy leads to it',
  invariant: 'Every unit whose commit was acknowledged is committed.',
  recovery: 'from the moment the standby leads until the next unit has its alerts out',
  stand: 'failover',
  options: { lone: ['dispatch'] },
  strike: async scene => {
    const landed = gather(scene, isLanded)
    const standby = await scene.bench.databases.follow('synchronous')
    scene.say('a synchronous standby follows')
    await scene.until(5, 9)
    await scene.seconds('several units are committed', it => until(scene, it, async () => landed.length >= SEVERAL))
    await killLanded(scene)
    await standby.lead()
    scene.say('the standby leads')
    await expectKept(scene, [...landed])
    return nextAlerts(scene)
  },
}

/** The processes that write what the entrances have decided: all of the effects. */
const WRITERS = ['effects', 'effects-2', 'dispatch'] as const
/** Stages whose work lies in the database, and that can be told to do it again. */
const RESET = ['dispatch', 'repo-sync']

/** In good order; resolves when they are gone and no group of what is reset has a member. */
async function stopWriters(scene: Scene): Promise<void> {
  const { system, client } = scene.bench
  const pids = system.pids()
  await Promise.all(
    WRITERS.map(name => {
      const gone = system.dies(name)
      process.kill(pids.get(name)!, 'SIGTERM')
      return gone
    }),
  )
  for (const stage of RESET)
    while ((await client.members(groupOf(system.config.app, stage))) > 0) await scene.sleep(0.2)
  scene.say(`${WRITERS.join(', ')} are stopped`)
}

/** Whether each decision is in the ledger, or came when the unit or its attempt had ended. */
async function knowsAll({ client, pool }: Bench): Promise<boolean> {
  const { decode } = avroType('detector-job')
  const said = (await readCommitted(client, await partitionsOfTopic(client, detectorJob.topic)))
    .filter(({ value }) => value?.length)
    .map(({ key, value }) => ({ unit: String(key), ...decode(value!.subarray(5)) }))
  const { rows } = await pool.query(
    `select from unnest($1::text[], $2::bigint[], $3::int[]) as said (key, attempt, decision) left join unit using (key)
     where ((unit.attempt, unit.decision) >= (said.attempt, said.decision) or terminal_at is not null) is not true`,
    [said.map(({ unit }) => unit), said.map(({ attempt }) => attempt), said.map(({ number }) => number)],
  )
  return rows.length === 0
}

/** What docs/replay.md has operators do while the writers are stopped: dispatch first and alone, then all. */
async function orderAgain(scene: Scene, from: number): Promise<void> {
  const { bench } = scene
  const order = { reason: 'the database has failed over to a copy that was behind', by: 'operator' }
  const what = { from: new Date(from).toISOString(), stages: RESET.join(',') }
  await applyPlan(bench.system.config, { ...what, ...order }, () => undefined)
  scene.say(`${what.stages} are to do again what has come since ${what.from}`)
  await bench.system.restart('dispatch')
  await scene.seconds('dispatch has told the ledger all', it => until(scene, it, () => knowsAll(bench)))
  await Promise.all(['effects', 'effects-2'].map(name => bench.system.restart(name as 'effects')))
  scene.say('the effects run again')
}

const failoverBehind: Fault = {
  name: 'postgres-failover-behind',
  what: 'Postgres dies hard, and the standby that takes over has not got its last seconds: units are forgotten whose alerts are out',
  how: `an asynchronous standby whose network is cut; SIGKILL for the primary when ${SEVERAL} units and more have been told since; the effects are stopped, the standby is promoted, and the proxy leads to it; when the alarm is there, what docs/replay.md says: \`${RESET.join('` and `')}\` are reset to a minute before the cut, dispatch is started first, the other effects when it has caught up`,
  invariant: 'Publish says `database-forgot`; each unit that was told is committed again, and nothing is sent twice.',
  recovery: 'from the moment the effects run again until each unit that was told is committed again',
  stand: 'failover',
  options: { lone: ['dispatch'] },
  patienceSeconds: 180,
  strike: async scene => {
    const { databases, lines, pool } = scene.bench
    const standby = await databases.follow('asynchronous')
    scene.say('an asynchronous standby follows')
    await scene.until(5, 8)
    standby.network.refuse()
    const cutAt = Date.now()
    scene.say('its network is cut')
    const [landed, told] = [gather(scene, isLanded), gather(scene, isPublished)]
    await scene.seconds(`${SEVERAL} units are told that it does not know`, it =>
      until(scene, it, async () => told.filter(unit => landed.includes(unit)).length >= SEVERAL),
    )
    await scene.sleep(2 * scene.random.uniform())
    await databases.kill()
    scene.say('SIGKILL for the primary')
    await stopWriters(scene)
    const alarm = lines.next(({ code }) => code === FORGOT, scene.signal)
    alarm.catch(() => undefined)
    const out = [...told]
    await standby.lead()
    const forgotten = await missing(pool, out)
    scene.say(`the standby leads; of ${out.length} units that were told since the cut it has not ${forgotten.length}`)
    if (forgotten.length === 0) throw new Error('nothing was forgotten: the fault has missed its window')
    await scene.seconds(`publish says ${FORGOT}`, it => Promise.race([alarm, aborted(it)]))
    await orderAgain(scene, cutAt - 60_000)
    return scene.seconds('each of them is committed again', it =>
      until(scene, it, async () => (await missing(pool, out)).length === 0),
    )
  },
}

export const failovers: readonly Fault[] = [failover, failoverBehind]
export { killedLanded }
