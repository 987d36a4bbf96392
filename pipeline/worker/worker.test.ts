import { expect, it, vi } from 'vitest'
import type { Announcement, PipelineResult } from '../../schemas/avro/generated.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import type { Lease, ObjectStore, UnitToPreload } from './ports.ts'
import { calibrationCache } from './preload.ts'
import { emptySky } from './testing/repository.ts'
import { PipelineTimeout } from './thread-runner.ts'
import { startWorker } from './worker.ts'

const announcement: Announcement = {
  ...{ instrument: 'LATISS', group: 'g', salIndex: 2, scriptSalIndex: 1, ra: 10, dec: -20, rotation: 0 },
  dome: 'OPEN',
  ...{ filters: 'SDSSr_65mm~empty', duration: 20, nimages: 1, survey: 'BLOCK-365', totalCheckpoints: 1 },
  ...{ startTimeTai: 0, publishedAt: Date.UTC(2026, 10, 22) },
}
const announced = (unit: string): UnitToPreload => ({
  unit,
  announcement,
  detector: 0,
  pipelines: ['Isr'],
  deadline: 1,
})
const leaseOf = (unit: string, epoch = 1): Lease => ({
  ...announced(unit),
  ...{ epoch, attempt: 0, at: 5, leasedAt: 6 },
  raws: [
    {
      at: 5,
      raw: {
        ...{ instrument: 'LATISS', group: 'g', detector: 0, snap: 0, exposure: 2026112200001n, bucket: 'raw' },
        ...{ key: 'k.fits', size: null, eTag: null },
      },
    },
  ],
})
const outputs: ImageOutputs = {
  ...{ boundary: [], width: 1, height: 1, midpointMjdTai: 61000, exposureTime: 15, sources: [], forced: [] },
  ...{ cutouts: [], products: [{ datasetType: 'post_isr_image', bytes: new Uint8Array(3) }], metrics: {} },
}
const biasKey = 'LATISS/calib/bias/0/20260101T000000_20270101T000000.fits'

