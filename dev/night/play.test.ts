import { describe, expect, it } from 'vitest'
import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import { readFits, stringOf } from '../../pipeline/images/fits.ts'
import { realClock, type Clock } from './clock.ts'
import { objectCreated, type S3Event } from './notification.ts'
import { planNight, startingAt } from './plan.ts'
import { playNight, type Night, type NightEvent, type NightPorts } from './play.ts'
import { renderNight } from './render.ts'

const start = Date.UTC(2026, 10, 22, 3)
const plan = planNight({ seed: 2, instrument: 'LATISS', visits: 3, size: 128, start, lead: 20, exposure: 15, gap: 3 })
const rendered = await renderNight(plan)

/** A clock for a known number of visits: it leaps to the next awaited instant as soon as every visit that is not over waits. */
function leapingClock(at: number, playing: number): Clock & { readonly over: () => void } {
  let [now, visits] = [at, playing]
  const waiting: { instant: number; resolve: () => void }[] = []
  const leap = () => {
    if (visits === 0 || waiting.length < visits) return
    const next = waiting.sort((a, b) => a.instant - b.instant).shift()!
    now = Math.max(now, next.instant)
    next.resolve()
  }
  return {
    now: () => now,
    until: (instant, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        waiting.push({ instant, resolve })
        leap()
      }),
    over: () => {
      visits--
      leap()
    },
  }
}

interface Happened {
  readonly at: number
  readonly what: 'announce' | 'put' | 'notify'
  readonly key: string
  readonly value: LogeventNextVisit | Uint8Array | S3Event
}

function world(clock: Clock): NightPorts & { readonly log: Happened[] } {
  const log: Happened[] = []
  const note = async (what: Happened['what'], key: string, value: Happened['value']) => {
    log.push({ at: (clock.now() - start) / 1000, what, key, value })
  }
  return {
    log,
    announce: visit => note('announce', visit.groupId, visit),
    putObject: (key, bytes) => note('put', key, bytes),
    notify: event => note('notify', event.Records[0]!.s3.object.key, event),
  }
}

const playing = (more: Partial<Night> = {}, at = start - 1000) => {
  const night = more.plan ?? plan
  const clock = leapingClock(at, night.visits.length)
  const ports = world(clock)
  const raws = new Map<number, number>()
  const progress = (event: NightEvent) => {
    more.progress?.(event)
    if (event.kind !== 'raw') return
    const { snaps } = night.options
    raws.set(event.visit.index, (raws.get(event.visit.index) ?? 0) + 1)
    if (raws.get(event.visit.index) === snaps * night.detectors.length) clock.over()
  }
  return { ports, played: playNight({ plan, rendered, bucket: 'raws', ports, clock, ...more, progress }) }
}

