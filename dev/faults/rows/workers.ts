import type { ProcessName } from '../../demo/system.ts'
import type { Fault, Scene } from '../fault.ts'
import type { Entry } from '../lines.ts'
import { armed } from './windows.ts'

/** Workers that die with a unit in hand, or come back with a report that nobody waits for any more. */

const says = (msg: string, unit: unknown) => (entry: Entry) => entry['msg'] === msg && entry['unit'] === unit

/** A seeded worker gives itself the signal at the next line of this kind; resolves with the worker and the unit of that line. */
async function strikeAt(scene: Scene, msg: string, signal: 'SIGKILL' | 'SIGSTOP') {
  const { system, lines } = scene.bench
  const name = scene.pick(system.workers)
  const pid = system.pids().get(name)!
  const said = lines.next(entry => entry.process === name && entry['msg'] === msg, scene.signal)
  const struck = signal === 'SIGKILL' ? system.dies(name) : said
  await armed(scene, { name, pid }, `"msg":"${msg}"`, signal, struck)
  const { unit } = await said
  scene.say(`${name} held ${String(unit)}`)
  return { name, pid, unit }
}

/** Until somebody else's report of the unit is in the database. */
const landed = (scene: Scene, unit: unknown, by: ProcessName) =>
  scene.seconds(`${String(unit)} is done by another than ${by}`, signal =>
    scene.bench.lines.next(entry => says('report landed', unit)(entry) && entry['landing'] === 'committed', signal),
  )

const killLeased: Fault = {
  name: 'kill-leased',
  what: 'a worker dies exactly here: a unit is leased to it, and nothing is done',
  how: 'the process gives itself SIGKILL at the line of its log that says so; started anew afterwards; twice',
  invariant: 'The lease lapses; another worker has the unit, under a higher epoch, and commits it once.',
  recovery: 'from the death until the unit is committed, a lease of 8 s included; the longer',
  strike: async scene => {
    let longest = 0
    await scene.until(5, 7)
    for (let n = 0; n < 2; n++) {
      const { name, unit } = await strikeAt(scene, 'unit leased', 'SIGKILL')
      longest = Math.max(longest, await landed(scene, unit, name))
      await scene.bench.system.restart(name)
    }
    return longest
  },
}

const zombieReport: Fault = {
  name: 'stop-reporting',
  what: 'a worker stands still exactly here, past its lease: the pipeline has run, its report is not sent; it goes on when another one has done the unit',
  how: 'the process gives itself SIGSTOP at the line of its log that says so; SIGCONT when the report of another worker is committed',
  invariant: 'The report of the older lease comes to nothing: `ended-already`.',
  recovery: 'from the stop until the unit is committed, a lease of 8 s included',
  strike: async scene => {
    await scene.until(5, 9)
    const { name, pid, unit } = await strikeAt(scene, 'unit has run', 'SIGSTOP')
    const seconds = await landed(scene, unit, name)
    const refused = scene.seconds('its own report has come to nothing', signal =>
      scene.bench.lines.next(
        entry => says('report landed', unit)(entry) && entry['landing'] === 'ended-already',
        signal,
      ),
    )
    process.kill(pid, 'SIGCONT')
    scene.say(`SIGCONT for ${name}`)
    await refused
    return seconds
  },
}

export const ofWorkers: readonly Fault[] = [killLeased, zombieReport]
