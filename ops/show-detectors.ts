import { Command, Option } from 'commander'
import { type Config, loadConfig } from '../streams/main/config.ts'
import { scienceDetectorsOf } from '../topology/instruments.ts'
import { maskOf } from '../topology/masks.ts'
import { withControlTopic } from './control-topic.ts'
import { activeDetectorsOf, instrumentNamed, rangesOf } from './detectors.ts'
import { table } from './table.ts'

type Print = (text: string) => void

/** `pp detectors`: which detectors of a camera get units. */
export function detectorsCommand(print: Print): Command {
  const command = new Command('detectors').description('which detectors get units of work')
  command
    .command('show')
    .description(
      'the active ones, those the configuration switches off, and those that are masked now, each with its reason',
    )
    .argument('<instrument>')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((instrument: string, flags: { json: boolean }) =>
      showDetectors(loadConfig(process.env), instrument, flags, print),
    )
  return command
}

/** Prints every detector of an instrument with what it would be in a visit announced now. */
export async function showDetectors(config: Config, name: string, flags: { readonly json: boolean }, print: Print) {
  const instrument = instrumentNamed(name)
  activeDetectorsOf(config.decide, name)
  const masks = (await withControlTopic(config, topic => topic.masks())).get(name)
  const { off } = config.decide.instruments[name]!
  const detectors = scienceDetectorsOf(instrument).map(detector => {
    const why = off[String(detector.id)]
    if (why !== undefined) return { ...named(detector), state: 'off', reason: why }
    const mask = maskOf(masks, detector.id, Date.now())
    return { ...named(detector), state: mask ? 'masked' : 'active', reason: mask?.reason ?? null }
  })
  print(flags.json ? JSON.stringify(detectors, null, 2) : describeDetectors(detectors))
}

const named = ({ id, name }: { readonly id: number; readonly name: string }) => ({ detector: id, name })

/** One line for all that are in the same state for the same reason. */
function describeDetectors(
  detectors: readonly { readonly detector: number; readonly state: string; readonly reason: string | null }[],
): string {
  const kinds = [...new Set(detectors.map(({ state, reason }) => JSON.stringify([state, reason])))]
  const rows = kinds.map(kind => {
    const [state, reason] = JSON.parse(kind) as [string, string | null]
    const ids = detectors.filter(it => it.state === state && it.reason === reason).map(it => it.detector)
    return [state, String(ids.length), reason ?? '', rangesOf(ids)]
  })
  return table(['state', 'count', 'reason', 'detectors'], rows)
}
