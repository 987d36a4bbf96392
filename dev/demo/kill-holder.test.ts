import { expect, it } from 'vitest'
import { killHolder } from './kill-holder.ts'
import type { ProcessName } from './system.ts'

const leased = '{"msg":"unit leased","unit":"LATISS/g/0"}'
const reported = '{"msg":"unit reported","unit":"LATISS/g/0"}'

const nothing = async () => []

/** Two workers; one that is killed still says `lastWords`. */
function twoWorkers(lastWords: readonly string[]) {
  const done: string[] = []
  const hearers = new Map<ProcessName, (line: string) => void>()
  const system = {
    workers: ['worker-1', 'worker-2'] as const,
    pids: () =>
      new Map<ProcessName, number>([
        ['worker-1', 11],
        ['worker-2', 12],
      ]),
    onLine: (name: ProcessName, hear: (line: string) => void) => {
      hearers.set(name, hear)
      return () => void hearers.delete(name)
    },
    kill: async (name: ProcessName) => {
      done.push(`kill ${name}`)
      await Promise.resolve()
      for (const line of lastWords) hearers.get(name)?.(line)
    },
    restart: async (name: ProcessName) => void done.push(`restart ${name}`),
  }
  return { system, done, hear: (name: ProcessName, line: string) => hearers.get(name)!(line) }
}

it.each([
  ['in time', [], []],
  [
    'too late, which is said',
    [reported],
    ['worker-2 had reported LATISS/g/0 before it was killed: the kill came too late'],
  ],
] as const)('kills the first that takes the unit up, and nobody after it: %s', async (_when, lastWords, words) => {
  const { system, done, hear } = twoWorkers(lastWords)
  const said: string[] = []
  const killer = killHolder(system, 'LATISS/g/0', nothing, line => said.push(line))
  hear('worker-1', '{"msg":"unit leased","unit":"LATISS/g/1"}')
  hear('worker-2', leased)
  hear('worker-1', leased)
  hear('worker-1', reported)
  expect(await killer.stop()).toEqual([])
  expect(done).toEqual(['kill worker-2', 'restart worker-2'])
  expect(said).toEqual(words)
})

it('names the other units that the killed process held when it was gone, and no others', async () => {
  const { system, done, hear } = twoWorkers([])
  const held = async (pid: number) => (done.push(`ask for ${pid}`), ['LATISS/g/0', 'LATISS/g/2'])
  const killer = killHolder(system, 'LATISS/g/0', held, () => {})
  hear('worker-2', leased)
  expect(await killer.stop()).toEqual(['LATISS/g/2'])
  expect(done).toEqual(['kill worker-2', 'ask for 12', 'restart worker-2'])
})
