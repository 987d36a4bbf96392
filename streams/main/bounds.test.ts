import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { infrastructure, type Knob, type Section } from './config-schema.ts'
import { counters, gauges, histograms } from './metric-names.ts'
import { Metrics } from './metrics.ts'

/** The rows of docs/bounds.md: | what | limit | value | metric | at the limit |. */
const page = readFileSync('docs/bounds.md', 'utf8')
const rows = page.split('\n').flatMap(line => {
  const cells = line.split('|').map(cell => cell.trim())
  return cells.length === 7 && cells[1] !== 'what' && !/^-/.test(cells[1]!) ? [cells.slice(1, 6)] : []
})
const limits = rows.map(([what, limit, value]) => {
  const [name, file] = [...limit!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!)
  return { what, name, file, value: value!.replaceAll('`', '') }
})
const ofCode = limits.filter(({ file }) => file !== undefined)
const ofKnobs = limits.filter(({ name, file }) => name !== undefined && file === undefined)

const knobs = Object.entries(infrastructure as Record<string, Knob | Section>).flatMap(([section, node]) =>
  'properties' in node
    ? Object.entries(node.properties).map(([name, knob]) => ({ path: `${section}.${name}`, name, knob: knob as Knob }))
    : [],
)

describe('the page of bounds', () => {
  it.each(ofCode)('has $name of $file as it is', ({ name, file, value }) => {
    const [, found] = new RegExp(`^(?:export )?const ${name} = (.+)$`, 'm').exec(readFileSync(file!, 'utf8')) ?? []
    expect(found).toBe(value)
  })
  it.each(ofKnobs)('has the knob $name as it is', ({ name, value }) => {
    const knob = knobs.find(({ path }) => path === name)?.knob
    expect(String(knob?.default)).toBe(value.replaceAll('_', ''))
  })
  it('names every knob that limits something', () => {
    const limiting = knobs.filter(({ name }) => /^max[A-Z]|Records$|Concurrency$|Size$|Cache$|Tries$|Limit$/.test(name))
    expect(limiting.length).toBeGreaterThan(5)
    const named = ofKnobs.map(({ name }) => name)
    expect(limiting.map(({ path }) => path).filter(path => !named.includes(path))).toEqual([])
  })
  it('names every constant that limits something', () => {
    const args = ['-c', 'safe.directory=*', 'grep', '-nE', '^(export )?const (MAX|MOST|BATCH|LIMIT)[A-Z_]* =']
    const lines = execFileSync('git', [...args, '--', 'streams', 'sinks', 'ops', 'pipeline/worker'], {
      encoding: 'utf8',
    })
    const constants = lines.split('\n').flatMap(line => {
      const [, file, name] = /^([^:]+):\d+:(?:export )?const (\w+) =/.exec(line) ?? []
      return file !== undefined && !/\.(test|contract)\.ts$|\/testing\//.test(file) ? [`${name} in ${file}`] : []
    })
    expect(constants.length).toBeGreaterThan(10)
    const named = ofCode.map(({ name, file }) => `${name} in ${file}`)
    expect(constants.filter(constant => !named.includes(constant) && !(constant in noLimit))).toEqual([])
    expect(Object.keys(noLimit).filter(constant => !constants.includes(constant))).toEqual([])
  })
  it('names a metric for each bound, or says what else tells how near it is', () => {
    const silent = rows.filter(([, , , metric]) => !/`(?:pp|process|nodejs)_\w+`/.test(metric!))
    expect(silent.map(([what]) => what).sort()).toEqual(Object.keys(noMetric).sort())
    expect(silent.filter(([, , , metric]) => metric === '').map(([what]) => what)).toEqual([])
  })
  it('names every metric, and none that is not there', () => {
    const registered = new Metrics().names
    const ours = registered.filter(name => name.startsWith('pp_'))
    expect(ours.sort()).toEqual([counters, gauges, histograms].flatMap(it => Object.keys(it)).sort())
    const named = new Set([...page.matchAll(/`((?:pp|process|nodejs)_\w+)`/g)].map(([, name]) => name!))
    expect(ours.filter(name => !named.has(name))).toEqual([])
    expect([...named].filter(name => !registered.includes(name))).toEqual([])
  })
})

/** Named like a limit, and bounds nothing that grows. */
const noLimit: Readonly<Record<string, string>> = {
  'MOST_ATTEMPTS in streams/task/redrive.ts': 'the largest number that the contract holds',
  'MOST_DEGREES in pipeline/worker/gate.ts': 'how far a pointing may be off',
}

const command = 'a command is over before anybody scrapes it, and says so itself where it meets the bound'
/** Bounds without a metric, by what they bound, and why. */
const noMetric: Readonly<Record<string, string>> = {
  'exposures of a night that an alarm looks at': 'it is looked at when the alarm is raised, which is the news',
  'wake-ups of one key in a row':
    'counted anew at each watermark: nothing but a fault in a step comes near it, and that ends the process',
  'a request for metrics': 'whoever would read the metric is who was cut off',
  'parked records that one command looks at': command,
  'bytes of the parked records put back by one command': command,
  'parked records in one transaction': command,
  'bytes of the parked records in one transaction': command,
  "lines that a command prints of one visit's detail": command,
  'alerts of one order to resend or retract': command,
  'characters of its reason, which goes out with each alert': command,
  'parts of orders looked at, per shard, to carry out one':
    'nothing waits for it: `pp alerts orders` says what is not done yet',
}
