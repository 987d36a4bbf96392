import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ConfigError, loadConfig, showConfig, variableOf } from './config.ts'

const needed = {
  PP_KAFKA_BROKERS: 'a:9092, b:9092',
  PP_REGISTRY_URL: 'http://registry/apis/ccompat/v7',
  PP_S3_ENDPOINT: 'http://s3',
  PP_S3_ACCESS_KEY_ID: 'key',
  PP_S3_SECRET_ACCESS_KEY: 'canary-s3',
  PP_POSTGRES_URL: 'postgresql://u:canary-pg@db/apdb',
}
const messageOf = (environment: Record<string, string>) => {
  try {
    loadConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error('it was accepted')
}

it('fills in every default and reads variables by type', () => {
  const config = loadConfig({ ...needed, PP_CLOCK_PERIOD_MS: '250', PP_KAFKA_SSL: 'true' })
  expect(config.kafka).toMatchObject({ brokers: ['a:9092', 'b:9092'], ssl: true, partitions: 6 })
  expect(config.clock).toEqual({ periodMs: 250, epsilonMs: 1000 })
  expect(config.decide.instruments['LATISS']).toEqual({ off: {} })
  expect(config.decide.imageTimeoutSeconds).toBe(120)
})

it('lays variables over the file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pp-config-')), 'config.json')
  writeFileSync(file, JSON.stringify({ clock: { periodMs: 500, epsilonMs: 7 }, decide: { imageTimeoutSeconds: 20 } }))
  const config = loadConfig({ ...needed, PP_CONFIG: file, PP_CLOCK_PERIOD_MS: '250' })
  expect(config.clock).toEqual({ periodMs: 250, epsilonMs: 7 })
  expect(config.decide.imageTimeoutSeconds).toBe(20)
})

it('names every knob that is wrong, at once, and what is allowed', () => {
  const { PP_KAFKA_BROKERS: _, ...rest } = needed
  const message = messageOf({ ...rest, PP_CLOCK_PERIOD_MS: 'soon', PP_LOG_LEVEL: 'loud' })
  expect(message).toContain('kafka.brokers is not given: set it in the file or as PP_KAFKA_BROKERS')
  expect(message).toContain('clock.periodMs must be integer')
  expect(message).toContain('logLevel must be equal to one of the allowed values: debug, info, warn, error')
})

it('refuses addresses that are none, without printing them, and leases that outlive no heartbeat', () => {
  const wrong = { PP_POSTGRES_URL: 'canary@db', PP_S3_ENDPOINT: 's3:9000', PP_REGISTRY_URL: 'registry' }
  const message = messageOf({ ...needed, ...wrong })
  for (const [knob, pattern] of [
    ['postgres.url', '^postgres(ql)?://'],
    ['s3.endpoint', '^https?://'],
    ['registry.url', '^https?://'],
  ])
    expect(message).toContain(`${knob} must match pattern "${pattern}"`)
  expect(message).not.toContain('canary')
  expect(messageOf({ ...needed, PP_WORKER_HEARTBEAT_MS: '6000' })).toContain('ledger.leaseSeconds is 20; allowed is at')
  expect(messageOf({ ...needed, PP_LEDGER_SWEEP_MS: '5001' })).toContain('at least 21, four sweeps (ledger.sweepMs)')
  expect(loadConfig({ ...needed, PP_LEDGER_SWEEP_MS: '5000' }).ledger.sweepMs).toBe(5000)
})

it.each(['PP_POSTGRES_URL', 'PP_POSTGRES_DIRECT_URL'])(
  'refuses options in %s, which would replace all bounds',
  name => {
    const message = messageOf({ ...needed, [name]: 'postgresql://u:canary@db/apdb?sslmode=require&options=-c%20a%3D1' })
    expect(message).toContain(' has "options" after the ?; not allowed')
    expect(message).not.toContain('canary')
  },
)

it('of a file that is no JSON says where, and nothing that stands there', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pp-config-')), 'config.json')
  const broken = [
    '{"s3": {\n  "secretAccessKey": canary-s3 }}',
    '{"s3": {\n  "secretAccessKey": "canary-s3" "" }}',
    '{"a": canary',
    'canary',
    '{"s3": {"secretAccessKey": "canary',
  ]
  for (const text of broken) {
    writeFileSync(file, text)
    const message = messageOf({ ...needed, PP_CONFIG: file })
    expect(message).toContain(`${file}, which is not valid JSON`)
    expect(message).not.toContain('canary')
  }
  writeFileSync(file, broken[1]!)
  expect(messageOf({ ...needed, PP_CONFIG: file })).toMatch(/JSON at line 2, column 34$/)
})

