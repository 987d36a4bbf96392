import { describe, expect, it } from 'vitest'
import { choosePipelines, faultsOfRules, type PipelineRule } from './pipelines.ts'
import { announcementAt, NIGHT } from './testing/announcements.ts'

const subject = (survey: string, instrument = 'LATISS') => ({
  announcement: announcementAt(NIGHT, { survey, instrument }),
  detector: 0,
})

describe('the choice of pipelines', () => {
  const rules: PipelineRule[] = [
    { survey: 'A', pipelines: ['Isr'] },
    { survey: 'A', pipelines: ['ApPipe'] },
    { survey: '', pipelines: [] },
    { instrument: 'LATISS', pipelines: ['ApPipe', 'SingleFrame', 'Isr'] },
  ]
  it('takes the first rule that matches, not the second', () => {
    expect(choosePipelines(rules, subject('A'))).toEqual({ pipelines: ['Isr'], reason: null, rule: 1, passedOver: [] })
  })
  it('matches an empty survey with the empty survey only, and says that it wants nothing', () => {
    expect(choosePipelines(rules, subject(''))).toMatchObject({
      pipelines: [],
      rule: 3,
      reason: 'survey "" takes pipeline rule 3, which runs nothing',
    })
  })
  it('matches any survey where the rule names none, and says why not the others', () => {
    expect(choosePipelines(rules, subject('a'))).toEqual({
      pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
      reason: null,
      rule: 4,
      passedOver: ['rule 1: survey is "a", not "A"', 'rule 2: survey is "a", not "A"', 'rule 3: survey is "a", not ""'],
    })
  })
  it('ignores what no rule matches, with every reason', () => {
    const choice = choosePipelines(rules, subject('B', 'HSC'))
    expect(choice).toMatchObject({ pipelines: [], rule: undefined })
    expect(choice.reason).toContain('rule 4: instrument is "HSC", not "LATISS"')
  })
})

it.each([
  [[], 'at least one rule'],
  [[{ pipelines: ['ApPip'] }], 'pipelines[0].pipelines[0] is "ApPip"; allowed are ApPipe, SingleFrame, Isr'],
  [[{ pipelines: ['Isr', 'Isr'] }], 'pipelines[0].pipelines[1] is "Isr" a second time'],
  [[{ pipelines: [] }, { survey: 'A', pipelines: [] }], 'pipelines[1] can never match'],
])('rules %j are refused', (rules: PipelineRule[], sentence) => {
  expect(faultsOfRules(rules).join()).toContain(sentence)
})
