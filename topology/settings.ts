import { instruments, scienceDetectorsOf, type Size } from './instruments.ts'
import { faultsOfRules, ruleSchema } from './pipeline-rules.ts'
import type { PipelineRule } from './pipelines.ts'

/** Everything that a decision depends on besides its inputs. A change applies to visits announced after it. */
export interface Settings {
  readonly imageTimeoutSeconds: number
  readonly messageExpirationSeconds: number
  readonly unclaimedHoldSeconds: number
  readonly closedMemoryHours: number
  readonly visitGraceSeconds: number
  /** Instruments whose visits are processed, by name. */
  readonly instruments: Readonly<Record<string, InstrumentSettings>>
  readonly pipelines: readonly PipelineRule[]
}

export interface InstrumentSettings {
  /** Detectors that get no unit of work, by number, each with its reason. */
  readonly off: Readonly<Record<string, string>>
  /** Size of the chips in pixels, where it is not the real camera's: a simulated chip is smaller. */
  readonly chip?: Size
}

const off = (reason: string, ...detectors: number[]): Record<string, string> =>
  Object.fromEntries(detectors.map(id => [String(id), reason]))

/** Production of July 2026: 172 of LSSTCam's 189 detectors, and the observing blocks that are science. */
export const defaultSettings: Settings = {
  imageTimeoutSeconds: 120,
  messageExpirationSeconds: 3600,
  unclaimedHoldSeconds: 3600,
  closedMemoryHours: 48,
  visitGraceSeconds: 600,
  instruments: {
    LATISS: { off: {} },
    LSSTComCam: { off: {} },
    LSSTCam: {
      off: {
        ...off('off since early commissioning', 120),
        ...off('dead', 122),
        ...off('heavily vignetted', 0, 20, 27, 65, 123, 161, 168, 188),
        ...off('poor flats', 1, 19, 30, 68, 158, 169, 187),
      },
    },
    HSC: { off: off('dead', 9) },
  },
  pipelines: [
    ...['365', '407', '430', '432', 'T698', 'T703', 'T704', 'T706'].map(block => ({
      survey: `BLOCK-${block}`,
      pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
    })),
    { survey: 'BLOCK-T427', pipelines: ['Isr'] },
    { pipelines: [] },
  ],
}

/** Detectors of the instrument that get a unit of work, ascending; undefined where this deployment does not process it. */
export function activeDetectors(settings: Settings, name: string): readonly number[] | undefined {
  const instrument = instruments.get(name)
  if (!instrument || !Object.hasOwn(settings.instruments, name)) return undefined
  const { off } = settings.instruments[name]!
  return scienceDetectorsOf(instrument)
    .map(it => it.id)
    .filter(id => !Object.hasOwn(off, String(id)))
}

const seconds = (description: string, fallback: number, minimum: number) => ({
  type: 'number',
  minimum,
  maximum: 30 * 24 * 3600,
  default: fallback,
  description,
})
const pixels = { type: 'integer', minimum: 16, maximum: 16_384 }

/** JSON Schema (draft 7) of the settings, for ajv with `useDefaults`; every knob says in one sentence what it turns. */
export const settingsSchema = {
  $id: 'prompt-processing/settings',
  type: 'object',
  additionalProperties: false,
  properties: {
    imageTimeoutSeconds: seconds(
      'How long after the expected end of the script (2 × its duration) a window still waits for raws.',
      defaultSettings.imageTimeoutSeconds,
      1,
    ),
    messageExpirationSeconds: seconds(
      'An announcement delivered longer than this after its publication is parked as stale.',
      defaultSettings.messageExpirationSeconds,
      1,
    ),
    unclaimedHoldSeconds: seconds(
      'How long a raw waits for its announcement before it is reported as unclaimed.',
      defaultSettings.unclaimedHoldSeconds,
      1,
    ),
    closedMemoryHours: {
      type: 'number',
      minimum: 1,
      maximum: 720,
      default: defaultSettings.closedMemoryHours,
      description:
        'How long after its deadline a closed window or group is remembered, so that duplicates change nothing.',
    },
    visitGraceSeconds: seconds(
      'How long after the deadline of its units a visit waits for their results before it is summed up as partial.',
      defaultSettings.visitGraceSeconds,
      1,
    ),
    instruments: {
      type: 'object',
      default: defaultSettings.instruments,
      description: 'The instruments whose visits are processed; an announcement of any other one is parked.',
      propertyNames: { enum: [...instruments.keys()] },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['off'],
        properties: {
          off: {
            type: 'object',
            description: 'Detectors that get no unit of work, by number, each with the reason why.',
            propertyNames: { pattern: '^(0|[1-9][0-9]{0,2})$' },
            additionalProperties: { type: 'string', minLength: 1 },
          },
          chip: {
            type: 'object',
            description: 'Width and height of the chips in pixels, where they are not those of the real camera.',
            additionalProperties: false,
            required: ['width', 'height'],
            properties: { width: pixels, height: pixels },
          },
        },
      },
    },
    pipelines: {
      type: 'array',
      minItems: 1,
      default: defaultSettings.pipelines,
      description: 'Which pipelines a unit may run: ordered rules, the first that matches wins.',
      items: ruleSchema,
    },
  },
} as const

/** What is wrong with settings that their schema cannot say: each sentence names path, value and what is allowed. */
export function faultsOfSettings(settings: Settings): readonly string[] {
  const faults = [...faultsOfRules(settings.pipelines)]
  for (const [name, { off: switchedOff }] of Object.entries(settings.instruments)) {
    const instrument = instruments.get(name)
    if (!instrument) {
      faults.push(`instruments.${name} is not a known instrument; allowed are ${[...instruments.keys()].join(', ')}`)
      continue
    }
    const science = new Set(scienceDetectorsOf(instrument).map(it => String(it.id)))
    for (const id of Object.keys(switchedOff)) {
      if (!science.has(id)) faults.push(`instruments.${name}.off names detector ${id}; it has 0 to ${science.size - 1}`)
    }
  }
  return faults
}
