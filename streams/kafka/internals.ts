import kafkajs from 'kafkajs'
import Cluster, { type Broker, type ConnectionPool } from 'kafkajs/src/cluster/index.js'
import ClusterBroker from 'kafkajs/src/broker/index.js'
import loggers from 'kafkajs/src/loggers/index.js'
import Pool from 'kafkajs/src/network/connectionPool.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import protocolError from 'kafkajs/src/protocol/error.js'
import crc32c from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import createTopicsRequest from 'kafkajs/src/protocol/requests/createTopics/v3/request.js'
import createTopicsResponse from 'kafkajs/src/protocol/requests/createTopics/v3/response.js'
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js'
import snappy from 'kafkajs-snappy'

/** kafkajs from the inside, all in one place: sockets, framing, SASL, codecs and request encoding are its, control flow is ours. */
export { Cluster, crc32c, createTopicsRequest, createTopicsResponse, fetchRequest, loggers, protocolError }
export type { Broker, ConnectionPool }
export const { AssignerProtocol } = kafkajs

/** By the number in a batch's attributes: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. The last two throw: no codec is installed. */
export const codecs = kafkajs.CompressionCodecs as Record<number, () => Codec>
export const compressionTypes = { none: 0, gzip: 1, snappy: 2 } as const
export type Compression = keyof typeof compressionTypes

interface Codec {
  decompress(bytes: Buffer): Promise<Uint8Array>
}

// The codec table of kafkajs is global to the process, and snappy in it throws until somebody puts one there.
codecs[compressionTypes.snappy] = snappy

/**
 * Refuses a kafkajs whose inside is not the one this folder was written against (2.2.4, pinned in package.json).
 * @throws Error naming everything that is missing
 */
export function checkInternals(): void {
  const missing = [
    ...absent('Cluster', Cluster.prototype, [
      'connect',
      'refreshMetadata',
      'addMultipleTargetTopics',
      'metadata',
      'findTopicPartitionMetadata',
      'findBroker',
      'findControllerBroker',
      'findGroupCoordinator',
    ]),
    ...absent('Broker', ClusterBroker.prototype, [
      'disconnect',
      'metadata',
      'listOffsets',
      'offsetFetch',
      'describeConfigs',
      'produce',
      'initProducerId',
      'addPartitionsToTxn',
      'addOffsetsToTxn',
      'txnOffsetCommit',
      'endTxn',
      'joinGroup',
      'syncGroup',
      'heartbeat',
      'leaveGroup',
    ]),
    ...absent('ConnectionPool', Pool.prototype, ['send']),
    ...absent('RequestQueue', RequestQueue.prototype, ['scheduleCheckPendingRequests']),
    ...absent('kafkajs', kafkajs, ['AssignerProtocol', 'CompressionCodecs']),
    ...absent('protocol', { fetchRequest, createTopicsRequest, crc32c, ...protocolError, ...createTopicsResponse }, [
      'fetchRequest',
      'createTopicsRequest',
      'crc32c',
      'createErrorFromCode',
      'decode',
    ]),
    ...absent('loggers', loggers, ['createLogger', 'LEVELS']),
  ]
  if (missing.length > 0)
    throw new Error(
      `kafkajs is not the version this client stands on (2.2.4): ${missing.join(', ')} not found inside it`,
    )
}

const absent = (owner: string, where: object, names: readonly string[]): string[] =>
  names.filter(name => !(name in where)).map(name => `${owner}.${name}`)
