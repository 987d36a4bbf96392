import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import { faultsOfSettings, type Settings, settingsSchema } from '../../topology/settings.ts'
import { infrastructure, type Infrastructure, type Knob, section, type Section } from './config-schema.ts'

/** Everything a process is told: how to reach the world, and what the steps decide by. */
export interface Config extends Infrastructure {
  readonly decide: Settings
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

type Tree = { [name: string]: unknown }
const decide = { ...settingsSchema, default: {} } as unknown as Section
// A default at the root would mean nothing: there is always a tree.
const { default: _none, ...schema } = section({ ...infrastructure, decide })

/** `kafka.brokers` is overridden by `PP_KAFKA_BROKERS`, `clock.periodMs` by `PP_CLOCK_PERIOD_MS`. */
export const variableOf = (path: string): string =>
  `PP_${path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`

interface Leaf {
  readonly path: string
  readonly knob: Knob
}
const isSection = (node: Knob | Section): node is Section => 'properties' in node

function leaves(node: Omit<Section, 'default'>, prefix = ''): Leaf[] {
  return Object.entries(node.properties).flatMap(([name, child]) =>
    isSection(child) ? leaves(child, `${prefix}${name}.`) : [{ path: prefix + name, knob: child }],
  )
}

/**
 * Reads the file (JSON) named by `PP_CONFIG`, lays variables `PP_…` over it, fills in defaults and checks everything.
 * @throws ConfigError naming every knob that is wrong, its value's place, what was found and what is allowed.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const tree = fromFile(environment['PP_CONFIG'])
  for (const { path, knob } of leaves(schema)) {
    const text = environment[variableOf(path)]
    if (text !== undefined) put(tree, path, fromText(text, knob))
  }
  refuseUnknownVariables(environment)
  const ajv = new Ajv({
    useDefaults: true,
    allErrors: true,
    strict: true,
    keywords: ['secret'],
    allowUnionTypes: true,
    verbose: true,
  })
  if (!ajv.validate(schema, tree)) {
    throw new ConfigError([wrong(environment), ...ajv.errors!.map(error => `  ${describe(error)}`)].join('\n'))
  }
  const config = tree as unknown as Config
  const faults = [
    ...faultsOfLeases(config),
    ...faultsOfRecording(config),
    ...faultsOfDatabase(config),
    ...faultsOfSettings(config.decide).map(fault => `decide.${fault}`),
  ]
  if (faults.length > 0) {
    throw new ConfigError([wrong(environment), ...faults.map(fault => `  ${fault}`)].join('\n'))
  }
  return config
}

/** A worker that renews less often would lose units that it works on; a sweeper that came as seldom as that would take itself for absent. */
function faultsOfLeases({ ledger, worker }: Config): string[] {
  const periods = {
    'four heartbeats (worker.heartbeatMs)': worker.heartbeatMs,
    'four sweeps (ledger.sweepMs)': ledger.sweepMs,
  }
  return Object.entries(periods).flatMap(([what, ms]) => {
    const least = Math.ceil((4 * ms) / 1000)
    if (ledger.leaseSeconds >= least) return []
    return [`ledger.leaseSeconds is ${ledger.leaseSeconds}; allowed is at least ${least}, ${what}`]
  })
}

/** Made-up alerts must never be taken for those of the sky: the run of every product says what it is. */
function faultsOfRecording({ deployment, worker }: Config): string[] {
  if (worker.recording === '' || deployment.startsWith('load-test')) return []
  return [
    `worker.recording is "${worker.recording}" in the deployment "${deployment}"; allowed only in one whose name begins with load-test`,
  ]
}

/** The client would let them replace, unseen, the bounds that every session of ours has: time-outs of statements, locks and transactions. */
const faultsOfDatabase = ({ postgres }: Config): string[] =>
  (['url', 'directUrl'] as const)
    .filter(name => /[?&]options=/i.test(postgres[name]))
    .map(name => `postgres.${name} has "options" after the ?; not allowed: sessions have bounds of their own`)

/** Says which file was read, or that none was. */
const wrong = ({ PP_CONFIG: file }: Readonly<Record<string, string | undefined>>): string =>
  `The configuration is wrong (${file ? `file ${file}` : 'no file: PP_CONFIG is not set'}):`

function fromFile(file: string | undefined): Tree {
  if (!file) return {}
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`PP_CONFIG names ${file}: ${(error as Error).message}`)
  }
  try {
    return JSON.parse(text) as Tree
  } catch (error) {
    throw new ConfigError(`PP_CONFIG names ${file}, which is not valid JSON${placeOf(error as Error, text)}`)
  }
}

