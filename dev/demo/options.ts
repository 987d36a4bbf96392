import { InvalidArgumentError, Command } from 'commander'

export interface DemoOptions {
  readonly visits: number
  readonly instrument: 'LATISS' | 'LSSTComCam'
  readonly seed: number
  readonly stay: boolean
  readonly json: boolean
  /** False: a control night, on which nothing changes in the sky. */
  readonly transients: boolean
}

const whole = (low: number, high: number) => (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new InvalidArgumentError(`allowed are the integers ${low} to ${high}`)
  }
  return value
}

/** Reads what follows `npm run demo --`; says what is allowed and ends the process where it is something else. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  const program = new Command('npm run demo --')
    .description('Runs a short simulated night through the whole system, and accounts for everything that went in.')
    .option('--visits <n>', 'visits of the night', whole(1, 200), 3)
    .option('--instrument <name>', 'LATISS or LSSTComCam (default: LATISS)', name => {
      if (name !== 'LATISS' && name !== 'LSSTComCam')
        throw new InvalidArgumentError('allowed are LATISS and LSSTComCam')
      return name
    })
    .option('--seed <n>', 'of the sky and the night', whole(0, 2 ** 31 - 1), 1)
    .option('--no-transients', 'a control night: nothing changes in the sky, so every detection is false')
    .option('--stay', 'leave everything up afterwards, until Ctrl-C')
    .option('--json', 'print the summary as one JSON object, last')
  program.parse(argv, { from: 'user' })
  const given = program.opts<Pick<DemoOptions, 'visits' | 'seed' | 'transients'> & Partial<DemoOptions>>()
  return { instrument: 'LATISS', stay: false, json: false, ...given }
}
