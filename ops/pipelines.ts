import { Command, Option } from 'commander'
import type { Announcement } from '../schemas/avro/generated.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { readSkyMaps } from '../streams/main/sky-maps.ts'
import { choosePipelines, ladderOf, type Choice, type PipelineRule } from '../topology/pipelines.ts'
import type { SkyMaps } from '../topology/sky-map.ts'
import { activeDetectorsOf, instrumentNamed, parseDetectors, rangesOf } from './detectors.ts'
import { table } from './table.ts'
import { visitOf, type VisitFlags } from './visit-input.ts'

interface Flags extends VisitFlags {
  readonly detector?: string
  readonly json: boolean
}
type Print = (text: string) => void

/** `pp pipelines`: the rules that choose them. */
export function pipelinesCommand(print: Print): Command {
  const command = new Command('pipelines').description('the rules that choose the pipelines of a unit')
  command
    .command('check')
    .description('the rules as they are configured; of a visit, which rule its detectors take, and why not the others')
    .option('--instrument <name>', 'of this camera')
    .option('--survey <name>', 'observing block; blank where not said')
    .option('--ra <degrees>', 'boresight, ICRS; without it the visit has no position')
    .option('--dec <degrees>', 'boresight, ICRS')
    .option('--rotation <degrees>', 'position angle of the focal plane; without it the visit has no rotation')
    .option('--filter <name>', 'physical filter; no rule looks at it')
    .option('--group <group>', 'a visit of the ledger')
    .option('--json-file <path>', 'a visit announced as in this file: a next_visit as JSON')
    .option('--detector <numbers>', 'these detectors only, like 3 or 0,5-9')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((flags: Flags) => checkPipelines(loadConfig(process.env), flags, print))
  return command
}

/** Prints the rules, or what they choose for one visit. @throws ConfigError where rules, maps or the visit are wrong. */
export async function checkPipelines(config: Config, flags: Flags, print: Print): Promise<void> {
  const rules = config.decide.pipelines
  const maps = readSkyMaps(rules)
  const { json, detector, ...which } = flags
  if (Object.keys(which).length === 0) {
    if (detector !== undefined) throw new ConfigError('--detector needs a visit: --instrument, --group or --json-file')
    return print(json ? JSON.stringify(rules, null, 2) : describeRules(rules, maps))
  }
  const visit = await visitOf(config, which)
  const verdicts = verdictsOf(config, maps, visit, detector)
  print(json ? JSON.stringify({ visit, detectors: verdicts }, null, 2) : describeVerdicts(rules, visit, verdicts))
}

interface Verdict extends Choice {
  readonly detector: number
  /** Why the configuration gives it no unit at all, whatever the rules say. */
  readonly off: string | null
}

function verdictsOf({ decide }: Config, maps: SkyMaps, announcement: Announcement, only?: string): readonly Verdict[] {
  const { instrument: name } = announcement
  const active = activeDetectorsOf(decide, name)
  const ids = only === undefined ? active : parseDetectors(only, instrumentNamed(name))
  const off = decide.instruments[name]?.off ?? {}
  return ids.map(detector => ({
    detector,
    off: off[String(detector)] ?? null,
    ...choosePipelines(decide.pipelines, { announcement, detector }, maps),
  }))
}

/** One paragraph for all detectors that take the same rule. */
function describeVerdicts(rules: readonly PipelineRule[], visit: Announcement, verdicts: readonly Verdict[]): string {
  const taken = [...new Set(verdicts.map(it => it.rule))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity))
  const off = verdicts.filter(it => it.off !== null)
  return [
    describeVisit(visit),
    ...taken.flatMap(rule => {
      const those = verdicts.filter(it => it.rule === rule)
      return [
        '',
        `${those.length === 1 ? 'Detector' : 'Detectors'} ${rangesOf(those.map(it => it.detector))}: ${outcomeOf(rules, those[0]!)}`,
        ...whyNot(those),
      ]
    }),
    ...(off.length > 0 ? ['', ...off.map(it => `Detector ${it.detector} gets no unit: it is off (${it.off})`)] : []),
  ].join('\n')
}

function outcomeOf(rules: readonly PipelineRule[], { rule, pipelines }: Verdict): string {
  if (rule === undefined) return 'no rule matches, ignored'
  const what = pipelines.length > 0 ? pipelines.join(', else ') : 'nothing, ignored'
  return `rule ${rule} (${conditionsOf(rules[rule - 1]!)}) → ${what}`
}

/** What was said of each rule passed over; where detectors differ, of the first of them, and how many more there are. */
function whyNot(verdicts: readonly Verdict[]): string[] {
  return verdicts[0]!.passedOver.map((first, i) => {
    const reasons = new Set(verdicts.map(it => it.passedOver[i]))
    return `  not ${first}${reasons.size > 1 ? ` (detector ${verdicts[0]!.detector}; the others likewise)` : ''}`
  })
}

function describeVisit({ instrument, group, survey, ra, dec, rotation, filters }: Announcement): string {
  const position = ra === null ? 'no position' : `RA ${ra}, declination ${dec}`
  const turned = rotation === null ? 'no rotation' : `rotation ${rotation}`
  return `${instrument} ${group}, survey "${survey}", ${position}, ${turned}, filter "${filters}"`
}

function describeRules(rules: readonly PipelineRule[], maps: SkyMaps): string {
  const rows = rules.map((rule, i) => [
    String(i + 1),
    conditionsOf(rule),
    ladderOf(rule).join(', else ') || 'nothing, ignored',
  ])
  return [
    table(['rule', 'where', 'runs'], rows),
    ...[...maps].map(([path, { nside, ordering, frame }]) => `${path}: nside ${nside}, ${ordering}, frame ${frame}`),
  ].join('\n')
}

/** `survey "A", RA 350 to 10 of the boresight`. */
function conditionsOf({ instrument, survey, ra, dec, binaryMap, coordType }: PipelineRule): string {
  const sky = [
    ...(ra ? [`RA ${ra.min} to ${ra.max}`] : []),
    ...(dec ? [`declination ${dec.min} to ${dec.max}`] : []),
    ...(binaryMap === undefined ? [] : [`map ${binaryMap}`]),
  ]
  const all = [
    ...(instrument === undefined ? [] : [`instrument "${instrument}"`]),
    ...(survey === undefined ? [] : [`survey "${survey}"`]),
    ...(sky.length > 0 ? [`${sky.join(', ')} of the ${coordType?.toLowerCase() ?? 'detector'}`] : []),
  ]
  return all.join(', ') || 'everything'
}