/** Where the parser stopped, if it says so; not what it found there, which it quotes: that may be a secret. */
function placeOf({ message }: Error, text: string): string {
  const [, position] = / at position (\d+)/.exec(message) ?? []
  if (position === undefined) return ''
  const before = text.slice(0, Number(position)).split('\n')
  return ` at line ${before.length}, column ${before.at(-1)!.length + 1}`
}

/** A list is comma-separated in a variable, an object is JSON; what is no number stays text, and ajv says what is allowed. */
function fromText(text: string, { type }: Knob): unknown {
  if (/^\s*[[{]/.test(text)) return fromJson(text)
  if (type === 'array') return text.split(',').map(part => part.trim())
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'integer' || type === 'number')
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
  return text
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function refuseUnknownVariables(environment: Readonly<Record<string, string | undefined>>): void {
  const known = new Set(['PP_CONFIG', ...leaves(schema).map(({ path }) => variableOf(path))])
  const unknown = Object.keys(environment).filter(name => name.startsWith('PP_') && !known.has(name))
  if (unknown.length > 0) {
    throw new ConfigError(`No knob is called ${unknown.join(', ')}; \`pp config show\` lists them all`)
  }
}

function put(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop()!
  let node = tree
  for (const name of names) node = (node[name] ??= {}) as Tree
  node[last] = value
}

function describe(error: ErrorObject): string {
  const { instancePath, message, keyword, params } = error
  const place = instancePath.slice(1).replaceAll('/', '.')
  if (place.startsWith('decide.')) return describeDecision(place, error)
  if (keyword === 'required') {
    const path = [place, (params as { missingProperty: string }).missingProperty].filter(Boolean).join('.')
    return `${path} is not given: set it in the file or as ${variableOf(path)}`
  }
  if (keyword === 'additionalProperties') {
    return `${place || 'the file'} has no knob "${(params as { additionalProperty: string }).additionalProperty}"`
  }
  const allowed = keyword === 'enum' ? `: ${(params as { allowedValues: string[] }).allowedValues.join(', ')}` : ''
  return `${place} ${message}${allowed}`
}

/** There is no secret in what the steps decide by, so the value is shown; and what it is for says what is allowed. */
function describeDecision(place: string, { message, params, data, parentSchema }: ErrorObject): string {
  const path = place.replace(/\.(\d+)(?=\.|$)/g, '[$1]')
  const text = JSON.stringify(data)
  const found = text.length > 100 ? `${text.slice(0, 99)}…` : text
  const more = (params as { allowedValues?: string[] }).allowedValues ?? Object.keys(propertiesOf(parentSchema))
  const { description } = parentSchema as { description?: string }
  const allowed = [...(more.length > 0 ? [`allowed: ${more.join(', ')}`] : []), ...(description ? [description] : [])]
  const { additionalProperty } = params as { additionalProperty?: string }
  const extra = additionalProperty === undefined ? '' : ` like "${additionalProperty}"`
  return `${path} is ${found}, and ${message}${extra}${allowed.length > 0 ? ` (${allowed.join('; ')})` : ''}`
}
const propertiesOf = (node: unknown): object => (node as { properties?: object }).properties ?? {}

export interface ShownKnob {
  readonly knob: string
  readonly value: unknown
  readonly variable: string
  readonly isDefault: boolean
  readonly description: string
}

/** Every knob as it is in force, secrets hidden. */
export function showConfig(config: Config): ShownKnob[] {
  return leaves(schema).map(({ path, knob }) => {
    const value = path.split('.').reduce<unknown>((node, name) => (node as Tree)[name], config)
    return {
      knob: path,
      value: knob.secret && value !== '' ? '(hidden)' : value,
      variable: variableOf(path),
      isDefault: JSON.stringify(value) === JSON.stringify(knob.default),
      description: knob.description,
    }
  })
}
