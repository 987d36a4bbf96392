/* eslint-disable no-console -- a process of its own, which speaks through its output */
import { stageOf } from '../../topology/model/topology.ts'
import { runClock } from '../clock/clock.ts'
import { kafkaLogClient } from '../kafka/index.ts'
import type { Log } from '../log.ts'
import { runStage } from '../run-stage.ts'
import { demoEffects } from './demo.ts'
import { demoVersions, type DemoVersion } from './demo-versions.ts'
import { jsonCodec } from './json-codec.ts'

/**
 * The whole demo topology on a real broker, as one process that a test can kill, or end in good order by SIGTERM:
 * `tsx demo-process.ts <brokers> <app> <name> <older|newer>`. Writes its log to its output, one JSON a line.
 */
const [brokers, app, name, version] = process.argv.slice(2) as [string, string, string, DemoVersion]
const topology = demoVersions[version]
const say = (level: string) => (facts: object, sentence: string) =>
  console.log(JSON.stringify({ level, ...facts, sentence }))
const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
const onFatal = (error: Error) => {
  log.error({ error: String(error) }, 'stopped')
  process.exit(1)
}

const client = await kafkaLogClient({ brokers: brokers.split(','), clientId: name, log })
const shared = { topology, client, codec: jsonCodec, app, log, onFatal }
const running = await Promise.all(
  topology.stages.map(stage => {
    if (stage.name === 'clock') {
      return runClock({ ...shared, stage: stageOf(topology, 'clock'), options: { periodMs: 200, epsilonMs: 300 } })
    }
    const implementation = typeof stage.run === 'object' ? stage.run : { effect: demoEffects[stage.name]! }
    return runStage({ ...shared, stage, implementation, options: { sessionTimeoutMs: 2_000, timeCommitMs: 200 } })
  }),
)
process.once('SIGTERM', () => {
  void Promise.all(running.map(stage => stage.stop()))
    .then(() => client.close())
    .then(() => process.exit(0))
})
log.info({}, 'started')
