import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { RegistryAway, RegistryError } from '../registry/registry.ts'
import { openLog, openWorld, topologyOf, whenThere } from './world.ts'

/** A log, and its lines as they would reach standard output. */
function logging() {
  let written = ''
  const log = openLog({ logLevel: 'info' }, 'worker', { write: text => void (written += text) })
  const lines = () => {
    expect(written.endsWith('\n')).toBe(true)
    return written
      .slice(0, -1)
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
  }
  return { log, lines }
}

describe('the log is one JSON object a line', () => {
  it('with quotes, newlines and the stack of an error and of its cause inside', () => {
    const { log, lines } = logging()
    const error = new Error('line one\nline "two"', { cause: new TypeError('below\r\n') })
    log.error({ unit: 'LATISS/"g"\n/0', err: error }, 'said "so",\nand so')
    expect(lines()).toMatchObject([
      {
        ...{ level: 50, process: 'worker', unit: 'LATISS/"g"\n/0', msg: 'said "so",\nand so' },
        err: { type: 'Error', message: 'line one\nline "two": below\r\n' },
      },
    ])
    const { stack } = lines()[0]!['err'] as { stack: string }
    expect(stack).toContain('world.test.ts')
    expect(stack).toContain('caused by: TypeError: below')
  })

  it('whatever is said, and with whatever facts', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (message, fact) => {
        const { log, lines } = logging()
        log.info({ fact }, message)
        const [line, ...others] = lines()
        expect(others).toEqual([])
        expect(line).toMatchObject({ msg: message, fact })
      }),
    )
  })

  it('also where a fact holds what JSON cannot: an id beyond 2^53, or itself', () => {
    const { log, lines } = logging()
    const self: Record<string, unknown> = {}
    self['self'] = self
    log.warn({ visit: 2026112200001n, exposures: [9_007_199_254_740_993n], self }, 'odd')
    log.warn({}, 'next')
    expect(lines().map(({ msg }) => msg)).toEqual(['odd', 'next'])
  })

  it('facts are of their line alone, may be of any depth, and leave those of the process in place', () => {
    const { log, lines } = logging()
    log.info({ unit: 'a', raws: { seen: [1, 2] } }, 'first')
    log.info({ epoch: 2 }, 'second')
    expect(lines()).toMatchObject([
      { process: 'worker', unit: 'a', raws: { seen: [1, 2] } },
      { process: 'worker', epoch: 2 },
    ])
    expect(lines()[1]).not.toHaveProperty('unit')
  })
})

it('a map of the sky is read for the steps, which cannot do without it, and for nobody else', async () => {
  const config = loadConfig({
    ...{ PP_KAFKA_BROKERS: '127.0.0.1:1', PP_REGISTRY_URL: 'http://127.0.0.1:1', PP_S3_ENDPOINT: 'http://127.0.0.1:1' },
    ...{ PP_S3_ACCESS_KEY_ID: 'k', PP_S3_SECRET_ACCESS_KEY: 'k', PP_POSTGRES_URL: 'postgresql://127.0.0.1:1/none' },
    PP_DECIDE_PIPELINES: '[{"binaryMap":"/absent.fits","pipelines":[]}]',
  })
  expect(topologyOf(config).stages.length).toBeGreaterThan(0)
  await expect(openWorld(config, 'steps')).rejects.toThrow('decide.pipelines[0].binaryMap is "/absent.fits": ENOENT')
})

describe('a start', () => {
  it('waits for a registry that is away, and says so each time it has asked', async () => {
    const { log, lines } = logging()
    let away = 2
    const ask = async () => {
      if (away-- > 0) throw new RegistryAway('it does not answer')
      return 1101
    }
    await expect(whenThere(ask, log, 1)).resolves.toBe(1101)
    const said = { level: 40, error: 'it does not answer', msg: 'the schema registry is away; the start waits for it' }
    expect(lines()).toMatchObject([said, said])
  })

  it('does not wait where the registry refuses', async () => {
    const refused = new RegistryError('the id belongs to another schema')
    await expect(whenThere(() => Promise.reject(refused), logging().log, 1)).rejects.toBe(refused)
  })
})
