import { expect, it } from 'vitest'
import { Fenced, type NewRecord } from '../log-client.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { MemoryClient } from '../memory/client.ts'
import { noFate } from '../memory/wire.ts'
import { VirtualTime } from '../testing/virtual-time.ts'
import { fenceAndRead, type TableReader } from './fenced-table.ts'

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
  const read = async (reader: TableReader) =>
    fenceAndRead(
      { client, log, scheduler: new VirtualTime(0, () => 0) },
      'id',
      table,
      reader,
      new AbortController().signal,
    )
  return { broker, write, read }
}

/** Takes keys, and refuses a table that does not end in its commit record. */
function keyReader(onFirst: () => void = () => undefined) {
  const keys: string[] = []
  const apply: TableReader['apply'] = ({ key }) => void (keys.push(String(key)) === 1 && onFirst())
  const finish = () => {
    if (keys.at(-1) !== '__c') throw new Error('broken')
  }
  return { keys, apply, finish }
}

it('gives all committed records to whoever may write on', async () => {
  const { broker, read } = world()
  const reader = keyReader()
  const { epoch } = await read(reader)
  expect(reader.keys).toEqual(['s:a', '__c'])
  expect(() => broker.append([row('s:b')], { id: 'id', epoch })).not.toThrow()
})

it('says of a broken table that it is fenced where a successor writes on and the cleaner has been there', async () => {
  const { broker, write, read } = world()
  const reader = keyReader(() => {
    write('s:b', '__c')
    broker.compact(table)
  })
  await expect(read(reader)).rejects.toBeInstanceOf(Fenced)
  expect(reader.keys).toEqual(['s:a'])
})

it('says of a broken table that it is broken where nobody else writes', async () => {
  const { write, read } = world()
  write('s:b')
  await expect(read(keyReader())).rejects.toThrow('broken')
})
