import type { ConnectionPool as Pool } from './internals.ts'
import type Cluster from 'kafkajs/src/cluster/index.js'
import type { Metadata, ProtocolRequest } from 'kafkajs/src/cluster/index.js'

const NONE = 0
const LEADER_NOT_AVAILABLE = 5

/**
 * Takes two faults out of a cluster, on the instance; no file of kafkajs is changed.
 *
 * One leaderless partition anywhere makes kafkajs refuse the whole metadata answer, so that a dead node blinds producers,
 * readers and admin to every other topic. Here leaderless partitions stay (leader −1) and topics with any other error,
 * such as unknown ones, are left out of the answer.
 *
 * And the request queue arms its timer anew with a negative delay after every answer: a 1 ms timer for ever on each
 * connection that was ever used, 4 % of a core in an idle process. Here it is armed only when requests wait.
 */
export function soften(cluster: Cluster): Cluster {
  const build = cluster.connectionPoolBuilder.build
  cluster.connectionPoolBuilder.build = async at => {
    const pool = await build(at)
    keepLeaderless(pool)
    for (const { requestQueue } of pool.pool) {
      const arm = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
      requestQueue.scheduleCheckPendingRequests = () => {
        if (requestQueue.pending.length > 0) arm()
      }
    }
    return pool
  }
  return cluster
}

function keepLeaderless(pool: Pool): void {
  const send = pool.send.bind(pool)
  pool.send = <T>(request: ProtocolRequest<T>): Promise<T> =>
    request.request.apiName === 'Metadata'
      ? send({ ...request, response: { decode: request.response.decode, parse: known as never } })
      : send(request)
}

const known = (metadata: Metadata): Metadata => ({
  ...metadata,
  topicMetadata: metadata.topicMetadata.filter(t => [NONE, LEADER_NOT_AVAILABLE].includes(t.topicErrorCode)),
})
