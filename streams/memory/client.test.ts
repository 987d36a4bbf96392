import { expect, it } from 'vitest'
import { logClientContract, type LogWorld } from '../log-client.contract.ts'
import { logHistoriesContract } from '../log-histories.contract.ts'
import { settle } from '../testing/virtual-time.ts'
import { MemoryBroker } from './broker.ts'
import { MemoryClient } from './client.ts'
import { noFate, type Fate, type Fault } from './wire.ts'

/** @param later when the broker does what it does after its answers */
async function memoryWorld(later: (work: () => void) => void): Promise<LogWorld> {
  const broker = new MemoryBroker(() => Date.now(), { later })
  const losses = new Map<string, Fault>()
  const hop = () => new Promise<void>(resolve => setImmediate(resolve))
  const fate: Fate = {
    hop,
    fault: request => {
      const loss = losses.get(request)
      losses.delete(request)
      return loss
    },
  }
  let clients = 0
  return {
    client: async () => new MemoryClient(broker, `client-${++clients}`, fate),
    begin: async id => {
      const producer = {
        id,
        epoch: (await new MemoryClient(broker, 'beginner', { ...noFate, hop }).fence(id)).epoch,
      }
      return {
        send: async records => broker.append(records, producer),
        end: async how => broker.end(id, producer.epoch, how === 'commit' ? 'committed' : 'aborted'),
      }
    },
    readInPieces: (from, isolation, maxBytes) =>
      new MemoryClient(broker, 'reader', { ...noFate, fetchSize: () => Math.ceil(maxBytes / 100) }).read(
        from,
        isolation,
      ),
    compacted: { 'cleanup.policy': 'compact' },
    compact: async partition => broker.compact(partition),
    deleteBefore: async (partition, first) => broker.deleteBefore(partition, first),
    lose: (request, loss) => void losses.set(request, loss),
    close: async () => undefined,
  }
}

logClientContract('in memory', () => memoryWorld(work => work()))
logHistoriesContract('in memory', () => memoryWorld(work => void setImmediate(work)), {
  histories: 100,
  compactions: 100,
  outages: 100,
})

it('stores once what a former leader refused, also where the request to it came twice', async () => {
  const broker = new MemoryBroker()
  const target = { topic: 'journal', partition: 0 }
  broker.createTopic({ topic: 'journal', partitions: 1, config: {} })
  const losses: Fault[] = ['doubled']
  const fate: Fate = { ...noFate, fault: request => (request === 'produce' ? losses.pop() : undefined) }
  const producer = await new MemoryClient(broker, 'client', fate).fence('id')
  broker.moveLeader(target)
  await producer.commit([{ ...target, key: null, value: Buffer.from('once') }])
  // The double of the first request would come some turns later.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(broker.committedRecords(target).map(({ value }) => String(value))).toEqual(['once'])
  expect(broker.hanging()).toEqual([])
})

it('tells a member that has left nothing more, also what was under way to it', async () => {
  const broker = new MemoryBroker()
  const hops: (() => void)[] = []
  const client = new MemoryClient(broker, 'client', {
    ...noFate,
    hop: () => new Promise(resolve => hops.push(resolve)),
  })
  const pass = async (hop: (() => void) | undefined) => {
    hop!()
    await settle()
  }
  const heard: string[] = []
  const joining = client.join(
    { group: 'g', tasks: [[{ topic: 'items', partition: 0 }]], sessionTimeoutMs: 6_000 },
    {
      assigned: () => heard.push('assigned'),
      revoked: async () => void heard.push('revoked'),
      lost: () => heard.push('lost'),
    },
  )
  await pass(hops.shift())
  await pass(hops.shift())
  expect(heard).toEqual(['assigned'])
  client.expire()
  await settle()
  const leaving = (await joining).leave()
  const [lost, leave] = hops.splice(0)
  await pass(leave)
  await leaving
  await pass(lost)
  expect(heard).toEqual(['assigned'])
  expect(broker.group('g').members().size).toBe(0)
})