it('takes a recorded pipeline only where the name of the deployment says that it is a load test', () => {
  const recording = { ...needed, PP_WORKER_RECORDING: 'recordings/unit.v8' }
  expect(messageOf(recording)).toContain('in the deployment "development"; allowed only in one whose name begins with')
  expect(loadConfig({ ...recording, PP_DEPLOYMENT: 'load-test' }).worker.recording).toBe('recordings/unit.v8')
})

it('refuses a knob that does not exist, in a variable as in the file', () => {
  expect(messageOf({ ...needed, PP_CLOCK_PERIOD: '1' })).toContain('No knob is called PP_CLOCK_PERIOD')
  const file = join(mkdtempSync(join(tmpdir(), 'pp-config-')), 'config.json')
  writeFileSync(file, JSON.stringify({ clock: { period: 1 } }))
  expect(messageOf({ ...needed, PP_CONFIG: file })).toContain('clock has no knob "period"')
  expect(messageOf({ ...needed, PP_CONFIG: '/nowhere.json' })).toContain('/nowhere.json')
})

it('refuses settings that their schema cannot judge', () => {
  const instruments = JSON.stringify({ LATISS: { off: { '7': 'there is no such detector' } } })
  expect(messageOf({ ...needed, PP_DECIDE_INSTRUMENTS: instruments })).toContain('names detector 7')
})

it.each([
  ['[]', 'decide.pipelines is [], and must NOT have fewer than 1 items'],
  ['ApPipe', 'decide.pipelines[0] is "ApPipe", and must be object (allowed: instrument, survey, ra, dec,'],
  ['[{}]', "decide.pipelines[0] is {}, and must have required property 'pipelines'"],
  ['[{"pipelines":"ApPipe"}]', 'decide.pipelines[0].pipelines is "ApPipe", and must match pattern "^None$" (A list,'],
  [
    '[{"pipelines":[],"coordType":null}]',
    'coordType is null, and must be string (Which point of the sky is looked at:',
  ],
  ['[{"pipelines":[],"coordType":"x"}]', 'decide.pipelines[0].coordType is "x"; allowed are detector and boresight'],
  [
    '[{"pipelines":[],"coord-type":"x"}]',
    'must NOT have additional properties like "coord-type" (allowed: instrument,',
  ],
  ['[{"pipelines":[],"ra":{"min":1}}]', `decide.pipelines[0].ra is {"min":1}, and must have required property 'max'`],
  ['[{"pipelines":[],"dec":{"min":2,"max":1}}]', 'decide.pipelines[0].dec is 2 to 1; min must be less than max'],
  ['[{"pipelines":["Isr","Isr"]}]', 'decide.pipelines[0].pipelines[1] is "Isr" a second time'],
  [
    '[{"pipelines":["ApPip"]}]',
    'pipelines[0] is "ApPip", and must be equal to one of the allowed values (allowed: ApPipe',
  ],
])('refuses the pipeline rules %s with path, value and what is allowed', (rules, sentence) => {
  expect(messageOf({ ...needed, PP_DECIDE_PIPELINES: rules })).toContain(sentence)
})

it('shows every knob and no secret', () => {
  const shown = showConfig(loadConfig(needed))
  expect(JSON.stringify(shown)).not.toContain('canary')
  expect(shown.find(({ knob }) => knob === 's3.secretAccessKey')?.value).toBe('(hidden)')
  expect(shown.find(({ knob }) => knob === 'clock.periodMs')).toMatchObject({ value: 1000, isDefault: true })
  for (const { description } of shown) expect(description).toMatch(/\S.*\.$/)
})

it('has no knob that nothing reads', () => {
  // Sections are handed on whole to where they are read.
  const readers = ['../main/', '../clock/', '../../sinks/ledger/', '../../sinks/objects/', '../../topology/']
  const folders = readers.map(path => new URL(path, import.meta.url))
  const sources = folders.flatMap(folder =>
    readdirSync(folder)
      .filter(file => /\.ts$/.test(file) && !/config-schema|\.test\./.test(file))
      .map(file => readFileSync(new URL(file, folder), 'utf8')),
  )
  const turned = (knob: string) => sources.some(source => new RegExp(`\\b${knob.split('.').at(-1)}\\b`).test(source))
  const own = showConfig(loadConfig(needed)).filter(({ knob }) => !knob.startsWith('decide.'))
  expect(own.map(({ knob }) => knob).filter(knob => !turned(knob))).toEqual([])
})

it('names variables after paths', () => {
  expect(variableOf('s3.secretAccessKey')).toBe('PP_S3_SECRET_ACCESS_KEY')
  expect(variableOf('app')).toBe('PP_APP')
})
