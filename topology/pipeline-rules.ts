import { instruments } from './instruments.ts'
import { ladderOf, PIPELINES, type Pipeline, type PipelineRule } from './pipelines.ts'

/** What rules may look like, for those who load them. */

const interval = (what: string, more: object = {}) => ({
  type: 'object',
  additionalProperties: false,
  required: ['min', 'max'],
  description: what,
  properties: {
    min: { type: 'number', description: 'Where it begins, degrees.', ...more },
    max: { type: 'number', description: 'Where it ends, degrees.', ...more },
  },
})

/** JSON Schema of one rule: the kinds of its values. What only several values together can get wrong is `faultsOfRules`. */
export const ruleSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['pipelines'],
  properties: {
    instrument: { type: 'string', description: 'Matches this instrument only; absent: any.' },
    survey: { type: 'string', description: 'Matches this survey exactly, "" only an empty one; absent: any.' },
    ra: interval('Right ascensions {"min", "max"} in degrees, ends included; 350 to 10 goes through 0; absent: any.'),
    dec: interval('Declinations {"min", "max"} in degrees, ends included, -90 to 90; absent: any.', {
      minimum: -90,
      maximum: 90,
    }),
    binaryMap: {
      type: 'string',
      minLength: 1,
      description: 'Path of an all-sky HEALPix map (FITS): matches where it is 1; absent: anywhere.',
    },
    coordType: {
      type: 'string',
      description: 'Which point of the sky is looked at: "detector", its middle (the default), or "boresight".',
    },
    pipelines: {
      type: ['array', 'null', 'string'],
      pattern: '^None$',
      items: { enum: PIPELINES },
      description: 'A list, what to try, best first; [] (or null, or "None"): units that take this rule are ignored.',
    },
  },
} as const

/**
 * What is wrong with rules, beyond what their JSON Schema says; each sentence has path, value and what is allowed.
 * A rule behind one that matches everything could never win: whoever wrote it believes otherwise.
 */
export function faultsOfRules(rules: readonly PipelineRule[]): readonly string[] {
  if (rules.length === 0) return ['pipelines is []; at least one rule is needed, the last one for everything else']
  const catchAll = rules.findIndex(matchesEverything)
  return rules.flatMap((rule, index) => {
    const path = `pipelines[${index}]`
    const hidden =
      catchAll >= 0 && catchAll < index
        ? [`${path} can never match: pipelines[${catchAll}] before it matches everything`]
        : []
    return [...faultsOfConditions(rule, path), ...faultsOfLadder(ladderOf(rule), path), ...hidden]
  })
}

const matchesEverything = ({ pipelines: _pipelines, coordType: _point, ...conditions }: PipelineRule): boolean =>
  Object.values(conditions).every(condition => condition === undefined)

function faultsOfConditions({ instrument, dec, coordType }: PipelineRule, path: string): string[] {
  const faults = []
  if (instrument !== undefined && !instruments.has(instrument)) {
    faults.push(`${path}.instrument is "${instrument}"; allowed are ${[...instruments.keys()].join(', ')}`)
  }
  if (dec && !(dec.min < dec.max)) {
    faults.push(`${path}.dec is ${dec.min} to ${dec.max}; min must be less than max`)
  }
  if (coordType !== undefined && !['detector', 'boresight'].includes(coordType.toLowerCase())) {
    faults.push(`${path}.coordType is "${coordType}"; allowed are detector and boresight, in any case`)
  }
  return faults
}

function faultsOfLadder(ladder: readonly string[], path: string): string[] {
  return ladder.flatMap((name, i) => {
    const place = `${path}.pipelines[${i}] is "${name}"`
    const unknown = PIPELINES.includes(name as Pipeline) ? [] : [`${place}; allowed are ${PIPELINES.join(', ')}`]
    return ladder.indexOf(name) === i ? unknown : [...unknown, `${place} a second time`]
  })
}
