import { expect, it } from 'vitest'
import { sleep } from '../scheduler.ts'
import { seeded, settle, VirtualTime } from '../testing/virtual-time.ts'
import { BACK, OVER, SILENT, watchSilence } from './silence-watch.ts'
import { latissKey, memoryBucket } from './testing/bucket.ts'

const evening = Date.UTC(2026, 10, 23, 3, 0, 0)
const rules = { silenceMs: 60_000, toleranceMs: 10_000 }

/** Seconds count from the first look. `endsS`: how long the brokers take to say where their partitions end; what they say is of half way. */
async function setup(endsS = 0) {
  const time = new VirtualTime(evening)
  const store = memoryBucket()
  const lines: { readonly at: number; readonly level: string; readonly code: unknown; readonly sentence: string }[] = []
  const note = (level: string) => (facts: object, sentence: string) =>
    void lines.push({ at: (time.now() - evening) / 1000, level, code: (facts as { code?: unknown }).code, sentence })
  const log = { info: note('info'), warn: note('warn'), error: note('error') }
  let end = 0n
  let failure: Error | undefined
  const ends = async () => {
    if (failure) throw failure
    const halfTheWay = () => (endsS > 0 ? sleep(time, endsS * 500, stopping.signal) : undefined)
    await halfTheWay()
    const answer = new Map([['raw-notification/0', end]])
    await halfTheWay()
    return answer
  }
  const stopping = new AbortController()
  const { bucket } = store
  const instruments = ['LATISS', 'LSSTCam', 'HSC']
  const watching = watchSilence(
    { bucket, rawBucket: 'raw', instruments, ends, rules, log, scheduler: time },
    stopping.signal,
  )
  await settle()
  const goTo = (seconds: number) => time.advanceTo(evening + seconds * 1000)
  /** An exposure every 34 s, as a night has them; `told`: whether the store notifies. */
  let sequence = 0
  const put = () => void store.put(latissKey(++sequence), 'pixels', time.now())
  const expose = async (from: number, to: number, told: boolean) => {
    for (let s = from; s < to; s += 34) {
      await goTo(s)
      put()
      if (told) end++
    }
    await goTo(to)
  }
  return {
    ...{ goTo, expose, put, lines, store },
    notify: () => void end++,
    break: (error?: Error) => void (failure = error),
    alarms: () => lines.filter(({ code }) => code === SILENT),
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}

it('says nothing of a night whose store notifies, nor of a quiet day', async () => {
  const { goTo, expose, lines, store, stop } = await setup()
  await expose(0, 600, true)
  await goTo(36_000)
  expect(lines).toEqual([])
  // Once per look, and cheaply: a page of folders and some of the newest exposures.
  expect(store.calls.filter(call => call.startsWith('get '))).toEqual([])
  await stop()
})

it('tells within two minutes of the first object that nobody notified, repeats it, and says when it is over', async () => {
  const { goTo, expose, notify, lines, alarms, stop } = await setup()
  await expose(0, 300, true)
  await expose(306, 600, false)
  const [first] = alarms()
  expect(first).toMatchObject({ level: 'error' })
  expect(first!.at).toBeLessThan(306 + 120)
  expect(first!.sentence).toMatch(/no notification of a raw has come since 2026-11-23T03:04:.*, yet \d objects/)
  expect(alarms().length).toBeGreaterThanOrEqual(3)
  const gaps = alarms().map(({ at }, i) => at - (alarms()[i - 1]?.at ?? at - 60))
  expect(gaps.every(gap => gap >= 60)).toBe(true)
  notify()
  await goTo(620)
  expect(lines.at(-1)).toMatchObject({ level: 'info', code: BACK })
  const before = alarms().length
  await goTo(670)
  expect(alarms()).toHaveLength(before)
  await stop()
})

it.each([0, 40])(
  'says nothing of the first exposure after a pause, whenever it is stored and told, where brokers take %d s to say their ends',
  async endsS => {
    const { goTo, put, notify, lines, stop } = await setup(endsS)
    const random = seeded(7)
    for (let pause = 1; pause <= 200; pause++) {
      const stored = pause * 240 + random() * 120
      await goTo(stored)
      put()
      await goTo(stored + random() * 9.9)
      notify()
    }
    await goTo(202 * 240)
    expect(lines).toEqual([])
    await stop()
  },
)

it('raises one alarm of one lost notification, says when it is over, and then is silent for the rest of the night', async () => {
  const { goTo, expose, put, lines, alarms, stop } = await setup()
  await expose(0, 300, true)
  await goTo(400)
  put()
  await goTo(6 * 3600)
  expect(lines.map(({ level, code }) => [level, code])).toEqual([
    ['error', SILENT],
    ['info', OVER],
  ])
  expect(lines[1]!.at - lines[0]!.at).toBe(600)
  put()
  await goTo(6 * 3600 + 60)
  expect(alarms()).toHaveLength(2)
  await stop()
})

it('goes on when brokers or store did not answer', async () => {
  const watch = await setup()
  watch.break(new Error('no broker'))
  await watch.goTo(31)
  expect(watch.lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
  watch.break()
  await watch.expose(60, 200, false)
  expect(watch.alarms().length).toBeGreaterThan(0)
  await watch.stop()
})
