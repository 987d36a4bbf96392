import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { dispatch } from '../../sinks/ledger/dispatch.ts'
import { defaultRules } from '../../sinks/ledger/leases.ts'
import { unitsSummary } from '../../sinks/ledger/summary.ts'
import { sweep } from '../../sinks/ledger/sweep.ts'
import { decision, jobEvent } from '../../sinks/testing/builders.ts'
import { createDatabase, type TestDatabase } from '../../sinks/testing/database.ts'

const LEASE_SECONDS = 2
const UNITS = 40

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
const crew: Member[] = []
afterAll(async () => {
  for (const { child } of crew) child.kill('SIGKILL')
  await db.drop()
})

interface Member {
  readonly child: ChildProcess
  readonly said: string[]
  readonly ended: Promise<unknown>
}
function hire(id: string, runMs: number): Member {
  const script = fileURLToPath(new URL('testing/crew-member.ts', import.meta.url))
  const told = [id, db.url, String(LEASE_SECONDS), String(runMs)]
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...told], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  createInterface(child.stdout).on('line', line => said.push(line.trim()))
  const member = { child, said, ended: once(child, 'exit') }
  crew.push(member)
  return member
}
const saying = (member: Member, what: string) =>
  vi.waitUntil(() => member.said.find(line => line.startsWith(what)), { timeout: 30_000, interval: 5 })

it('four workers, one killed and one stopped past its lease and woken: every unit is committed once, and the sleeper does no harm', async () => {
  for (let detector = 0; detector < UNITS; detector++) await dispatch(db.pool)(jobEvent(decision(detector)))
  const rules = { ...defaultRules, leaseSeconds: LEASE_SECONDS, backOffSeconds: 0.1 }
  const members = ['a', 'b', 'c', 'd'].map(id => hire(id, 400))
  const [killed, stopped] = members as [Member, Member]
  const sweeping = new AbortController()
  const swept = (async () => {
    let freed = 0
    while (!sweeping.signal.aborted) {
      freed += (await sweep(db.pool, rules)).freed
      await sleep(100)
    }
    return freed
  })()
  const lost = (await saying(killed, 'unit leased')).replace('unit leased ', '')
  killed.child.kill('SIGKILL')
  const slept = (await saying(stopped, 'unit leased')).replace('unit leased ', '')
  stopped.child.kill('SIGSTOP')
  const published = () => unitsSummary(db.pool).then(units => units.filter(({ work }) => work === 'committed'))
  await vi.waitUntil(async () => (await published()).length === UNITS, { timeout: 40_000, interval: 100 })
  const before = await unitsSummary(db.pool)
  stopped.child.kill('SIGCONT')
  await vi.waitUntil(() => stopped.said.some(line => line.endsWith(slept) && !line.startsWith('unit leased')), {
    timeout: 10_000,
  })
  await sleep(500)
  sweeping.abort()

  expect(await swept).toBeGreaterThanOrEqual(2)
  expect(await unitsSummary(db.pool)).toEqual(before)
  for (const unit of [lost, slept]) expect(before.find(it => it.unit === unit)).toMatchObject({ epoch: 2, tries: 2 })
  const { rows } = await db.pool.query('select count(*)::int as told, count(distinct unit)::int as units from outbox')
  expect(rows).toEqual([{ told: UNITS, units: UNITS }])
  const landed = members.flatMap(({ said }) => said.filter(line => line.startsWith('landed committed')))
  expect(new Set(landed).size).toBe(UNITS)
  expect(landed).toHaveLength(UNITS)
  for (const { child } of members.slice(1)) child.kill('SIGTERM')
  expect((await Promise.all(members.slice(1).map(({ ended }) => ended))).flat()).not.toContain(1)
}, 100_000)

it('a worker that is told to end hands its unit back, and the next one begins it at once, as its first try', async () => {
  const slow = hire('slow', 60_000)
  await dispatch(db.pool)(jobEvent(decision(100)))
  await saying(slow, 'unit leased')
  slow.child.kill('SIGTERM')
  expect(await slow.ended).toEqual([0, null])
  const left = (await unitsSummary(db.pool)).find(({ detector }) => detector === 100)!
  expect(left).toMatchObject({ state: 'ready', tries: 0, reason: 'interrupted', epoch: 1 })
  const next = hire('next', 10)
  await saying(next, 'landed committed')
  next.child.kill('SIGTERM')
  expect(await next.ended).toEqual([0, null])
})
