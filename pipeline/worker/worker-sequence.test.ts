import { describe, expect, it } from 'vitest'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import type { Lease, UnitToPreload } from './ports.ts'
import { biasOf, flatOf, GREEN, leaseOf, memoryRepository, RED, TEMPLATE, textOf } from './testing/repository.ts'
import { startWorker } from './worker.ts'

/** One worker that is offered these units to preload, then leases these units one by one, and ends. */
async function run(
  world: ReturnType<typeof memoryRepository>,
  leases: readonly Lease[],
  preloads: UnitToPreload[] = [],
) {
  const ready = [...leases]
  const reports: PipelineResult[] = []
  const released: string[] = []
  const warnings: string[] = []
  const silent = () => {}
  await startWorker({
    ...{ id: 'w', preload: world.preload, run: world.run, holdsLimit: 2, pollMs: 1, heartbeatMs: 1000, drainMs: 1000 },
    maxUnits: leases.length,
    ledger: {
      // What was offered is prepared for first, and its preload has ended, well or not, when the unit is leased.
      lease: async () => (preloads.length === 0 ? ready.shift() : undefined),
      claimPreload: async () => preloads.shift(),
      holdPreload: async () => false,
      dropPreload: async () => {},
      heartbeat: async () => true,
      reported: async () => true,
      release: async (unit, _epoch, { detail }) => released.push(`${unit} ${detail}`),
      handBack: async () => true,
    },
    report: async result => void reports.push(result),
    log: { debug: silent, info: silent, warn: (_, message) => void warnings.push(message), error: silent },
    wake: () => new Promise(resolve => setTimeout(resolve, 5)),
  }).ended
  return { reports, released, warnings }
}

/** What each run of the pipeline was given. */
const given = ({ jobs }: ReturnType<typeof memoryRepository>) =>
  jobs.map(({ pipeline, detector, bias, flat, templates, raws }) => ({
    ...{ pipeline, detector, bias: textOf(bias), flat: textOf(flat) },
    ...{ templates: templates.map(textOf), raws: raws.map(textOf) },
  }))
const rightFor = (group: string, detector: number, filter: string) => ({
  ...{ pipeline: filter === RED ? 'ApPipe' : 'SingleFrame', detector, bias: biasOf(detector) },
  ...{ flat: flatOf(filter, detector), templates: filter === RED ? [TEMPLATE] : [] },
  raws: [`LSSTComCam/${group}/${detector}.raw`],
})

describe('units in sequence on one worker', () => {
  it('get the data of their own detector and filter, and no calibration is read twice', async () => {
    const world = memoryRepository()
    const { reports } = await run(world, [
      leaseOf('a', 0),
      leaseOf('b', 0, { filters: GREEN }),
      leaseOf('c', 1),
      leaseOf('d', 0),
    ])
    expect(reports.map(({ outcome }) => outcome)).toEqual(Array(4).fill('succeeded'))
    expect(given(world)).toEqual([
      rightFor('a', 0, RED),
      rightFor('b', 0, GREEN),
      rightFor('c', 1, RED),
      rightFor('d', 0, RED),
    ])
    const calibrations = world.reads.filter(key => key.includes('/calib/'))
    expect(calibrations).toHaveLength(new Set(calibrations).size)
  })

  it('get their own data although the worker had prepared for another unit', async () => {
    const world = memoryRepository()
    await run(world, [leaseOf('a', 0), leaseOf('b', 1)], [leaseOf('c', 0, { filters: GREEN })])
    expect(given(world)).toEqual([rightFor('a', 0, RED), rightFor('b', 1, RED)])
  })
})

describe('a preload that failed in the middle', () => {
  it.each([biasOf(0), flatOf(RED, 0), TEMPLATE])(
    'leaves nothing behind: the unit itself reads again, and the next goes well: %s',
    async broken => {
      const world = memoryRepository()
      let failures = 0
      world.failOn(key => key === broken && failures++ === 0)
      const { reports, released, warnings } = await run(world, [leaseOf('a', 0), leaseOf('b', 0)], [leaseOf('a', 0)])
      expect(warnings).toEqual(['preload failed; the run will try again'])
      expect(released).toEqual([])
      expect(reports.map(({ group, outcome }) => [group, outcome])).toEqual([
        ['a', 'succeeded'],
        ['b', 'succeeded'],
      ])
      expect(given(world)).toEqual([rightFor('a', 0, RED), rightFor('b', 0, RED)])
    },
  )

  it('and fails in the run too gives the unit back, and the next goes well', async () => {
    const world = memoryRepository()
    let failures = 0
    world.failOn(key => key === flatOf(RED, 0) && failures++ < 2)
    const { reports, released } = await run(world, [leaseOf('a', 0), leaseOf('b', 0)], [leaseOf('a', 0)])
    expect(released).toEqual([`LSSTComCam/a/0 Error: 503 at ${flatOf(RED, 0)}`])
    expect(reports.map(({ group }) => group)).toEqual(['b'])
    expect(given(world)).toEqual([rightFor('b', 0, RED)])
  })
})
