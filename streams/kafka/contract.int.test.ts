import { inject } from 'vitest'
import { logClientContract } from '../log-client.contract.ts'
import { logHistoriesContract } from '../log-histories.contract.ts'
import { brokerWorld } from './testing/world.ts'

const world = () => brokerWorld(inject('services').kafka.brokers)

logClientContract('kafkajs on a real broker', world)
logHistoriesContract('kafkajs on a real broker', world, { histories: 3, compactions: 2, outages: 3, dear: true })