describe('a played night', () => {
  it('happens in order and on time: announcements ahead, sidecar before image, each object before its notification', async () => {
    const { ports, played } = playing()
    const raws = await played
    const raw = (n: number) => `LATISS/20261121/AT_O_20261121_00000${n}/AT_O_20261121_00000${n}_R00_S00`
    const arrival = (n: number, at: number) =>
      ['json', 'fits'].flatMap(type => ['put', 'notify'].map(what => [at, what, `${raw(n)}.${type}`]))
    const [a, b, c] = plan.visits.map(it => it.group)
    expect(ports.log.map(it => [it.at, it.what, it.key])).toEqual([
      [0, 'announce', a],
      [18, 'announce', b],
      [36, 'announce', c],
      ...arrival(1, 37),
      ...arrival(2, 55),
      ...arrival(3, 73),
    ])
    expect(raws.map(it => (it.putAt - start) / 1000)).toEqual([37, 55, 73])
    expect(raws.map(it => (it.closedAt - start) / 1000)).toEqual([35, 53, 71])
    expect(raws.map(it => it.key)).toEqual([1, 2, 3].map(n => `${raw(n)}.fits`))
  })

  it('puts raws that belong to what was announced, with a sidecar that says the same', async () => {
    const { ports, played } = playing()
    await played
    const files = ports.log.filter(it => it.what === 'put')
    for (const [i, visit] of plan.visits.entries()) {
      const [sidecar, image] = files.slice(2 * i, 2 * i + 2).map(it => it.value as Uint8Array)
      const { header } = readFits(image!)[0]!
      expect(stringOf(header, 'GROUPID')).toBe(visit.group)
      expect(JSON.parse(new TextDecoder().decode(sidecar))).toMatchObject({ GROUPID: visit.group, CURINDEX: 1 })
    }
    const announced = ports.log[0]!.value as LogeventNextVisit
    expect(announced.private_efdStamp).toBe(start / 1000)
  })

  it('tells its progress', async () => {
    const events: NightEvent[] = []
    await playing({ progress: event => events.push(event) }).played
    expect(events.map(it => it.kind).sort()).toEqual([
      ...Array<string>(3).fill('announced'),
      ...Array<string>(3).fill('exposing'),
      ...Array<string>(3).fill('raw'),
    ])
  })

  it('can be played later from the same pixels', async () => {
    const later = startingAt(plan, start + 3_601_000)
    const raws = await playing({ plan: later }, start + 3_600_000).played
    expect(raws.map(it => it.group)).toEqual(later.visits.map(it => it.group))
  })

  it('takes two snaps of a visit one after the other, and the nine detectors of a camera together', async () => {
    const camera = planNight({ seed: 2, instrument: 'LSSTComCam', visits: 1, size: 128, start, snaps: 2 })
    const { ports, played } = playing({ plan: camera, rendered: await renderNight(camera) })
    const raws = await played
    expect(raws).toHaveLength(18)
    expect(raws.map(it => it.detector)).toEqual([...Array(9).keys(), ...Array(9).keys()])
    expect([...new Set(raws.map(it => (it.putAt - start) / 1000))]).toEqual([37, 54])
    const images = ports.log.filter(it => it.what === 'put' && it.key.endsWith('.json'))
    const headers = images.map(
      it => JSON.parse(new TextDecoder().decode(it.value as Uint8Array)) as { CURINDEX: number },
    )
    expect(headers.map(it => it.CURINDEX)).toEqual([...Array<number>(9).fill(1), ...Array<number>(9).fill(2)])
    expect(new Set(ports.log.filter(it => it.what === 'put').map(it => it.key)).size).toBe(36)
  })

  it('stops when aborted, with the reason, and does nothing afterwards', async () => {
    const abort = new AbortController()
    const { ports, played } = playing({
      signal: abort.signal,
      progress: event => event.kind === 'raw' && abort.abort(new Error('the operator went home')),
    })
    await expect(played).rejects.toThrow('the operator went home')
    expect(ports.log.filter(it => it.what === 'put')).toHaveLength(2)
  })

  it('stops at the first port that fails', async () => {
    const ports = world({ now: () => start, until: async () => {} })
    const failing = { ...ports, putObject: () => Promise.reject(new Error('503 from the object store')) }
    await expect(playing({ ports: failing }).played).rejects.toThrow('503')
    expect(ports.log.filter(it => it.what === 'announce')).toHaveLength(3)
    expect(ports.log.filter(it => it.what === 'notify')).toHaveLength(0)
  })

  it('refuses to begin in the past', async () => {
    await expect(playing({}, start + 5000).played).rejects.toThrow('The night was to begin 5000 ms ago')
  })
})

describe('a notification', () => {
  it('is read by the system as one created object, its key decoded', () => {
    const event = objectCreated('raws', 'LATISS/a b+c~ü/x.fits', new Uint8Array([1, 2, 3]), start)
    expect(event.Records[0]!.s3.object.key).toBe('LATISS/a+b%2Bc~%C3%BC/x.fits')
    const { records } = parseNotification(Buffer.from(JSON.stringify(event)))
    expect(records).toEqual([
      {
        ok: true,
        bucket: 'raws',
        key: 'LATISS/a b+c~ü/x.fits',
        size: 3,
        eTag: '5289df737df57326fcdd22597afb1fac',
        eventName: 'ObjectCreated:Put',
        eventTime: '2026-11-22T03:00:00.000Z',
      },
    ])
  })
})

describe('the real clock', () => {
  it('waits until the instant and not less, and not at all for the past', async () => {
    const { signal } = new AbortController()
    const instant = Date.now() + 15
    await realClock.until(instant, signal)
    expect(Date.now()).toBeGreaterThanOrEqual(instant)
    await realClock.until(0, signal)
  })

  it('is given up at once when aborted, with the reason', async () => {
    const abort = new AbortController()
    const waiting = realClock.until(Date.now() + 3_600_000, abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(realClock.until(0, abort.signal)).rejects.toThrow('enough')
  })
})
