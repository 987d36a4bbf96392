import kafkajs from 'kafkajs'
import { readCommitted } from '../../../streams/read-topic.ts'
import { journalOf } from '../../../topology/model/names.ts'
import type { ProcessName } from '../../demo/system.ts'
import type { Entry } from '../lines.ts'
import type { Fault } from '../fault.ts'
import { ALLOWED_S } from './processes.ts'
import { aborted } from './replies.ts'
import { LOCK_SKY } from './stalls.ts'
import { kafkaOf } from './strangers.ts'

/** Time that goes wrong, what the cleaner does to our journals, and death inside a transaction of the database. */

const clockDown: Fault = {
  name: 'clock-down',
  what: 'the clock service is away for 20 s',
  how: 'SIGKILL for both of its processes, started anew 20 s later',
  invariant: 'No window closes meanwhile, and none is lost: time has only not passed yet.',
  recovery: 'from the start anew until every window task has taken a watermark, the start of the processes included',
  strike: async scene => {
    const { system, lines } = scene.bench
    await scene.until(14, 18)
    const names: ProcessName[] = ['clock', 'clock-2']
    names.forEach(name => void system.kill(name))
    scene.say('SIGKILL for both clocks')
    // What was said before travels on for a moment.
    await scene.sleep(3)
    const closed: Entry[] = []
    const watching = new AbortController()
    const isClosed = (entry: Entry) => entry['msg'] === 'unit told' && entry['terminal'] === 'missed' && (closed.push(entry), false) // prettier-ignore
    lines.next(isClosed, watching.signal).catch(() => undefined)
    await scene.sleep(17)
    watching.abort()
    if (closed.length > 0) throw new Error(`${closed.length} units were missed while no clock ticked`)
    const tasks = lines.tasks.filter(task => /^(clock|exposure-window)#/.test(task))
    return scene.seconds('every window goes on', signal =>
      Promise.all([lines.going(tasks, signal), ...names.map(name => system.restart(name))]),
    )
  },
}

const AHEAD_MS = 3_600_000

const clockAhead: Fault = {
  name: 'clock-ahead',
  what: "the second clock's host is an hour ahead, and the first one dies",
  how: 'a process of the clock is started anew with a clock that is an hour ahead; SIGKILL for the other one; 10 s later both are as they were',
  invariant:
    'Somebody says `clock-violation`; no window closes before the time of the brokers, and time never goes back.',
  recovery: 'from the end of the second clock until every window task goes on, the start of the processes included',
  strike: async scene => {
    const { bench } = scene
    const { system, lines } = bench
    await system.kill('clock-2')
    await bench.skew(AHEAD_MS)
    // It may have the clock's task at once, and what it then says of time is noticed once.
    const noticed = lines.next(({ code }) => code === 'clock-violation', scene.signal)
    noticed.catch(() => undefined)
    await system.restart('clock-2')
    await bench.skew(0)
    await scene.until(4, 7)
    void system.kill('clock')
    scene.say('SIGKILL for the clock that was right')
    await scene.seconds('somebody has noticed', it => Promise.race([noticed, aborted(it)]))
    await scene.sleep(10)
    const names: ProcessName[] = ['clock', 'clock-2']
    await system.kill('clock-2')
    scene.say('SIGKILL for the one that is ahead')
    const tasks = lines.tasks.filter(task => /^(clock|exposure-window)#/.test(task))
    return scene.seconds('every window goes on', signal =>
      Promise.all([lines.going(tasks, signal), ...names.map(name => system.restart(name))]),
    )
  },
}

const futureStamps: Fault = {
  name: 'future-stamps',
  what: "the observatory's clock is ten minutes ahead: every announcement comes from the future",
  how: 'all stamps of its announcements are ten minutes late',
  invariant: 'Windows close by the time at which the broker took the announcement; no other unit is missed for it.',
  recovery: 'none to count',
  aheadSeconds: 600,
  strike: async scene => {
    scene.say('every stamp is ten minutes ahead')
    return 0
  },
}

const JOURNALS = ['fan-out', 'exposure-window', 'visit-window', 'raw-intake'].map(journalOf)

const compaction: Fault = {
  name: 'compaction',
  what: "the broker's cleaner goes over the journals, and the steps die and restore from what is left",
  how: 'segments of a second, everything cleanable; when the cleaner has been there, both processes of the steps get SIGKILL and are started anew',
  invariant: 'What is restored is the state from before: the same ends.',
  recovery: 'from the start anew until all tasks go on, the start of the processes included',
  compacts: true,
  strike: async scene => {
    const { bench } = scene
    const { system, lines, client } = bench
    const admin = kafkaOf(bench).admin()
    await admin.connect()
    const settings = { 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '100' }
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({
      validateOnly: false,
      resources: JOURNALS.map(name => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: [...configEntries, { name: 'cleanup.policy', value: 'compact' }, { name: 'message.timestamp.type', value: 'LogAppendTime' }] })), // prettier-ignore
    })
    await admin.disconnect()
    scene.say(`segments of one second for ${JOURNALS.join(', ')}`)
    const first = { topic: journalOf('exposure-window'), partition: 0 }
    const commits = async () => (await readCommitted(client, [first])).filter(({ key }) => String(key) === '__c').length
    const before = await commits()
    await scene.seconds('the cleaner has been there', async signal => {
      while ((await commits()) >= before) {
        signal.throwIfAborted()
        await scene.sleep(1)
      }
    })
    scene.say(`of ${before} commit records and those since, ${await commits()} are left`)
    const names: ProcessName[] = ['steps', 'steps-2']
    const tasks = names.flatMap(name => lines.tasksOf(name))
    names.forEach(name => void system.kill(name))
    scene.say('SIGKILL for both processes of the steps')
    return scene.seconds('all their tasks go on', signal =>
      Promise.all([lines.going(tasks, signal), ...names.map(name => system.restart(name))]),
    )
  },
}

