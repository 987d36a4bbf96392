/**
 * The parts of kafkajs 2.2.4 behind its public face that this folder stands on, typed as far as they are used.
 * `internals.ts` checks at start-up that they are there; nothing else may import from `kafkajs/src`.
 */

declare module 'kafkajs/src/cluster/index.js' {
  import type { Socket } from 'node:net'
  import type { ConnectionOptions } from 'node:tls'
  import type { SASLOptions } from 'kafkajs'
  import type { Logger } from 'kafkajs/src/loggers/index.js'

  export interface ProtocolRequest<T> {
    readonly request: { readonly apiKey: number; readonly apiName: string; readonly apiVersion: number }
    readonly response: { decode: (bytes: Buffer) => Promise<unknown>; parse: (decoded: never) => Promise<T> | T }
    readonly requestTimeout?: number
    readonly logResponseError?: boolean
  }
  export interface RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests(): void
  }
  export interface ConnectionPool {
    readonly host: string
    readonly port: number
    readonly pool: readonly { readonly requestQueue: RequestQueue }[]
    send<T>(request: ProtocolRequest<T>): Promise<T>
  }
  export interface PartitionMetadata {
    readonly partitionErrorCode: number
    readonly partitionId: number
    readonly leader: number
  }
  export interface TopicMetadata {
    readonly topicErrorCode: number
    readonly topic: string
    readonly partitionMetadata: readonly PartitionMetadata[]
  }
  export interface Metadata {
    readonly topicMetadata: TopicMetadata[]
  }
  interface Producing {
    readonly transactionalId: string
    readonly producerId: string
    readonly producerEpoch: number
  }
  export interface Message {
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: Readonly<Record<string, Buffer>>
  }
  export interface Broker {
    readonly nodeId: number | string | null
    readonly connectionPool: ConnectionPool
    disconnect(): Promise<void>
    metadata(topics: readonly string[]): Promise<Metadata>
    listOffsets(request: {
      isolationLevel: 0 | 1
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[]
    }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>
    offsetFetch(request: {
      groupId: string
      topics: { topic: string; partitions: { partition: number }[] }[]
    }): Promise<{
      responses: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[]
    }>
    describeGroups(request: { groupIds: string[] }): Promise<{ groups: { groupId: string; members: unknown[] }[] }>
    describeConfigs(request: { resources: { type: number; name: string }[] }): Promise<{
      resources: { resourceName: string; configEntries: { configName: string; configValue: string | null }[] }[]
    }>
    produce(
      request: { readonly [Field in keyof Producing]?: Producing[Field] | undefined } & {
        acks: -1
        timeout: number
        compression: number
        topicData: readonly {
          topic: string
          partitions: readonly { partition: number; firstSequence: number; messages: readonly Message[] }[]
        }[]
      },
    ): Promise<unknown>
    initProducerId(request: {
      transactionalId: string
      transactionTimeout: number
    }): Promise<{ producerId: string; producerEpoch: number }>
    addPartitionsToTxn(request: Producing & { topics: { topic: string; partitions: number[] }[] }): Promise<unknown>
    addOffsetsToTxn(request: Producing & { groupId: string }): Promise<unknown>
    txnOffsetCommit(
      request: Producing & {
        groupId: string
        topics: { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[]
      },
    ): Promise<unknown>
    endTxn(request: Producing & { transactionResult: boolean }): Promise<unknown>
    joinGroup(request: {
      groupId: string
      sessionTimeout: number
      rebalanceTimeout: number
      memberId: string
      protocolType: 'consumer'
      groupProtocols: { name: string; metadata: Buffer }[]
    }): Promise<{
      generationId: number
      leaderId: string
      memberId: string
      members: { memberId: string; memberMetadata: Buffer }[]
    }>
    syncGroup(request: {
      groupId: string
      generationId: number
      memberId: string
      groupAssignment: { memberId: string; memberAssignment: Buffer }[]
    }): Promise<{ memberAssignment: Buffer }>
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  }
  export interface ClusterOptions {
    readonly brokers: readonly string[]
    readonly clientId: string
    readonly ssl: ConnectionOptions | boolean | null
    readonly sasl: SASLOptions | null
    readonly logger: Logger
    readonly socketFactory: (at: {
      host: string
      port: number
      ssl?: ConnectionOptions | boolean | null
      onConnect: () => void
    }) => Socket
    readonly connectionTimeout: number
    readonly authenticationTimeout: number
    readonly requestTimeout: number
    readonly metadataMaxAge: number
    readonly allowAutoTopicCreation: boolean
    readonly retry: { initialRetryTime: number; maxRetryTime: number; retries: number }
  }
  export default class Cluster {
    constructor(options: ClusterOptions)
    readonly connectionPoolBuilder: {
      build: (at?: { host?: string; port?: number; rack?: string | null }) => Promise<ConnectionPool>
    }
    connect(): Promise<void>
    refreshMetadata(): Promise<void>
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>
    metadata(of: { topics: readonly string[] }): Promise<Metadata>
    findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
    findBroker(at: { nodeId: string }): Promise<Broker>
    findControllerBroker(): Promise<Broker>
    findGroupCoordinator(of: { groupId: string; coordinatorType: 0 | 1 }): Promise<Broker>
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  export interface Entry {
    readonly namespace: string
    readonly log: { readonly message: string; readonly [field: string]: unknown }
  }
  export interface Logger {
    namespace(name: string): Logger
  }
  const loggers: {
    readonly LEVELS: { readonly WARN: number }
    createLogger(options: { level: number; logCreator: () => (entry: Entry) => void }): Logger
  }
  export default loggers
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js'
  export default function fetchRequest(options: {
    replicaId: -1
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: 0 | 1
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
  }): ProtocolRequest<never>['request']
}

declare module 'kafkajs/src/protocol/requests/createTopics/v3/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js'
  export default function createTopicsRequest(options: {
    topics: {
      topic: string
      numPartitions: number
      replicationFactor: number
      configEntries: { name: string; value: string }[]
    }[]
    validateOnly: boolean
    timeout: number
  }): ProtocolRequest<never>['request']
}

declare module 'kafkajs/src/protocol/requests/createTopics/v3/response.js' {
  const response: {
    decode(bytes: Buffer): Promise<{ topicErrors: { topic: string; errorCode: number; errorMessage: string | null }[] }>
  }
  export default response
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  /** CRC-32C (Castagnoli) as an unsigned 32-bit number. */
  export default function crc32C(bytes: Buffer): number
}

declare module 'kafkajs/src/protocol/recordBatch/v0/index.js' {
  const batches: {
    RecordBatch(options: {
      compression?: number
      firstOffset?: string
      firstTimestamp: number
      maxTimestamp: number
      lastOffsetDelta: number
      transactional?: boolean
      producerId?: string
      producerEpoch?: number
      firstSequence?: number
      records: unknown[]
    }): Promise<{ buffer: Buffer }>
  }
  export default batches
}

declare module 'kafkajs/src/protocol/error.js' {
  const error: { createErrorFromCode(code: number): Error & { readonly type: string; readonly code: number } }
  export default error
}

declare module 'kafkajs-snappy' {
  /** Plain snappy, and on reading the framing of Java's older producers too. */
  export default function snappy(): {
    compress(encoder: { buffer: Buffer }): Promise<Uint8Array>
    decompress(bytes: Buffer): Promise<Uint8Array>
  }
}

declare module 'kafkajs/src/broker/index.js' {
  const Broker: { readonly prototype: object }
  export default Broker
}

declare module 'kafkajs/src/network/connectionPool.js' {
  const ConnectionPool: { readonly prototype: object }
  export default ConnectionPool
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  const RequestQueue: { readonly prototype: object }
  export default RequestQueue
}
