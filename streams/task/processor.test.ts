import { expect, it } from 'vitest'
import { stageOf } from '../../topology/model/topology.ts'
import { demoTopology, items } from '../testing/demo.ts'
import { planOf } from './plan.ts'
import { stepProcessor } from './processor.ts'

it('ends with what could not be written down: a batch is never committed without it', () => {
  const stage = stageOf(demoTopology, 'window')
  const record = { topic: items.topic, partition: 0, offset: 0n, timestamp: 0, appendTime: true, headers: {} }
  const refusal = {
    kind: 'refusal',
    code: 'bad',
    reason: 'bad',
    record: { ...record, key: null, value: null },
  } as const
  const processor = stepProcessor(
    planOf('test', demoTopology, stage, 0),
    typeof stage.run === 'object' ? stage.run.step : expect.unreachable(),
    { store: new Map() as never, marks: new Map(), shared: undefined },
    out => out,
    () => {
      throw new Error('no room')
    },
  )
  expect(() => processor.next(refusal)).toThrow('no room')
})
