import { expect, it, vi } from 'vitest'
import type { Announcement, PipelineResult } from '../../schemas/avro/generated.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import type { Lease, ObjectStore, UnitToPreload } from './ports.ts'
import { calibrationCache } from './preload.ts'
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
function setup() {
  const leases: Lease[] = []
  const preloads: UnitToPreload[] = []
  const said: string[] = []
  const reports: PipelineResult[] = []
  const reads: string[] = []
  let alive = true
  let holding = true
  let isMarkable = true
  // A bell: rung while nobody listens, it rings for the next who does.
  let rung = false
  let wake = () => {}
  const store: ObjectStore = {
    get: async (_bucket, key) => {
      reads.push(key)
      return new Uint8Array(1)
    },
    put: async (_bucket, key, bytes) => {
      said.push(`put ${key}`)
      return { size: bytes.length, sha256: 'd' }
    },
    async *list(_bucket, prefix) {
      await Promise.resolve()
      if (biasKey.startsWith(prefix)) yield { key: biasKey }
    },
  }
  const thread = { run: vi.fn(async () => ({ outputs })), close: async () => void said.push('closed') }
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const cache = calibrationCache(2)
  const worker = startWorker({
    id: 'w',
    ledger: {
      lease: async ({ holds }) => {
        const lease = leases.shift()
        if (lease) said.push(`lease ${lease.unit} holding ${holds.join()}`)
        return lease
      },
      claimPreload: async () => preloads.shift(),
      holdPreload: async () => holding,
      heartbeat: async () => alive,
      reported: async (unit, epoch) => {
        if (!isMarkable) throw new Error('the database is away')
        said.push(`reported ${unit} ${epoch}`)
      },
      release: async (unit, epoch, { reason }) => void said.push(`released ${unit} ${epoch} ${reason}`),
    },
    report: async result => {
      said.push(`report ${result.outcome}`)
      reports.push(result)
    },
    preload: {
      ...{ store, bucket: 'central', paddingArcsec: 30, cache, history: { objectsIn: async () => [] } },
      geometry: () => undefined,
    },
    run: { worker: 'w', store, bucket: 'central', thread, deployment: 'dep', deadlineMs: 1000, now: () => 7 },
    ...{ log, holdsLimit: 2, pollMs: 60_000, heartbeatMs: 5 },
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

it('keeps the calibrations used last', () => {
  const cache = calibrationCache(2)
  for (const key of ['a', 'b']) cache.set(key, new Uint8Array(1))
  cache.get('a')
  cache.set('c', new Uint8Array(1))
  expect(['a', 'b', 'c'].filter(key => cache.get(key))).toEqual(['a', 'c'])
})
