import { describe, expect, it } from 'vitest'
import { promptTopology, type Effects } from '../prompt.ts'
import { clock, detectorVisit, nextVisit, parked, rawArrival, visit, visitSummary } from '../streams.ts'
import { defineTopology, faultsOf, InvalidTopology } from './define.ts'
import type { Step } from './step.ts'
import {
  carriesWatermarks,
  inputsOf,
  stageOf,
  taskCount,
  upstreamTasks,
  type Stage,
  type Topology,
} from './topology.ts'

const step: Step<null> = { name: 'one', on: () => ({ state: null, out: [] }), deadline: () => undefined }
const stage = (more: Partial<Stage> = {}): Stage => ({
  ...{ name: 'one', summary: 'does one thing', role: 'steps', tasks: 1, run: 'effect' },
  ...{ reads: [nextVisit], writes: [visit] },
  ...more,
})
const graph = (...stages: Stage[]): Topology => ({
  ...{ name: 'small', partitions: 6, clock, parked },
  ...{ entrances: [nextVisit], stages: stages.length > 0 ? stages : [stage()], exits: [visit, visitSummary] },
})
const ticker = stage({ name: 'clock', run: 'service', role: 'clock', reads: [], writes: [clock] })

describe('a graph is refused with the sentence that mends it:', () => {
  it('not a sound one', () => {
    expect(faultsOf(graph())).toEqual([])
  })
  it.each<[string, Topology, string]>([
    [
      'an entrance nobody reads',
      { ...graph(), entrances: [nextVisit, rawArrival] },
      'raw-arrival is an entrance that nobody reads; let a stage read it, or take it out',
    ],
    [
      'an input nobody writes',
      graph(stage({ reads: [nextVisit, rawArrival] })),
      'one reads raw-arrival, which nobody writes; let a stage write it, or make it an entrance',
    ],
    [
      'an output nobody reads',
      graph(stage({ writes: [visit, detectorVisit] })),
      'one writes detector-visit, which nobody reads; let a stage read it, or make it an exit',
    ],
    [
      'two stages of one name',
      graph(stage(), stage()),
      'two stages are called one: journals, groups and locks are named after it; rename one',
    ],
    [
      'a topic declared twice',
      graph(stage({ writes: [{ ...visit, partitions: 9 }] })),
      'visit is declared twice, differently perhaps; declare it once and share it',
    ],
    [
      'the parking lot declared',
      graph(stage({ writes: [visit, parked] })),
      'one declares parked, which every stage may write; take it out',
    ],
    [
      'an output of a step that its stage does not declare',
      graph(stage({ run: { step: { ...step, emits: [visit, visitSummary] } } })),
      "one's step emits visit-summary, and the stage does not declare it; add it to writes",
    ],
    [
      'an event that the step does not handle',
      graph(stage({ run: { step: { ...step, handles: [] } } })),
      'one reads next-visit, and its step never handles it; take it out of reads',
    ],
    [
      'a join of different partition counts',
      graph(
        stage({ writes: [detectorVisit] }),
        stage({ name: 'two', tasks: 'per-partition', reads: [nextVisit, detectorVisit] }),
      ),
      'two joins next-visit 1, detector-visit 6 partitions; equal keys would not meet: give them one number',
    ],
    [
      'a join by different keys',
      graph(
        stage({ writes: [visit, detectorVisit] }),
        stage({ name: 'two', tasks: 'per-partition', reads: [visit, detectorVisit], writes: [visitSummary] }),
      ),
      'two joins by different keys: visit visit, detector-visit unit; put a stage before it that re-keys one of them',
    ],
    [
      'a task per partition of nothing',
      graph(stage(), stage({ name: 'two', tasks: 'per-partition', reads: [] })),
      'two has a task per partition and reads nothing; give it a number',
    ],
    [
      'a wait for watermarks that never come',
      graph(stage(), stage({ name: 'two', reads: [visit], writes: [visitSummary], watermark: 'streams' })),
      'two waits for watermarks, and nobody before it forwards any; give one of them a watermark',
    ],
    [
      'order without a clock',
      graph(stage({ order: 'time' })),
      "one takes its inputs in order of append time, which needs watermark: 'clock'",
    ],
    [
      'a clock in the middle',
      graph(ticker, stage(), stage({ name: 'two', reads: [visit], writes: [visitSummary], watermark: 'clock' })),
      "two takes its time from the clock, and only an entrance may; use watermark: 'streams'",
    ],
    [
      'no clock where one is needed',
      graph(stage({ watermark: 'clock' })),
      'nobody writes clock, and stages take their time from it; add the clock',
    ],
  ])('%s', (_, wrong, sentence) => {
    expect(faultsOf(wrong)).toContain(sentence)
    expect(() => defineTopology(wrong)).toThrow(InvalidTopology)
    expect(() => defineTopology(wrong)).toThrow(sentence)
  })
})

describe('the compiler', () => {
  it('wants one implementation per effect, no more and no fewer', () => {
    const most = {
      'raw-intake': '',
      'raw-reconcile': '',
      dispatch: '',
      associate: '',
      archive: '',
      'repo-sync': '',
      'result-archive': '',
    }
    const all: Effects<string> = { ...most, metrics: '' }
    // @ts-expect-error metrics is missing
    const fewer: Effects<string> = most
    // @ts-expect-error fan-out is a step
    const more: Effects<string> = { ...all, 'fan-out': '' }
    const declared = promptTopology().stages.filter(it => it.run === 'effect')
    expect(declared.map(({ name }) => name)).toEqual(Object.keys(all))
    expect([Object.keys(fewer).length, Object.keys(more).length]).toEqual([7, 9])
  })
})

describe('tasks and time follow from the declaration', () => {
  const topology: Topology = promptTopology({ partitions: 3 })
  const of = (name: string) => stageOf(topology, name)

  it('a window has a task per partition, and each owns that partition of every input', () => {
    expect(taskCount(topology, of('exposure-window'))).toBe(3)
    expect(inputsOf(topology, of('exposure-window'), 2)).toEqual([
      { topic: 'detector-visit', partition: 2 },
      { topic: 'raw-arrival', partition: 2 },
      { topic: 'raw-listed', partition: 2 },
    ])
  })
  it('an entrance has a fixed number of tasks, and deals its partitions out', () => {
    const owned = [0, 1].map(index => inputsOf(topology, of('raw-intake'), index).map(({ partition }) => partition))
    expect(owned).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ])
  })
  it('a window waits for every task before it that knows the time', () => {
    expect(upstreamTasks(topology, of('exposure-window')).map(({ task }) => task)).toEqual([
      ...['fan-out#0', 'raw-intake#0', 'raw-intake#1'],
    ])
    expect(upstreamTasks(topology, of('visit-window')).map(({ task }) => task)).toEqual([
      ...['fan-out#0', 'publish#0', 'publish#1', 'publish#2'],
    ])
  })
  it('watermarks travel where a deadline waits for them, and nowhere else', () => {
    const timed = topology.stages.flatMap(({ writes }) => writes).filter(it => carriesWatermarks(topology, it))
    expect(timed.map(({ topic }) => topic)).toEqual(['visit', 'detector-visit', 'raw-arrival', 'detector-result'])
  })
  it('a stage that is not there is named, with those that are', () => {
    expect(() => of('fanout')).toThrow('no stage "fanout" in prompt; there are: clock, fan-out, ')
  })
})
