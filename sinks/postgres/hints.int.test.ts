import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { decision, jobEvent } from '../testing/builders.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { type Hints, listen } from './hints.ts'

let db: TestDatabase
let hints: Hints
const troubles: Error[] = []
const HOURS = 3_600_000
beforeAll(async () => {
  db = await createDatabase()
  hints = listen(db.url, 'unit_ready', error => troubles.push(error))
})
afterAll(async () => {
  await hints.close()
  await db.drop()
})
const listening = async (butNot = 0) => {
  const sql = `select pid from pg_stat_activity where application_name = 'hints unit_ready' and datname = current_database()
    and query = 'listen unit_ready' and state = 'idle' and pid <> $1`
  for (;;) {
    const { rows } = await db.pool.query<{ pid: number }>(sql, [butNot])
    if (rows.length > 0) return rows[0]!.pid
  }
}

it('rings every bell when a unit becomes ready, also one that was not waiting then', async () => {
  await listening()
  const [one, two] = [hints.bell(), hints.bell()]
  const rung = one.next(HOURS)
  await dispatch(db.pool)(jobEvent(decision(0)))
  await rung
  await two.next(HOURS)
})

it('waits no longer than it is told to, or than its signal', async () => {
  const bell = hints.bell()
  await bell.next(1)
  const stop = new AbortController()
  const waiting = bell.next(HOURS, stop.signal)
  stop.abort()
  await waiting
  await bell.next(HOURS, stop.signal)
})

it('comes back after its connection was ended', async () => {
  const bell = hints.bell()
  const pid = await listening()
  await db.pool.query('select pg_terminate_backend($1)', [pid])
  while ((await listening()) === pid);
  expect(troubles).toHaveLength(1)
  await dispatch(db.pool)(jobEvent(decision(1)))
  await bell.next(HOURS)
})

it.each([
  ['before it answered', true],
  ['after it was listened to', false],
])('ends, though the server has gone silent %s', async (_, isSilent) => {
  const { hostname, port } = new URL(db.url)
  const sockets: Socket[] = []
  const between = createServer(near => {
    sockets.push(near.on('error', () => {}))
    if (!isSilent) sockets.push(connect(Number(port), hostname).on('error', () => {}))
    if (!isSilent) near.pipe(sockets.at(-1)!).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  const far = new URL(db.url)
  far.host = `127.0.0.1:${(between.address() as AddressInfo).port}`
  const before = await listening()
  const through = listen(far.href, 'unit_ready', () => {})
  if (isSilent) await once(between, 'connection')
  else await listening(before)
  for (const socket of sockets) socket.unpipe().pause()
  await through.close()
  for (const socket of sockets) socket.destroy()
  between.close()
})
