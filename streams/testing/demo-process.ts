/* eslint-disable no-console -- a process of its own, which speaks through its output */
import { stageOf } from '../../topology/model/topology.ts'
import { runClock } from '../clock/clock.ts'
import { kafkaLogClient } from '../kafka/index.ts'
import type { Log } from '../log.ts'
import { runStage } from '../run-stage.ts'
import { demoEffects, demoTopology } from './demo.ts'
import { jsonCodec } from './json-codec.ts'

/**
 * The whole demo topology on a real broker, as one process that a test can kill: `tsx demo-process.ts <brokers> <app> <name>`.
 * Writes its log to its output, one JSON a line.
 */
const [brokers, app, name] = process.argv.slice(2) as [string, string, string]
const say = (level: string) => (facts: object, sentence: string) =>
  console.log(JSON.stringify({ level, ...facts, sentence }))
const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
const onFatal = (error: Error) => {
  log.error({ error: String(error) }, 'stopped')
  process.exit(1)
}

const client = await kafkaLogClient({ brokers: brokers.split(','), clientId: name, log })
const shared = { topology: demoTopology, client, codec: jsonCodec, app, log, onFatal }
await Promise.all(
  demoTopology.stages.map(stage => {
    if (stage.name === 'clock') {
      return runClock({ ...shared, stage: stageOf(demoTopology, 'clock'), options: { periodMs: 200, epsilonMs: 300 } })
    }
    const implementation = typeof stage.run === 'object' ? stage.run : { effect: demoEffects[stage.name]! }
    return runStage({ ...shared, stage, implementation, options: { sessionTimeoutMs: 2_000, timeCommitMs: 200 } })
  }),
)
log.info({}, 'started')