/** A process that is in the middle of the APDB's transaction: its inserts wait for our lock on the table. */
const insideTransaction = (fate: 'SIGKILL' | 'SIGSTOP'): Fault => ({
  name: fate === 'SIGKILL' ? 'kill-inside-apdb' : 'stop-inside-apdb',
  what:
    fate === 'SIGKILL'
      ? "associate dies in the middle of the APDB's transaction"
      : "associate stands still in the middle of the APDB's transaction, with the unit's row and the sky locked; then it goes on",
  how: `a session of another program holds the table of sources, so that the transaction waits for it; ${fate} for the process then, and the lock is let go`,
  invariant:
    fate === 'SIGKILL'
      ? 'Nothing of the transaction is there; the unit is committed once, by another.'
      : 'The database ends the session that says nothing; the unit is committed once, by another; the zombie lets go.',
  recovery: `from ${fate} until the last of its tasks goes on elsewhere`,
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    const { pool, lines, system } = scene.bench
    await scene.until(6, 8)
    const session = await pool.connect()
    // A report may be long in coming.
    await session.query(LOCK_SKY)
    const { process: victim } = await lines.next(entry => entry['msg'] === 'report taken up', scene.signal)
    await scene.sleep(1)
    const waiting = await pool.query(
      `select 1 from pg_stat_activity where application_name = 'pp-effects' and wait_event_type = 'Lock'`,
    )
    const tasks = lines.tasksOf(victim)
    const pid = system.pids().get(victim)!
    if (fate === 'SIGKILL') void system.kill(victim)
    else process.kill(pid, 'SIGSTOP')
    scene.say(`${fate} for ${victim}, while ${waiting.rowCount} sessions of associate wait for the table`)
    await session.query('commit')
    session.release()
    if (waiting.rowCount === 0) throw new Error('no transaction was waiting: the fault has missed its window')
    const going = (signal: AbortSignal) => lines.going(tasks, signal, by => by !== victim)
    const seconds = await scene.seconds(`all tasks of ${victim} go on elsewhere`, going)
    if (fate === 'SIGKILL') await system.restart(victim)
    else {
      await scene.sleep(4)
      process.kill(pid, 'SIGCONT')
      scene.say(`SIGCONT for ${victim}`)
    }
    return seconds
  },
})

export const ofTheWorld: readonly Fault[] = [
  ...(['SIGKILL', 'SIGSTOP'] as const).map(insideTransaction),
  clockDown,
  clockAhead,
  futureStamps,
  compaction,
]
