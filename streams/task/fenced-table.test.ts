import { expect, it } from 'vitest'
import { Fenced, type NewRecord } from '../log-client.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { MemoryClient } from '../memory/client.ts'
import { noFate } from '../memory/wire.ts'
import { VirtualTime } from '../testing/virtual-time.ts'
import { fenceAndRead } from './fenced-table.ts'

const table = { topic: 'table', partition: 0 }
const row = (key: string): NewRecord => ({ ...table, key: Buffer.from(key), value: Buffer.from('{}') })

/** A table that holds a state and a commit record, and how a successor writes on. */
function world() {
  const broker = new MemoryBroker()
  broker.createTopic({ topic: 'table', partitions: 1, config: { 'cleanup.policy': 'compact' } })
  const write = (...keys: string[]) => {
    const owner = { id: 'id', epoch: broker.fence('id') }
    broker.append(keys.map(row), owner)
    broker.end(owner.id, owner.epoch, 'committed')
  }
  write('s:a', '__c')
  const client = new MemoryClient(broker, 'client', { ...noFate, fetchSize: () => 1 })
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const read = async (apply: (key: string) => void) =>
    fenceAndRead(
      { client, log, scheduler: new VirtualTime(0, () => 0) },
      'id',
      table,
      ({ key }) => apply(String(key)),
      new AbortController().signal,
    )
  return { broker, write, read }
}

it('gives all committed records to whoever may write on', async () => {
  const { broker, read } = world()
  const keys: string[] = []
  const { epoch } = await read(key => keys.push(key))
  expect(keys).toEqual(['s:a', '__c'])
  expect(() => broker.append([row('s:b')], { id: 'id', epoch })).not.toThrow()
})

it('uses nothing of a table in which a successor writes on while it reads: the cleaner may have been there', async () => {
  const { broker, write, read } = world()
  const keys: string[] = []
  const reading = read(key => {
    if (keys.push(key) > 1) return
    write('s:b', '__c')
    broker.compact(table)
  })
  await expect(reading).rejects.toBeInstanceOf(Fenced)
  expect(keys).toEqual(['s:a'])
})
