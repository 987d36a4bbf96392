import { logClientContract, type LogWorld } from '../log-client.contract.ts'
import { logHistoriesContract } from '../log-histories.contract.ts'
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
