import { expect, it } from 'vitest'
import { pollingBell } from '../postgres/hints.ts'
import type { Pool } from '../postgres/pool.ts'
import { Kept } from './kept.ts'
import type { Publisher } from './ports.ts'

it('waits out a database that is away, also where it is asked of units and of orders', async () => {
  const warnings: string[] = []
  const query = () => new Promise((_, reject) => setImmediate(() => reject(new Error('the database is away'))))
  const log = { info: () => undefined, warn: (_: object, it: string) => void warnings.push(it), error: () => undefined }
  const publisher = {
    pool: { query } as unknown as Pool,
    log,
    bell: pollingBell,
    alertPartitions: 1,
  } as unknown as Publisher
  const rows = new Map(['LATISS/v/0@0', 'LATISS/v/0@0#ab'].map(key => [key, Buffer.alloc(0)]))
  const kept = new Kept(publisher, {
    ...{ index: 0, rows, signal: new AbortController().signal },
    record: () => expect.unreachable(),
    watermarks: () => [],
    commit: async () => undefined,
  })
  const unheard: unknown[] = []
  const hear = (error: unknown) => void unheard.push(error)
  process.on('unhandledRejection', hear)
  expect(await kept.over(0)).toEqual([])
  await new Promise(resolve => setTimeout(resolve, 20))
  process.off('unhandledRejection', hear)
  expect(unheard).toEqual([])
  expect(warnings).toEqual(['the outbox does not answer; trying again'])
})
