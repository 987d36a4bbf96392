import { describe, expect, it } from 'vitest'
import { isOf, Rejection, to, type Step } from '../../topology/model/step.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Topology } from '../../topology/model/topology.ts'
import { clock } from '../../topology/streams.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'

const demo = (topic: string, more: Partial<Stream<number>> = {}): Stream<number> => ({
  topic,
  key: 'unit',
  cleanup: 'delete',
  format: { avro: 'audit' },
  ...more,
})
const numbers = demo('numbers')
const sums = demo('sums')
const overdue = demo('overdue')

interface Sum {
  readonly total: number
  readonly due: number | null
}
/** Adds what comes for a key; ten seconds after the last number it says that nothing more came, and forgets. */
const adder: Step<Sum> = {
  name: 'adder',
  on: (state, event) => {
    if (event.stream === '@deadline') return { state: undefined, out: [to(overdue, event.key, event.at)] }
    if (!isOf(numbers, event)) throw new Error('unexpected')
    if (event.value < 0) throw new Rejection('negative', `${event.value} is negative.`)
    const total = (state?.total ?? 0) + event.value
    return { state: { total, due: event.at + 10_000 }, out: [to(sums, event.key, total)] }
  },
  deadline: state => state.due ?? undefined,
}
const topology: Topology = {
  name: 'demo',
  partitions: 2,
  entrances: [numbers, clock],
  stages: [
    {
      name: 'adder',
      summary: 'adds',
      role: 'steps',
      reads: [numbers],
      writes: [sums, overdue],
      tasks: 'per-partition',
      run: { step: adder as never },
      watermark: 'clock',
    },
  ],
  exits: [sums, overdue],
}

describe('a step task', () => {
  it('writes outputs, keeps state, wakes at deadlines', async () => {
    const night = await Driver.start({ topology, codec: jsonCodec })
    await night.feed(numbers, 'a', 1)
    await night.feed(numbers, 'a', 2)
    await night.feed(numbers, 'b', 5)
    expect(night.fatal).toEqual([])
    expect(night.outputs(sums).map(e => [e.key, e.value])).toEqual(
      expect.arrayContaining([
        ['a', 1],
        ['a', 3],
        ['b', 5],
      ]),
    )
    await night.tick(9_999)
    expect(night.outputs(overdue)).toEqual([])
    await night.tick(10_000)
    expect(night.outputs(overdue).map(e => [e.key, e.value, e.at])).toEqual(
      expect.arrayContaining([
        ['a', 10_000, 10_000],
        ['b', 10_000, 10_000],
      ]),
    )
    await night.first.stop()
  })
})
