import { describe, expect, it } from 'vitest'
import { MemoryClient } from '../memory/client.ts'
import type { TaskStatus } from '../meter.ts'
import { demoEffects, demoTopology, parcels, seen } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { settle } from '../testing/virtual-time.ts'
import { serve } from './http.ts'
import { Metrics, statusSamples } from './metrics.ts'

const value = (text: string, name: string): number | undefined => {
  const [, found] = new RegExp(`^${name.replace(/[{}[\]."]/g, '\\$&')} (.+)$`, 'm').exec(text) ?? []
  return found === undefined ? undefined : Number(found)
}

describe('the metrics of a process', () => {
  it('tell what its stages did, how its tasks stand, and how far they lag', async () => {
    const metrics = new Metrics()
    const night = await Driver.start({
      ...{ topology: demoTopology, codec: jsonCodec, effects: demoEffects, startAt: 1_000 },
      ...{ stages: ['intake', 'window', 'ledger'], meter: stage => metrics.of(stage) },
    })
    metrics.watchInputs(new MemoryClient(night.broker, 'scraper'))
    await night.feed(parcels, '', { id: 'a-1' }, { partition: 0 })
    await night.feed(parcels, '', { id: 'a-bad' }, { partition: 1 })
    await night.tick(2_000)
    // A transaction that somebody left open hides what comes behind it.
    night.broker.append([{ topic: seen.topic, partition: 0, key: null, value: Buffer.from('{}') }], {
      ...{ id: 'somebody', epoch: night.broker.fence('somebody') },
    })
    night.broker.append([{ topic: seen.topic, partition: 0, key: null, value: Buffer.from('{}') }])
    const text = await metrics.scrape()
    expect(value(text, 'pp_records_in_total{stage="intake"}')).toBe(2)
    expect(value(text, 'pp_parked_total{stage="intake",code="bad-id"}')).toBe(1)
    expect(value(text, 'pp_tasks{stage="window"}')).toBe(3)
    expect(value(text, 'pp_commits_total{stage="window"}')).toBeGreaterThan(0)
    expect(value(text, 'pp_commit_seconds_count{stage="intake"}')).toBe(value(text, 'pp_commits_total{stage="intake"}'))
    expect(value(text, 'pp_restore_seconds_count{stage="window"}')).toBe(3)
    expect(value(text, 'pp_task_watermark_lag_seconds{stage="intake",task="intake#0"}')).toBeGreaterThan(1e9)
    expect(value(text, 'pp_task_watermark_lag_seconds{stage="ledger",task="ledger#0"}')).toBeUndefined()
    const first = '{stage="ledger",topic="seen",partition="0"}'
    expect(value(text, `pp_input_unstable_records${first}`)).toBe(2)
    expect(value(text, `pp_input_lag_records${first}`)).toBeGreaterThanOrEqual(2)
    expect(value(text, 'pp_input_unstable_records{stage="ledger",topic="seen",partition="1"}')).toBe(0)
    await night.first.stop()
    expect(value(await metrics.scrape(), 'pp_tasks{stage="window"}')).toBeUndefined()
  })

  it('tell nothing old where a source does not answer, and do not ask it twice meanwhile', async () => {
    const metrics = new Metrics(50)
    let asked = 0
    let answer = async () => [{ gauge: 'pp_outbox_pending' as const, value: 7 }]
    metrics.probe({ name: 'outbox', gauges: ['pp_outbox_pending'], read: () => (asked++, answer()) })
    expect(value(await metrics.scrape(), 'pp_outbox_pending')).toBe(7)
    answer = () => Promise.reject(new Error('away'))
    const failed = await metrics.scrape()
    expect([value(failed, 'pp_outbox_pending'), value(failed, 'pp_probe_failures_total{probe="outbox"}')]).toEqual([
      undefined,
      1,
    ])
    let late: (samples: { gauge: 'pp_outbox_pending'; value: number }[]) => void = () => undefined
    answer = () => new Promise(resolve => (late = resolve))
    const [one, two] = await Promise.all([metrics.scrape(), metrics.scrape()])
    expect(one).toBe(two)
    await metrics.scrape()
    expect(asked).toBe(3)
    late([{ gauge: 'pp_outbox_pending', value: 9 }])
    answer = async () => [{ gauge: 'pp_outbox_pending', value: 1 }]
    await settle()
    expect(value(await metrics.scrape(), 'pp_outbox_pending')).toBe(1)
  })

  it('count the tasks of each stage, and no watermark before there is one', () => {
    const status: TaskStatus = { task: 'a#0', inbox: 1, held: 2, running: 3, states: 4, watermark: null, inputs: [] }
    const samples = statusSamples([status, { ...status, task: 'a#1', watermark: 2_000 }], 5_000)
    expect(samples.find(({ gauge }) => gauge === 'pp_tasks')).toMatchObject({ labels: { stage: 'a' }, value: 2 })
    expect(samples.filter(({ gauge }) => gauge === 'pp_task_watermark_lag_seconds')).toEqual([
      { gauge: 'pp_task_watermark_lag_seconds', labels: { stage: 'a', task: 'a#1' }, value: 3 },
    ])
  })
})

it('the pages say whether the process lives and whether it is ready, and only that', async () => {
  let isReady = false
  const pages = { metrics: async () => 'up 1\n', contentType: 'text/plain; version=0.0.4', isReady: () => isReady }
  const serving = await serve('127.0.0.1', 0, pages)
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${serving.port}${path}`, { method })
    return [response.status, await response.text()]
  }
  expect(await ask('/livez')).toEqual([200, 'alive\n'])
  for (const path of ['/readyz', '/healthz']) expect(await ask(path)).toEqual([503, 'not ready\n'])
  isReady = true
  for (const path of ['/readyz', '/healthz']) expect(await ask(path)).toEqual([200, 'ready\n'])
  expect(await ask('/metrics?name=x')).toEqual([200, 'up 1\n'])
  expect((await ask('/etc/passwd'))[0]).toBe(404)
  expect((await ask('/metrics', 'POST'))[0]).toBe(405)
  await expect(serve('127.0.0.1', serving.port, pages)).rejects.toThrow('EADDRINUSE')
  await serving.close()
})
