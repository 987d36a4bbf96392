import { instruments, scienceDetectorsOf, type Instrument } from '../topology/instruments.ts'
import { ConfigError } from '../streams/main/config.ts'
import { activeDetectors, type Settings } from '../topology/settings.ts'

/** Detectors as an operator writes and reads them: `0,5-9`. */

/** @throws ConfigError naming what is allowed where the camera is not known. */
export function instrumentNamed(name: string): Instrument {
  const instrument = instruments.get(name)
  if (instrument) return instrument
  throw new ConfigError(`There is no instrument "${name}"; allowed are ${[...instruments.keys()].join(', ')}`)
}

/** Detectors that get units here. @throws ConfigError naming what is processed where the instrument is not */
export function activeDetectorsOf(settings: Settings, name: string): readonly number[] {
  const active = activeDetectors(settings, name)
  if (active) return active
  const processed = Object.keys(settings.instruments).join(', ')
  throw new ConfigError(`${name} is not processed here (decide.instruments); processed are ${processed}`)
}

/** Ascending numbers, each once, of `3`, `0,5-9`. @throws ConfigError where the text or a number is not of the instrument. */
export function parseDetectors(text: string, instrument: Instrument): readonly number[] {
  const last = scienceDetectorsOf(instrument).length - 1
  const wrong = (part: string) =>
    new ConfigError(`"${part}" names no detectors of ${instrument.name}; allowed are 0 to ${last}, like 3 or 0,5-9`)
  const ids = text.split(',').flatMap(part => {
    const [, from, to = from] = /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(part) ?? []
    if (from === undefined || Number(to) < Number(from) || Number(to) > last) throw wrong(part)
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i)
  })
  return [...new Set(ids)].sort((a, b) => a - b)
}

/** `0-2, 5` of 0, 1, 2, 5; the numbers ascend. */
export function rangesOf(ids: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const id of ids) {
    const last = ranges.at(-1)
    if (last && id === last[1] + 1) last[1] = id
    else ranges.push([id, id])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}
