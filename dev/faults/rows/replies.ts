import { taskName } from '../../../topology/model/topology.ts'
import { alerts } from '../../../topology/streams.ts'
import type { Fault, Scene } from '../fault.ts'
import { isCommit, isEndOfWritingTo, isGiven, isKafkaRequest, isLease, transactionalIdOf } from '../proxy.ts'
import type { Entry } from '../lines.ts'
import { isPublished, timely } from './services.ts'

/** Answers that are lost: what was asked has been done, or not, and nobody knows. */

interface LostReply {
  readonly name: string
  readonly what: string
  /** Whose answers are lost, and which of their requests. */
  readonly proxy: 'kafka' | 'postgres'
  readonly wanted: (request: Buffer) => boolean
  /** Which of the answers; all, where it is not said. */
  readonly matters?: (reply: Buffer) => boolean
  readonly times: number
  readonly invariant: string
  /** Until when it counts as recovery. */
  readonly until: string
  /** Resolves then. */
  readonly goesOn: (scene: Scene, signal: AbortSignal, request: Buffer) => Promise<unknown>
}

const lostReply = ({ name, what, proxy, wanted, matters, times, invariant, until, goesOn }: LostReply): Fault => ({
  ...{ name, what },
  how: `the proxy hands the request on, waits for the answer and cuts the connection instead of giving it; ${times} times`,
  invariant: `Nothing is doubled and nothing lost, whether or not it had happened. ${invariant}`,
  recovery: `from the cut until ${until}; the longest`,
  strike: async scene => {
    const { proxies } = scene.bench
    let longest = 0
    await scene.until(6, 8)
    for (let n = 0; n < times; n++) {
      let request!: Buffer
      await scene.seconds('an answer was lost', async signal => {
        request = await Promise.race([proxies[proxy].loseReplyTo(wanted, matters), aborted(signal)])
      })
      longest = Math.max(longest, await scene.seconds('it goes on', it => goesOn(scene, it, request)))
      await scene.sleep(2 * scene.random.uniform())
    }
    return longest
  },
})

export const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

/** The task whose transaction a request ends; none where it is an operator's. */
export function taskOf(endTxn: Buffer): string | undefined {
  const [, stage, index] = /\.([^.]+)\.(\d+)$/.exec(transactionalIdOf(endTxn)) ?? []
  return stage === undefined ? undefined : taskName(stage, Number(index))
}

async function restored(scene: Scene, signal: AbortSignal, request: Buffer): Promise<void> {
  const task = taskOf(request)!
  await scene.bench.lines.next(entry => entry['msg'] === 'task restored' && entry['task'] === task, signal)
  scene.say(`${task}, whose answer it was, is restored`)
}

const LOST: readonly LostReply[] = [
  {
    name: 'lost-endtxn',
    what: 'the answer to EndTxn is lost: nobody knows whether the transaction was committed',
    proxy: 'kafka',
    wanted: request => isKafkaRequest(26)(request) && taskOf(request) !== undefined,
    times: 4,
    invariant: 'The task that has not got it ends its epoch, and is fenced and restored before it does anything else.',
    until: 'the task whose answer it was has been restored',
    goesOn: restored,
  },
  {
    name: 'lost-sent',
    what: 'the answer to the EndTxn with alerts is lost: publish does not know whether they are out',
    proxy: 'kafka',
    wanted: isEndOfWritingTo(alerts.topic),
    times: 4,
    invariant: 'The entry in `alerts-ledger` says whether they are out: they are sent again only where there is none.',
    until: 'the task of publish whose answer it was has been restored',
    goesOn: restored,
  },
  {
    name: 'lost-produce',
    what: "the answer to Produce is lost, be it a task's or a worker's",
    proxy: 'kafka',
    wanted: isKafkaRequest(0),
    times: 4,
    invariant: 'A task that has not got it goes on in a new epoch.',
    until: 'every task that carries time has committed',
    goesOn: (scene, signal) => scene.bench.lines.going(timely(scene), signal),
  },
  {
    name: 'lost-commit',
    what: 'the answer to COMMIT is lost: nobody knows whether the unit was committed',
    proxy: 'postgres',
    wanted: isCommit,
    times: 6,
    invariant: 'What was committed is found, and not done again.',
    until: 'a unit has its alerts out',
    goesOn: ({ bench }, signal) => bench.lines.next(isPublished, signal),
  },
  {
    name: 'lost-lease',
    what: 'the answer that gives a unit to a worker is lost: the unit is leased, and nobody knows of it',
    proxy: 'postgres',
    wanted: isLease,
    matters: isGiven,
    times: 3,
    invariant: 'The lease lapses, and the unit is leased anew, under a higher epoch.',
    until: 'a unit is leased for the second time; a lease lasts 8 s',
    goesOn: ({ bench }, signal) => bench.lines.next(isLeasedAgain, signal),
  },
]

const isLeasedAgain = (entry: Entry) => entry['msg'] === 'unit leased' && Number(entry['epoch']) > 1

export const lostReplies: readonly Fault[] = LOST.map(lostReply)
