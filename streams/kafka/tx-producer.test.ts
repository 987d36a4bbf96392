import type Cluster from 'kafkajs/src/cluster/index.js'
import { describe, expect, it } from 'vitest'
import { Fenced, NotCommitted, UnknownOutcome, type NewRecord } from '../log-client.ts'
import { fence } from './tx-producer.ts'

/**
 * A broker that answers as the script says, because a real one cannot be asked to lose an answer at a chosen step.
 * What it does otherwise is shown by the contract suite on a real broker.
 */
type Step = 'initProducerId' | 'addPartitionsToTxn' | 'produce' | 'addOffsetsToTxn' | 'txnOffsetCommit' | 'endTxn'
const kafkaError = (type: string) => Object.assign(new Error(type), { type })
const lostAnswer = () => new Error('Closed connection')

function scripted(script: Partial<Record<Step, (Error | undefined)[]>>) {
  const calls: { step: Step; request: Record<string, unknown> }[] = []
  const answer = (step: Step) => async (request: Record<string, unknown>) => {
    calls.push({ step, request })
    const failure = script[step]?.shift()
    if (failure) throw failure
    return { producerId: '7', producerEpoch: 3 }
  }
  const steps: Step[] = [
    'initProducerId',
    'addPartitionsToTxn',
    'produce',
    'addOffsetsToTxn',
    'txnOffsetCommit',
    'endTxn',
  ]
  const broker = Object.fromEntries(steps.map(step => [step, answer(step)]))
  const cluster = {
    findGroupCoordinator: async () => broker,
    findBroker: async () => broker,
    addMultipleTargetTopics: async () => undefined,
    refreshMetadata: async () => undefined,
    findTopicPartitionMetadata: () => [0, 1].map(partitionId => ({ partitionId, leader: 1, partitionErrorCode: 0 })),
  } as unknown as Cluster
  const names = () => calls.map(({ step }) => step)
  return { cluster, calls, names }
}

const options = { transactionTimeoutMs: 300, compressionOf: () => 'none' as const }
const record = (partition: number): NewRecord => ({ topic: 't', partition, key: null, value: Buffer.from('v') })
const offsets = { group: 'g', offsets: [{ topic: 'in', partition: 0, offset: 5n, metadata: 'm' }] }

async function commitOn(script: Partial<Record<Step, (Error | undefined)[]>>) {
  const { cluster, calls, names } = scripted(script)
  const producer = await fence(async () => cluster, 'id', options)
  const outcome = await producer.commit([record(0), record(1)], offsets).catch((error: unknown) => error)
  return { producer, outcome, calls, names: names().slice(1) }
}

