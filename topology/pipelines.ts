import type { Announcement } from '../schemas/avro/generated.ts'

/**
 * Which pipelines a unit may run. Rules are tried in order and the first that matches wins, even where a later one is
 * tighter. A rule is its conditions and a ladder of pipelines, best first; an empty ladder matches and wants nothing.
 */

/** Science first; each next one needs less: templates, reference catalogues, calibrations alone. */
export const PIPELINES = ['ApPipe', 'SingleFrame', 'Isr'] as const
export type Pipeline = (typeof PIPELINES)[number]

export interface PipelineRule {
  /** Exact name; absent: any instrument. */
  readonly instrument?: string
  /** Exact and case-sensitive; `""` matches an empty survey only; absent: any survey. */
  readonly survey?: string
  /** What to try, best first; empty: the unit is ignored. */
  readonly pipelines: readonly string[]
}

/** What a rule may look at. */
export interface Subject {
  readonly announcement: Announcement
  readonly detector: number
}

export interface Choice {
  readonly pipelines: readonly string[]
  /** Why the unit is ignored; null where it is wanted. */
  readonly reason: string | null
  /** Number of the rule that won, from 1; undefined where none did. */
  readonly rule: number | undefined
  /** One sentence for each rule that was tried and did not match. */
  readonly passedOver: readonly string[]
}

/** A condition says why a rule that holds it does not match, or nothing where it does or the rule does not ask. */
type Condition = (rule: PipelineRule, subject: Subject) => string | undefined

const equals =
  (field: 'instrument' | 'survey'): Condition =>
  (rule, { announcement }) =>
    rule[field] === undefined || rule[field] === announcement[field]
      ? undefined
      : `${field} is "${announcement[field]}", not "${rule[field]}"`

/** A new kind of condition is one more line here. */
const CONDITIONS: readonly Condition[] = [equals('instrument'), equals('survey')]

/** The first reason why the rule does not match; undefined where it does. */
export function whyNot(rule: PipelineRule, subject: Subject): string | undefined {
  for (const condition of CONDITIONS) {
    const reason = condition(rule, subject)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** Takes the first rule that matches; says of each rule before it why it did not. Where none does, the unit is ignored. */
export function choosePipelines(rules: readonly PipelineRule[], subject: Subject): Choice {
  const passedOver: string[] = []
  for (const [index, rule] of rules.entries()) {
    const reason = whyNot(rule, subject)
    if (reason === undefined) {
      const wanted = rule.pipelines.length > 0
      const survey = `survey "${subject.announcement.survey}"`
      const ignored = wanted ? null : `${survey} takes pipeline rule ${index + 1}, which runs nothing`
      return { pipelines: rule.pipelines, reason: ignored, rule: index + 1, passedOver }
    }
    passedOver.push(`rule ${index + 1}: ${reason}`)
  }
  const reason = `no pipeline rule matches: ${passedOver.join('; ') || 'there are none'}`
  return { pipelines: [], reason, rule: undefined, passedOver }
}

/**
 * What is wrong with rules, beyond what their JSON Schema says; each sentence has path, value and what is allowed.
 * A rule behind one that matches everything could never win: whoever wrote it believes otherwise.
 */
export function faultsOfRules(rules: readonly PipelineRule[]): readonly string[] {
  const faults: string[] = []
  if (rules.length === 0)
    faults.push('pipelines is empty; at least one rule is needed, the last one for everything else')
  rules.forEach((rule, index) => {
    const path = `pipelines[${index}]`
    rule.pipelines.forEach((name, i) => {
      if (!PIPELINES.includes(name as Pipeline)) {
        faults.push(`${path}.pipelines[${i}] is "${name}"; allowed are ${PIPELINES.join(', ')}`)
      }
      if (rule.pipelines.indexOf(name) !== i) faults.push(`${path}.pipelines[${i}] is "${name}" a second time`)
    })
    const catchAll = rules.findIndex(it => it.instrument === undefined && it.survey === undefined)
    if (catchAll >= 0 && catchAll < index) {
      faults.push(`${path} can never match: pipelines[${catchAll}] before it matches everything`)
    }
  })
  return faults
}