/** A worker between a ledger that hands out what the test says, a store in memory, and a thread that answers at once. */
function setup(more: { readonly drainMs?: number; readonly maxUnits?: number } = {}) {
  const leases: Lease[] = []
  const preloads: UnitToPreload[] = []
  const said: string[] = []
  const reports: PipelineResult[] = []
  const reads: string[] = []
  let alive = true
  let holding = true
  let isMarkable = true
  let isLedgerAway = false
  let readRaw = async (): Promise<Uint8Array> => new Uint8Array(1)
  // A bell: rung while nobody listens, it rings for the next who does.
  let rung = false
  let wake = () => {}
  const get = async (_bucket: string, key: string) => {
    reads.push(key)
    return key === 'k.fits' ? readRaw() : new Uint8Array(1)
  }
  const store: ObjectStore = {
    get,
    getShared: get,
    put: async (_bucket, key, bytes) => {
      said.push(`put ${key}`)
      return { size: bytes.length, sha256: 'd' }
    },
    async *list(_bucket, prefix) {
      await Promise.resolve()
      if (biasKey.startsWith(prefix)) yield { key: biasKey }
    },
  }
  const thread = {
    run: vi.fn(async () => ({ outputs })),
    close: async () => void said.push('closed'),
  }
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const cache = calibrationCache(2)
  const worker = startWorker({
    id: 'w',
    ledger: {
      lease: async ({ holds }) => {
        if (isLedgerAway) throw new Error('the database is away')
        const lease = leases.shift()
        if (lease) said.push(`lease ${lease.unit} holding ${holds.join()}`)
        return lease
      },
      claimPreload: async () => preloads.shift(),
      holdPreload: async () => holding,
      dropPreload: async unit => {
        if (isLedgerAway) throw new Error('the database is away')
        said.push(`dropped ${unit}`)
      },
      heartbeat: async () => {
        if (isLedgerAway) throw new Error('the database is away')
        return alive
      },
      reported: async (unit, epoch) => {
        if (!isMarkable || isLedgerAway) throw new Error('the database is away')
        said.push(`reported ${unit} ${epoch}`)
      },
      release: async (unit, epoch, { reason }) => {
        if (isLedgerAway) throw new Error('the database is away')
        said.push(`released ${unit} ${epoch} ${reason}`)
      },
      handBack: async (unit, epoch) => void said.push(`handed back ${unit} ${epoch}`),
    },
    report: async result => {
      said.push(`report ${result.outcome}`)
      reports.push(result)
    },
    preload: {
      ...{ store, bucket: 'central', paddingArcsec: 30, cache, history: { objectsIn: async () => [] } },
      ...emptySky,
      geometry: () => undefined,
    },
    run: {
      worker: 'w',
      store,
      bucket: 'central',
      thread,
      deployment: 'dep',
      deadlineMs: 1000,
      paddingArcsec: 30,
      now: () => 7,
    },
    ...{ log, holdsLimit: 2, pollMs: 60_000, heartbeatMs: 5, drainMs: 10_000, maxUnits: 0, ...more },
    wake: async (_ms, signal) => {
      if (!rung && !signal.aborted) {
        await new Promise<void>(resolve => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      rung = false
    },
  })
  const until = (line: string) => vi.waitUntil(() => said.includes(line), { interval: 1 })
  return {
    ...{ leases, preloads, said, reports, reads, worker, thread, until },
    ring: () => {
      rung = true
      wake()
    },
    lose: () => (alive = false),
    ledgerAway: (isAway: boolean) => (isLedgerAway = isAway),
    rawIs: (read: typeof readRaw) => (readRaw = read),
    withdraw: () => (holding = false),
    unmarkable: () => (isMarkable = false),
  }
}

it('runs a ready unit, stores under its attempt, reports, then marks, and holds its calibrations', async () => {
  const { leases, said, reports, ring, until, worker } = setup()
  leases.push(leaseOf('LATISS/g/0'), leaseOf('LATISS/h/0', 2))
  ring()
  await until('reported LATISS/h/0 2')
  expect(said.slice(0, 4)).toEqual([
    'lease LATISS/g/0 holding ',
    'put LATISS/prompt/output-2026-11-22/Isr/dep/g/0/a0-e1/post_isr_image.fits',
    'report succeeded',
    'reported LATISS/g/0 1',
  ])
  expect(said[4]).toBe('lease LATISS/h/0 holding LATISS/0')
  expect(reports[0]).toMatchObject({ visit: 2026112200001n, exposures: [2026112200001n], pipeline: 'Isr', epoch: 1 })
  await worker.drain()
  expect(said.at(-1)).toBe('closed')
})

it('prepares for an announced unit, and reads nothing twice when it becomes ready', async () => {
  const { leases, preloads, reads, ring, until, worker } = setup()
  preloads.push(announced('LATISS/g/0'))
  ring()
  await vi.waitUntil(() => reads.includes(biasKey), { interval: 1 })
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await until('reported LATISS/g/0 1')
  expect(reads).toEqual([biasKey, 'k.fits'])
  await worker.drain()
})

it('lets go of a unit that was withdrawn, and prepares for the next', async () => {
  const { preloads, ring, withdraw, worker } = setup()
  preloads.push(announced('LATISS/g/0'))
  ring()
  await vi.waitUntil(() => preloads.length === 0, { interval: 1 })
  withdraw()
  preloads.push(announced('LATISS/h/0'))
  const ringing = setInterval(ring, 1)
  await vi.waitUntil(() => preloads.length === 0, { interval: 1 })
  clearInterval(ringing)
  await worker.drain()
})

it('gives up, when it ends, the claim of the unit that it prepares for, and ends also where it cannot', async () => {
  for (const isAway of [false, true]) {
    const { preloads, said, ring, ledgerAway, worker } = setup()
    preloads.push(announced('LATISS/g/0'))
    ring()
    await vi.waitUntil(() => preloads.length === 0, { interval: 1 })
    ledgerAway(isAway)
    await worker.drain()
    expect(said).toEqual(isAway ? ['closed'] : ['dropped LATISS/g/0', 'closed'])
  }
})

it('gives a unit back, with its reason, after what a retry may heal', async () => {
  const { leases, thread, ring, until, worker } = setup()
  thread.run.mockRejectedValueOnce(new PipelineTimeout('no answer'))
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await until('released LATISS/g/0 1 pipeline-timeout')
  thread.run.mockRejectedValueOnce(new Error('503'))
  leases.push(leaseOf('LATISS/g/0', 2))
  ring()
  await until('released LATISS/g/0 2 interrupted')
  await worker.drain()
})

it('does not give a unit back whose report is out, though the mark failed', async () => {
  const { leases, said, ring, until, unmarkable, worker } = setup()
  unmarkable()
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await until('report succeeded')
  await worker.drain()
  expect(said.filter(line => line.startsWith('released'))).toEqual([])
})

it('discards a result whose lease is lost', async () => {
  const { leases, said, thread, lose, ring, worker } = setup()
  const aborted = vi.fn()
  thread.run.mockImplementationOnce((async (_job: unknown, { signal }: { signal: AbortSignal }) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    aborted()
    throw new Error('aborted')
  }) as never)
  lose()
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await vi.waitUntil(() => aborted.mock.calls.length > 0, { interval: 1 })
  await worker.drain()
  expect(said).toEqual(['lease LATISS/g/0 holding ', 'closed'])
})

it('on SIGTERM lets the unit in hand finish, and takes no other', async () => {
  const { leases, said, thread, ring, worker } = setup()
  let finish!: () => void
  thread.run.mockImplementationOnce(() => new Promise(resolve => (finish = () => resolve({ outputs }))))
  leases.push(leaseOf('LATISS/g/0'), leaseOf('LATISS/h/0'))
  ring()
  await vi.waitUntil(() => thread.run.mock.calls.length > 0, { interval: 1 })
  const drained = worker.drain()
  finish()
  await drained
  expect(said.slice(-2)).toEqual(['reported LATISS/g/0 1', 'closed'])
  expect(leases).toHaveLength(1)
})

it.each([
  ['the pipeline', { reads: false }],
  ['a store that does not answer', { reads: true }],
])('on SIGTERM hands the unit back when its time is over, whatever hangs: %s', async (_, { reads: hangs }) => {
  const { leases, said, thread, rawIs, ring, until, worker } = setup({ drainMs: 20 })
  const never = new Promise<never>(() => {})
  if (hangs) rawIs(() => never)
  else thread.run.mockImplementationOnce(() => never)
  leases.push(leaseOf('LATISS/g/0', 4))
  ring()
  await until('lease LATISS/g/0 holding ')
  await worker.drain()
  expect(said).toEqual(['lease LATISS/g/0 holding ', 'handed back LATISS/g/0 4', 'closed'])
})

it('ends by itself, between units, when it has done its number', async () => {
  const { leases, said, ring, worker } = setup({ maxUnits: 2 })
  leases.push(leaseOf('LATISS/g/0'), leaseOf('LATISS/h/0'), leaseOf('LATISS/i/0'))
  ring()
  await worker.ended
  expect(said.filter(line => line.startsWith('reported'))).toEqual(['reported LATISS/g/0 1', 'reported LATISS/h/0 1'])
  expect(said.at(-1)).toBe('closed')
  expect(leases).toHaveLength(1)
})

it('keeps its unit while the ledger is away, reports it, and comes back for the next', async () => {
  const { leases, said, thread, ledgerAway, ring, until, worker } = setup()
  let finish!: () => void
  thread.run.mockImplementationOnce(() => new Promise(resolve => (finish = () => resolve({ outputs }))))
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await vi.waitUntil(() => thread.run.mock.calls.length > 0, { interval: 1 })
  ledgerAway(true)
  await new Promise(resolve => setTimeout(resolve, 20))
  finish()
  await until('report succeeded')
  ledgerAway(false)
  leases.push(leaseOf('LATISS/h/0'))
  const ringing = setInterval(ring, 1)
  await until('reported LATISS/h/0 1')
  clearInterval(ringing)
  await worker.drain()
  expect(said.filter(line => /released|handed/.test(line))).toEqual([])
})

it('goes on though it could not even give its unit back', async () => {
  const { leases, thread, ledgerAway, ring, until, worker } = setup()
  thread.run.mockImplementationOnce(async () => {
    ledgerAway(true)
    throw new Error('503')
  })
  leases.push(leaseOf('LATISS/g/0'))
  ring()
  await vi.waitUntil(() => thread.run.mock.calls.length > 0, { interval: 1 })
  await new Promise(resolve => setTimeout(resolve, 5))
  ledgerAway(false)
  leases.push(leaseOf('LATISS/h/0'))
  const ringing = setInterval(ring, 1)
  await until('reported LATISS/h/0 1')
  clearInterval(ringing)
  await worker.drain()
})

it('gives a unit back when the store fails, and takes the next', async () => {
  const { leases, rawIs, ring, until, worker } = setup()
  rawIs(async () => {
    rawIs(async () => new Uint8Array(1))
    throw new Error('the store answers 503')
  })
  leases.push(leaseOf('LATISS/g/0'), leaseOf('LATISS/h/0'))
  ring()
  await until('released LATISS/g/0 1 interrupted')
  await until('reported LATISS/h/0 1')
  await worker.drain()
})

it('keeps the calibrations used last, and drops no more than it must', () => {
  const cache = calibrationCache(2)
  const kept = () => ['a', 'b', 'c'].filter(key => cache.get(key))
  for (const key of ['a', 'b', 'b', 'a']) cache.set(key, new Uint8Array(1))
  expect(kept()).toEqual(['a', 'b'])
  cache.get('a')
  cache.set('c', new Uint8Array(1))
  expect(kept()).toEqual(['a', 'c'])
})
