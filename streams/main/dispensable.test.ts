import { expect, it } from 'vitest'
import { dispensable } from './dispensable.ts'

function logging() {
  const said: [string, object][] = []
  const say = (level: string) => (fields: object) => void said.push([level, fields])
  return { said, log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') } }
}

it('that cannot start is off: an error says why, and to stop it is no trouble', async () => {
  const { said, log } = logging()
  const err = new Error('there is no topic metrics')
  const running = await dispensable('metrics', () => Promise.reject(err), log)
  expect(said).toEqual([['error', { err, code: 'stage-off', stage: 'metrics' }]])
  await running.stop()
})

it('that meets a fault which no restart heals is stopped, once, however many tasks say so and whoever else stops it', async () => {
  const { said, log } = logging()
  let stops = 0
  const fatal: ((error: Error) => void)[] = []
  const start = async (onFatal: (error: Error) => void) => {
    fatal.push(onFatal)
    onFatal(new Error('before it had joined'))
    return { stop: async () => void stops++ }
  }
  const running = await dispensable('metrics', start, log)
  fatal[0]!(new Error('records are lost'))
  await running.stop()
  expect(stops).toBe(1)
  expect(said.map(([level]) => level)).toEqual(['error', 'error'])
})

it('is stopped as anything else is, and says when it cannot be', async () => {
  const { said, log } = logging()
  const start = async () => ({ stop: () => Promise.reject(new Error('the group is away')) })
  await expect((await dispensable('metrics', start, log)).stop()).rejects.toThrow('the group is away')
  expect(said).toEqual([])
})
