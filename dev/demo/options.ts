import { InvalidArgumentError, Command } from 'commander'
import { switchesNamed, type Switch } from '../night/adversity/switches.ts'
import type { SimulatedInstrument } from '../night/options.ts'

export interface DemoOptions {
  /** Visits that are to be looked at; switches may add some that are not. */
  readonly visits: number
  readonly instrument: SimulatedInstrument
  readonly seed: number
  readonly stay: boolean
  readonly json: boolean
  /** False: a control night, on which nothing changes in the sky. */
  readonly transients: boolean
  /** False: raws are headers, and workers answer with a recorded result. */
  readonly pixels: boolean
  /** Seconds from one exposure to the next. */
  readonly cadence: number
  readonly workers: number
  /** Units that each of them runs at a time. */
  readonly slots: number
  /** What goes wrong on purpose. */
  readonly adversity: readonly Switch[]
}

/**
 * What is right for a camera where nothing else is asked for: all switches fit, two cores keep up, and a unit finds a worker that is free. LSSTCam's night is
 * quiet: without pixels its windows are open for long, and a unit is in hand for too short a time to kill its worker.
 */
const USUAL: Readonly<
  Record<
    SimulatedInstrument,
    Pick<DemoOptions, 'visits' | 'cadence' | 'workers' | 'slots'> & { readonly adversity: 'all' | 'none' }
  >
> = {
  LATISS: { visits: 14, cadence: 5, workers: 2, slots: 1, adversity: 'all' },
  LSSTComCam: { visits: 6, cadence: 15, workers: 3, slots: 3, adversity: 'all' },
  LSSTCam: { visits: 4, cadence: 35, workers: 4, slots: 48, adversity: 'none' },
}
const cameras = Object.keys(USUAL) as SimulatedInstrument[]

const whole = (low: number, high: number) => (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new InvalidArgumentError(`allowed are the integers ${low} to ${high}`)
  }
  return value
}

/** Reads what follows `npm run demo --`; says what is allowed and ends the process where it is something else. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  const usual = (what: 'visits' | 'cadence' | 'workers' | 'slots' | 'adversity') =>
    `(default: ${cameras.map(name => `${USUAL[name][what]} for ${name}`).join(', ')})`
  const program = new Command('npm run demo --')
    .description('Runs a short simulated night through the whole system, and accounts for everything that went in.')
    .option('--visits <n>', `visits of the night ${usual('visits')}`, whole(1, 200))
    .option('--instrument <name>', `${cameras.join(', ')}`, camera, 'LSSTComCam' as SimulatedInstrument)
    .option(
      '--adversity <switches>',
      `what goes wrong on purpose: all, none, or names with commas between ${usual('adversity')}`,
      adversity,
    )
    .option('--cadence <s>', `seconds from one exposure to the next ${usual('cadence')}`, whole(4, 600))
    .option('--workers <n>', `worker processes ${usual('workers')}`, whole(1, 32))
    .option('--slots <n>', `units that a worker process runs at a time ${usual('slots')}`, whole(1, 64))
    .option('--seed <n>', 'of the sky and the night', whole(0, 2 ** 31 - 1), 1)
    .option('--no-transients', 'a control night: nothing changes in the sky, so every detection is false')
    .option('--no-pixels', 'raws are headers, and workers answer with a recorded result: for LSSTCam')
    .option('--stay', 'leave everything up afterwards, until Ctrl-C')
    .option('--json', 'print the summary as one JSON object, last')
  program.parse(argv, { from: 'user' })
  const given = program.opts<
    Pick<DemoOptions, 'seed' | 'transients' | 'pixels' | 'instrument'> & Partial<DemoOptions>
  >()
  if (given.instrument === 'LSSTCam' && given.pixels)
    program.error("error: LSSTCam's 189 detectors are simulated without pixels: add --no-pixels")
  const usually = USUAL[given.instrument]
  return { stay: false, json: false, ...usually, adversity: switchesNamed(usually.adversity), ...given }
}

function camera(name: string): SimulatedInstrument {
  const found = cameras.find(it => it === name)
  if (!found) throw new InvalidArgumentError(`allowed are ${cameras.join(', ')}`)
  return found
}

function adversity(text: string): readonly Switch[] {
  try {
    return switchesNamed(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
