import { expect, it } from 'vitest'
import { killHolder } from './kill-holder.ts'
import type { ProcessName } from './system.ts'

const leased = '{"msg":"unit leased","unit":"LATISS/g/0"}'
const reported = '{"msg":"unit reported","unit":"LATISS/g/0"}'

/** Two workers; one that is killed still says `lastWords`. */
function twoWorkers(lastWords: readonly string[]) {
  const done: string[] = []
  const hearers = new Map<ProcessName, (line: string) => void>()
  const system = {
    workers: ['worker-1', 'worker-2'] as const,
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
  const killer = killHolder(system, 'LATISS/g/0', line => said.push(line))
  hear('worker-1', '{"msg":"unit leased","unit":"LATISS/g/1"}')
  hear('worker-2', leased)
  hear('worker-1', leased)
  hear('worker-1', reported)
  expect(await killer.stop()).toEqual([])
  expect(done).toEqual(['kill worker-2', 'restart worker-2'])
  expect(said).toEqual(words)
})

it('names the other units that the killed process had in hand, and no others', async () => {
  const { system, hear } = twoWorkers([reported.replace('/0', '/3')])
  const killer = killHolder(system, 'LATISS/g/0', () => {})
  for (const detector of [1, 2, 3]) hear('worker-2', leased.replace('/0', `/${detector}`))
  hear('worker-1', leased.replace('/0', '/4'))
  hear('worker-2', reported.replace('/0', '/1'))
  hear('worker-2', leased)
  expect(await killer.stop()).toEqual(['LATISS/g/2'])
})
