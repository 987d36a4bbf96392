import { describe, expect, it } from 'vitest'
import type { Event } from '../../topology/model/step.ts'
import { partitionsOf, type Topology } from '../../topology/model/topology.ts'
import { closed, demoEffects, demoTopology, items, orders, parcels, urgent } from '../testing/demo.ts'
import { expectedOf, hiddenFaults, outcomeOf, writtenVersions } from '../testing/demo-checks.ts'
import { demoRunning, demoVersions, newerStep } from '../testing/demo-versions.ts'
import { Driver, type DrivenProcess } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { seeded } from '../testing/virtual-time.ts'

const SEEDS = 15

const { older, newer } = demoVersions
const setup = { topology: older, codec: jsonCodec, effects: demoEffects, startAt: 1_000_000 }
const versions = ({ broker }: Driver) => writtenVersions(topic => broker.everCommitted(topic))
const ids = (events: readonly Event[]) => events.map(({ value }) => (value as { ids: string[] }).ids.join())
const refusals = ({ log }: Driver) => log.filter(({ facts }) => 'code' in facts && facts.code === 'newer-state')

/** Three instances of the older version become three of the newer, one after the other, while records come and instances die. */
async function upgrade(seed: number): Promise<Driver> {
  const random = seeded(seed)
  const driver = Driver.prepare({ ...setup, seed })
  const start = (topology: Topology) => driver.process(undefined, undefined, topology)
  const crew: { process: DrivenProcess; topology: Topology }[] = []
  for (let i = 0; i < 3; i++) crew.push({ process: await start(older), topology: older })
  const turns = [...crew.keys()].map(i => 6 + 8 * i + Math.floor(random() * 6))
  for (let i = 0; i < 40; i++) {
    const stream = [orders, urgent, parcels, parcels][Math.floor(random() * 4)]!
    const partition = Math.floor(random() * partitionsOf(demoTopology, stream))
    await driver.feed(stream, '', { id: `${'abcd'[Math.floor(random() * 4)]}-${i}` }, { partition })
    await driver.advance(Math.floor(random() * 1_200))
    await driver.tick(driver.time.now() - 100)
    const [victim, isReplaced] = [turns.indexOf(i), turns.includes(i)]
    const which = isReplaced ? victim : Math.floor(random() * 3)
    if (!isReplaced && random() > 0.2) continue
    const { process, topology } = crew[which]!
    await (random() < 0.5 ? process.crash() : process.stop())
    const next = isReplaced ? newer : topology
    // Sometimes those of the older version are alone for a while.
    await driver.advance(random() < 0.3 ? 3_000 : 0)
    crew[which] = { process: await start(next), topology: next }
  }
  for (let i = 0; i < 3; i++) {
    await driver.advance(6_000)
    await driver.tick(driver.time.now() - 100)
  }
  await driver.advance(1_000)
  return driver
}

describe('a rolling upgrade to another shape of the states', () => {
  it('loses and doubles nothing, whoever dies, and nobody of the older version writes after one of the newer', async () => {
    let refused = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const driver = await upgrade(seed)
      const committed = (topic: string) => driver.broker.everCommitted(topic)
      const found = { ...outcomeOf(committed), hidden: [...hiddenFaults(committed), ...driver.fatal.map(String)] }
      expect({ seed, ...found }).toEqual({ seed, ...expectedOf(committed), hidden: [] })
      for (const written of versions(driver)) expect(written).toEqual([...written].sort())
      refused += refusals(driver).length
      // At most once per task each time that the older were left alone: no storm.
      expect(refusals(driver).length).toBeLessThan(40)
    }
    expect(refused).toBeGreaterThan(0)
  })

  it('goes on from the states of before, and one alone of the older version then waits, and says so once', async () => {
    const night = await Driver.start({ ...setup, stages: ['window'] })
    await night.feed(items, 'a', { id: 'a-1' })
    const { partition } = night.records(items).find(({ key }) => String(key) === 'a')!
    const next = await night.process(undefined, undefined, newer)
    await night.feed(items, 'a', { id: 'a-2' })
    expect(versions(night)[partition]).toEqual([1, 2])
    await next.crash()
    await night.feed(items, 'a', { id: 'a-3' })
    await night.advance(600_000)
    expect(refusals(night)).toMatchObject([
      { level: 'error', sentence: expect.stringMatching(/states have version 2, and this process knows 1/) as string },
    ])
    expect([night.fatal, versions(night)[partition]]).toEqual([[], [1, 2]])
    await night.process(undefined, undefined, newer)
    await night.watermark('window', 1_700_000)
    expect(ids(night.outputs(closed))).toEqual(['a-1,a-2,a-3'])
  })

  it('stops with the key of a state that cannot be migrated, and has written nothing', async () => {
    const night = await Driver.start({ ...setup, stages: ['window'] })
    await night.feed(items, 'a', { id: 'a-1' })
    const { partition } = night.records(items).find(({ key }) => String(key) === 'a')!
    const broken = (): never => {
      throw new Error('no member')
    }
    await night.process(undefined, undefined, demoRunning({ ...newerStep, migrations: [broken] }))
    expect(night.fatal.map(String)).toEqual([
      'Unrecoverable: window: the state of a cannot be brought from version 1 up: Error: no member',
    ])
    expect(versions(night)[partition]).toEqual([1])
  })
})
