import { once } from 'node:events'
import type { Lease, Log, Report, UnitLedger, UnitToPreload } from './ports.ts'
import { preload, type Preloaded, type PreloadContext } from './preload.ts'
import { type RunContext, runUnit } from './run-unit.ts'
import { PipelineAborted, PipelineTimeout } from './thread-runner.ts'

export interface WorkerOptions {
  readonly id: string
  readonly ledger: UnitLedger
  readonly report: Report
  readonly preload: PreloadContext
  readonly run: RunContext
  readonly log: Log
  /** Detectors remembered as held: what the calibration cache can keep. */
  readonly holdsLimit: number
  /** How often the ledger is asked when nothing wakes the worker, ms. */
  readonly pollMs: number
  readonly heartbeatMs: number
  /** How long a drain lets the unit in hand go on, ms. */
  readonly drainMs: number
  /** Ends by itself, between units, after so many: memory that an algorithm leaks is given back so. 0: never. */
  readonly maxUnits: number
  /** Resolves when the ledger may have work (a lossy hint), after `ms` at the latest, or when aborted. */
  readonly wake: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface RunningWorker {
  /**
   * Takes no more work and resolves when nothing is in hand: the unit in hand may finish within `drainMs`, and is handed back then, so
   * that another worker begins it at once and nobody waits for a lease to lapse. Claims of units that were only preloaded are given up.
   */
  drain(): Promise<void>
  /** Resolves when it has ended, by a drain or by itself. */
  readonly ended: Promise<void>
}

/**
 * Leases ready units first and only then prepares for an announced one; at most one of each at a time.
 * A preload is a promise kept beside the loop: a unit that becomes ready meanwhile is run at once, and its preload, if
 * it is the one in hand, is awaited instead of begun anew.
 */
export function startWorker(options: WorkerOptions): RunningWorker {
  const stopping = new AbortController()
  const leaving = new AbortController()
  const ended = loop(options, stopping.signal, leaving.signal).finally(() => options.run.thread.close())
  return {
    ended,
    drain: async () => {
      stopping.abort('draining')
      const patience = setTimeout(() => leaving.abort('the worker must end'), options.drainMs)
      await ended.finally(() => clearTimeout(patience))
    },
  }
}

/** A unit that is being prepared for. */
interface InHand {
  readonly unit: string
  readonly inputs: Promise<Preloaded>
  /** The claim is over: the unit is ready, and then the next lease is likely to be it, or it is nothing to us any more. */
  over: boolean
}

async function loop(options: WorkerOptions, stop: AbortSignal, leave: AbortSignal): Promise<void> {
  const me = { id: options.id, holds: [] as string[] }
  let inHand: InHand | undefined
  let units = 0
  while (!stop.aborted && (options.maxUnits === 0 || units < options.maxUnits)) {
    try {
      const lease = await options.ledger.lease(me)
      if (lease) {
        const prepared = inHand?.unit === lease.unit ? inHand.inputs : undefined
        if (prepared) inHand = undefined
        units++
        await work(lease, prepared, options, leave)
        const detector = `${lease.announcement.instrument}/${lease.detector}`
        me.holds = [detector, ...me.holds.filter(held => held !== detector)].slice(0, options.holdsLimit)
        continue
      }
      if (inHand?.over) inHand = undefined
      if (inHand) {
        inHand.over = !(await options.ledger.holdPreload(inHand.unit, options.id))
        if (inHand.over) continue
      } else {
        const next = await options.ledger.claimPreload(me)
        if (next) inHand = begin(next, options)
      }
      await options.wake(options.pollMs, stop)
    } catch (error) {
      options.log.error({ err: error }, 'the ledger could not be asked for work; trying again')
      await options.wake(options.pollMs, stop)
    }
  }
  if (inHand) await drop(inHand, options, leave)
}

/** A worker that ends prepares for nothing more: another need not wait for the claim to lapse. */
async function drop({ unit }: InHand, { ledger, id, log }: WorkerOptions, leave: AbortSignal): Promise<void> {
  await unlessAborted(leave, () => ledger.dropPreload(unit, id)).catch((error: unknown) =>
    log.warn({ unit, err: error }, 'the preload claim could not be given back; it will lapse'),
  )
}

function begin(unit: UnitToPreload, options: WorkerOptions): InHand {
  options.log.info({ unit: unit.unit }, 'preloading')
  const inputs = preload(unit, options.preload)
  // A preload that fails is tried again by the run itself; until somebody awaits it, its failure is only a warning.
  inputs.catch((error: unknown) =>
    options.log.warn({ unit: unit.unit, err: error }, 'preload failed; the run will try again'),
  )
  return { unit: unit.unit, inputs, over: false }
}

/** Runs a leased unit to its report. Whatever a retry may heal goes back to the ledger with its reason. */
async function work(
  lease: Lease,
  prepared: Promise<Preloaded> | undefined,
  options: WorkerOptions,
  leave: AbortSignal,
): Promise<void> {
  const { ledger, log } = options
  const mine = { unit: lease.unit, attempt: lease.attempt, epoch: lease.epoch }
  log.info({ ...mine, raws: lease.raws.length, preloaded: prepared !== undefined }, 'unit leased')
  const lost = new AbortController()
  const heart = setInterval(() => void beat(lease, lost, options), options.heartbeatMs)
  try {
    const result = await unlessAborted(AbortSignal.any([lost.signal, leave]), async signal => {
      const inputs = (await prepared?.catch(() => undefined)) ?? (await preload(lease, options.preload))
      return runUnit(lease, inputs, options.run, signal)
    })
    if (lost.signal.aborted) return
    log.debug(mine, 'unit has run')
    await options.report(result, lease.at)
    // The report is out: without the mark the lease merely lapses, unless associate is faster. To give the unit back would be to do it twice.
    await ledger
      .reported(lease.unit, lease.epoch)
      .catch((error: unknown) => log.warn({ ...mine, err: error }, 'the report is sent but could not be marked'))
    const { outcome, reason, detail, sources, metrics } = result
    log.info(
      { ...mine, outcome, reason, detail, sources: sources.length, seconds: metrics['pipelineSeconds'] },
      'unit reported',
    )
  } catch (error) {
    if (lost.signal.aborted) return void log.warn(mine, 'lease lost; result discarded')
    if (error instanceof PipelineAborted) {
      log.warn(mine, 'the worker must end; unit handed back')
      return void (await ledger.handBack(lease.unit, lease.epoch))
    }
    log.warn({ ...mine, err: error }, 'unit given back for a retry')
    const { name, message } = error as Error
    const reason = error instanceof PipelineTimeout ? 'pipeline-timeout' : 'interrupted'
    await ledger.release(lease.unit, lease.epoch, { reason, detail: `${name}: ${message}` })
  } finally {
    clearInterval(heart)
  }
}

/** Waits no longer than until the abort, whatever the work hangs on: a store that does not answer hears no signal. */
async function unlessAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (signal.aborted) throw new PipelineAborted(String(signal.reason))
  const heard = new AbortController()
  const aborted = once(signal, 'abort', { signal: heard.signal }).then(() => {
    throw new PipelineAborted(String(signal.reason))
  })
  try {
    return await Promise.race([work(signal), aborted])
  } finally {
    heard.abort()
  }
}

/** A ledger that cannot be reached is no reason to stop: the lease may still be ours, and the commit is guarded anyway. */
async function beat(lease: Lease, lost: AbortController, { ledger, log }: WorkerOptions): Promise<void> {
  try {
    if (!(await ledger.heartbeat(lease.unit, lease.epoch))) lost.abort("the lease is somebody else's now")
  } catch (error) {
    log.warn({ unit: lease.unit, err: error }, 'heartbeat failed')
  }
}
