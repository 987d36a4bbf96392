import { inject } from 'vitest'
import { logClientContract } from '../log-client.contract.ts'
import { brokerWorld } from './testing/world.ts'

logClientContract('kafkajs on a real broker', async () => brokerWorld(inject('services').kafka.brokers))
