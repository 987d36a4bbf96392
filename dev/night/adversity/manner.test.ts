import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Summit } from '../kafka-world.ts'
import { planNight, type VisitPlan } from '../plan.ts'
import type { RawInHand, VisitInHand } from '../play.ts'
import { mannerOf } from './manner.ts'
import { planAdversity } from './plan.ts'

const options = { seed: 3, instrument: 'LSSTComCam', visits: 4, switches: ['masked-detector'] } as const
const adversity = planAdversity(options)
const plan = planNight({ ...options, ...adversity, start: Date.UTC(2026, 10, 22, 3), size: 128, pixels: false })

/** The manner before a broker that takes the first thing last: each answer comes sooner than the one before it. */
function slowing() {
  const log: string[] = []
  let pause = 40
  const after = async (what: string) => {
    await sleep((pause -= 4))
    log.push(what)
  }
  const summit = { order: (control: { kind: string }) => after(control.kind) } as unknown as Summit
  const stage = { summit, bucket: 'raws', putObject: () => Promise.resolve(), now: () => 0, onPoison: () => {} }
  return { log, after, manner: mannerOf(adversity, plan, { ...stage, imageTimeoutSeconds: 8 }) }
}

it('announces nothing between a mask and its end but the visit that it is for', async () => {
  const { log, after, manner } = slowing()
  const announce = (visit: VisitPlan) =>
    manner.announce(
      { visit, announcement: {}, until: () => Promise.resolve() } as unknown as VisitInHand,
      () => after(`visit ${visit.index}`), // prettier-ignore
    )
  const masked = adversity.units.find(({ fate }) => fate === 'masked-detector')!.visit
  const [its, others] = [plan.visits[masked]!, plan.visits.filter(({ index }) => index !== masked)]
  const first = announce(its)
  await sleep(50) // its mask is in force by now, and answers come quickly to whoever asks now
  await Promise.all([first, ...others.map(announce)])
  const from = log.indexOf('mask')
  expect(log.slice(from, from + 3)).toEqual(['mask', `visit ${masked}`, 'unmask'])
  expect(log).toHaveLength(plan.visits.length + 2)
})

it('keeps the snaps of a unit in order, and lets units overtake each other', async () => {
  const { log, after, manner } = slowing()
  const deliver = (detector: number, snap: number) => {
    const object = { put: () => Promise.resolve(), notify: () => after(`${detector} snap ${snap}`) }
    const raw = { visit: plan.visits[0]!, detector, exposure: { snap }, sidecar: object, image: object }
    return manner.deliver(raw as unknown as RawInHand)
  }
  await Promise.all([deliver(1, 0), deliver(1, 1), deliver(2, 0)])
  expect(log.filter(it => it.startsWith('1'))).toEqual(['1 snap 0', '1 snap 0', '1 snap 1', '1 snap 1'])
  expect(log.indexOf('2 snap 0')).toBeLessThan(log.indexOf('1 snap 1'))
})