describe('fence', () => {
  it('asks again while the coordinator completes an older transaction or cannot be reached', async () => {
    const { cluster, names } = scripted({
      initProducerId: [kafkaError('CONCURRENT_TRANSACTIONS'), lostAnswer(), kafkaError('NOT_COORDINATOR_FOR_GROUP')],
    })
    expect((await fence(async () => cluster, 'id', options)).epoch).toBe(3)
    expect(names()).toHaveLength(4)
  })

  it('names the id when it is refused', async () => {
    const { cluster } = scripted({ initProducerId: [kafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')] })
    await expect(fence(async () => cluster, 'my-id', options)).rejects.toThrow(/my-id.*AUTHORIZATION/)
  })
})

describe('commit', () => {
  it('tells the coordinator everything first, writes one partition per request, ends once', async () => {
    const { outcome, names, calls } = await commitOn({})
    expect(outcome).toBeUndefined()
    expect(names.slice(0, 2)).toEqual(['addPartitionsToTxn', 'addOffsetsToTxn'])
    expect(names.slice(2, 5).sort()).toEqual(['produce', 'produce', 'txnOffsetCommit'])
    expect(names.slice(5)).toEqual(['endTxn'])
    expect(calls.at(-1)!.request).toMatchObject({ transactionResult: true, producerId: '7', producerEpoch: 3 })
  })

  it('numbers the records of each partition on and on, and sends the same number again when the leader moved', async () => {
    const { cluster, calls } = scripted({ produce: [kafkaError('NOT_LEADER_FOR_PARTITION')] })
    const producer = await fence(async () => cluster, 'id', options)
    await producer.commit([record(0), record(0)])
    await producer.commit([record(1), record(0)])
    const sequences = calls
      .filter(({ step }) => step === 'produce')
      .map(
        ({ request }) => (request['topicData'] as { partitions: { partition: number; firstSequence: number }[] }[])[0]!,
      )
      .map(({ partitions }) => [partitions[0]!.partition, partitions[0]!.firstSequence])
    expect(sequences).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
      [0, 2],
    ])
  })

  it.each<[Step, string]>([
    ['addPartitionsToTxn', 'INVALID_PRODUCER_EPOCH'],
    ['addOffsetsToTxn', 'INVALID_PRODUCER_EPOCH'],
    ['produce', 'INVALID_PRODUCER_EPOCH'],
    ['txnOffsetCommit', 'INVALID_PRODUCER_EPOCH'],
    ['endTxn', 'INVALID_PRODUCER_EPOCH'],
  ])('says Fenced when %s says so, sends nothing more, and says it again', async (step, type) => {
    const { producer, outcome, names, calls } = await commitOn({ [step]: [kafkaError(type)] })
    expect(outcome).toBeInstanceOf(Fenced)
    expect(names.filter(name => name === 'endTxn')).toHaveLength(step === 'endTxn' ? 1 : 0)
    const before = calls.length
    await expect(producer.commit([record(0)])).rejects.toBeInstanceOf(Fenced)
    expect(calls).toHaveLength(before)
  })

  it.each<[Step, Error]>([
    ['addPartitionsToTxn', lostAnswer()],
    ['produce', lostAnswer()],
    ['produce', kafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER')],
    ['produce', kafkaError('MESSAGE_TOO_LARGE')],
    ['txnOffsetCommit', lostAnswer()],
    ['addOffsetsToTxn', kafkaError('GROUP_AUTHORIZATION_FAILED')],
  ])('says NotCommitted when %s fails, aborts, and is dead', async (step, failure) => {
    const { producer, outcome, calls } = await commitOn({ [step]: [failure] })
    expect(outcome).toBeInstanceOf(NotCommitted)
    expect(calls.at(-1)).toMatchObject({ step: 'endTxn', request: { transactionResult: false } })
    const before = calls.length
    await expect(producer.commit([record(0)])).rejects.toBeInstanceOf(NotCommitted)
    expect(calls).toHaveLength(before)
  })

  it('says NotCommitted also when the abort gets no answer', async () => {
    const { outcome } = await commitOn({ produce: [lostAnswer()], endTxn: [lostAnswer()] })
    expect(outcome).toBeInstanceOf(NotCommitted)
  })

  it.each([lostAnswer(), kafkaError('INVALID_TXN_STATE')])(
    'says UnknownOutcome when the commit ends in: %s',
    async failure => {
      const { outcome, names } = await commitOn({ endTxn: [failure] })
      expect(outcome).toBeInstanceOf(UnknownOutcome)
      expect(names.filter(name => name === 'endTxn')).toHaveLength(1)
    },
  )

  it('asks again where the coordinator did nothing yet, until the time of the transaction is over', async () => {
    const busy = ['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS'].map(kafkaError)
    expect((await commitOn({ addPartitionsToTxn: [...busy], endTxn: [...busy] })).outcome).toBeUndefined()
    const forever = Array.from({ length: 100 }, () => kafkaError('CONCURRENT_TRANSACTIONS'))
    expect((await commitOn({ endTxn: forever })).outcome).toBeInstanceOf(UnknownOutcome)
  })

  it('does nothing for nothing, and refuses a second commit beside the first', async () => {
    const { cluster, calls } = scripted({})
    const producer = await fence(async () => cluster, 'id', options)
    await producer.commit([], { group: 'g', offsets: [] })
    expect(calls).toHaveLength(1)
    const first = producer.commit([record(0)])
    await expect(producer.commit([record(1)])).rejects.toThrow('another commit is under way')
    await first
    await producer.commit([record(1)])
  })
})
