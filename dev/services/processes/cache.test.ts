import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cached, withCacheLock } from './cache.ts'
import { identify } from './identity.ts'

let cache: string
let lines: string[]
const progress = (line: string) => void lines.push(line)

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'cache-'))
  lines = []
})
afterEach(() => rmSync(cache, { recursive: true }))

describe('what is cached', () => {
  it('is made once', async () => {
    let made = 0
    const make = () => cached(cache, 'thing', folder => writeFileSync(join(folder, 'a'), String(++made)))
    const path = await make()
    expect(await make()).toBe(path)
    expect(readFileSync(join(path, 'a'), 'utf8')).toBe('1')
  })

  it('is not there when its making failed, and neither is the half of it', async () => {
    const broken = cached(cache, 'thing', folder => {
      writeFileSync(join(folder, 'half'), '')
      throw new Error('network is down')
    })
    await expect(broken).rejects.toThrow('network is down')
    expect(readdirSync(cache)).toEqual([])
  })

  it('is whole when two make it at once', async () => {
    const make = (text: string) => cached(cache, 'thing', async folder => writeFileSync(join(folder, 'a'), text))
    const [one, two] = await Promise.all([make('same'), make('same')])
    expect(one).toBe(two)
    expect(readdirSync(cache)).toEqual(['thing'])
  })
})

describe('the lock', () => {
  it('makes a second one wait, and say for whom', async () => {
    const order: string[] = []
    let release = () => {}
    const released = new Promise<void>(resolve => (release = resolve))
    const first = withCacheLock(cache, progress, async () => {
      await released
      order.push('first')
    })
    const hear = (line: string) => (progress(line), release())
    const second = withCacheLock(cache, hear, async () => void order.push('second'))
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
    expect(lines).toEqual([expect.stringContaining(`Waiting for process ${process.pid}`)])
    expect(readdirSync(cache)).toEqual([])
  })

  it('is freed when the work fails', async () => {
    await expect(withCacheLock(cache, progress, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await withCacheLock(cache, progress, async () => {})
    expect(lines).toEqual([])
  })

  it('lets alone what a living process is making, should it have lost the lock', async () => {
    const path = await cached(cache, 'thing', async folder => {
      writeFileSync(join(folder, 'a'), '')
      await withCacheLock(cache, progress, async () => {})
      writeFileSync(join(folder, 'b'), '')
    })
    expect(readdirSync(path)).toEqual(['a', 'b'])
  })

  it('of a process that died is taken over, with what it left half made removed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' })
    const owner = { host: hostname(), ...identify(child.pid!)! }
    child.kill('SIGKILL')
    await once(child, 'exit')
    writeFileSync(join(cache, 'lock.json'), JSON.stringify(owner))
    mkdirSync(join(cache, '.partial-thing-abc'))
    writeFileSync(join(cache, '.partial-thing-abc', 'owner.json'), JSON.stringify(owner))
    await withCacheLock(cache, progress, async () => expect(existsSync(join(cache, '.partial-thing-abc'))).toBe(false))
    expect(lines).toEqual([expect.stringContaining(`Process ${owner.pid} died`)])
  })
})
