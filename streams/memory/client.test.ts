import { logClientContract } from '../log-client.contract.ts'
import { MemoryBroker } from './broker.ts'
import { MemoryClient } from './client.ts'

logClientContract('in memory', async () => {
  const broker = new MemoryBroker(() => Date.now())
  let clients = 0
  return {
    client: async () => new MemoryClient(broker, `client-${++clients}`),
    leaveOpen: async (id, records) => broker.append(records, { id, epoch: broker.fence(id) }),
    deleteBefore: async (partition, first) => broker.deleteBefore(partition, first),
    close: async () => undefined,
  }
})
