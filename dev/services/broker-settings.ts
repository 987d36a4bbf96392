import { recordBytesMax } from './versions.ts'

/**
 * The settings of the one local broker, whichever way it runs; addresses and the data folder come from the provider.
 * It is its own controller (KRaft), keeps single copies of everything, runs few threads, and makes no topic by itself:
 * topics come from the declaration of the graph, and a misspelt name shall fail.
 */
export const brokerSettings = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'auto.create.topics.enable': false,
  'num.partitions': 1,
  'default.replication.factor': 1,
  'min.insync.replicas': 1,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  'message.max.bytes': recordBytesMax,
  'replica.fetch.max.bytes': recordBytesMax,
  // Tests kill members and open transactions on purpose; a short time-out asked for by them must be allowed.
  'group.min.session.timeout.ms': 1000,
  'group.initial.rebalance.delay.ms': 0,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1000,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'num.recovery.threads.per.data.dir': 1,
  'background.threads': 2,
  'log.cleaner.threads': 1,
  // Tests wait for the cleaner; by default it looks for work only every 15 s.
  'log.cleaner.backoff.ms': 500,
  'log.cleaner.dedupe.buffer.size': 8_388_608,
  'log.cleaner.io.buffer.size': 524_288,
} as const
