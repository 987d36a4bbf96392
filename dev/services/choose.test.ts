import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseProvider } from './choose.ts'
import { splitTag } from './containers/images.ts'

/** What a container engine answers to the three questions that are asked of it, on a socket of its own. */
let folder: string
let address: string
let engine: Server
let has: (image: string) => boolean
let pull: (image: string) => { readonly status: number; readonly lines: readonly object[] }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'engine-'))
  address = `unix://${folder}/engine.sock`
  has = () => false
  pull = () => ({ status: 200, lines: [] })
  engine = createServer((request, response) => {
    const url = new URL(request.url!, 'http://engine')
    const image = /^\/images\/(.*)\/json$/.exec(url.pathname)?.[1]
    if (url.pathname === '/_ping') return response.end('OK')
    if (image) return response.writeHead(has(image) ? 200 : 404).end('{}')
    const { status, lines } = pull(`${url.searchParams.get('fromImage')}:${url.searchParams.get('tag')}`)
    return response.writeHead(status).end(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  })
  await new Promise<void>(resolve => engine.listen(join(folder, 'engine.sock'), resolve))
})
afterEach(async () => {
  await new Promise(resolve => engine.close(resolve))
  rmSync(folder, { recursive: true })
})

async function choose() {
  const lines: string[] = []
  return { ...(await chooseProvider(line => lines.push(line), address)), lines }
}

describe('containers or processes', () => {
  it('takes containers when the engine has every image, and pulls none', async () => {
    has = () => true
    expect(await choose()).toMatchObject({ provider: 'containers', lines: [] })
  })

  it('pulls only what is missing, and says so', async () => {
    has = image => !image.startsWith('postgres')
    const pulled: string[] = []
    pull = image => (pulled.push(image), { status: 200, lines: [{ status: 'Downloading', id: 'layer' }] })
    const choice = await choose()
    expect(choice.provider).toBe('containers')
    expect(pulled).toEqual(['postgres:18.4'])
    expect(choice.lines[0]).toContain('postgres:18.4')
  })

  it('takes processes when a pull is refused at once, in the words of the engine', async () => {
    pull = () => ({ status: 500, lines: [{ message: 'no route to registry' }] })
    const { provider, why } = await choose()
    expect(provider).toBe('processes')
    expect(why).toContain('apache/kafka')
    expect(why).toContain('no route to registry')
  })

  it('takes processes when a pull fails after it has begun', async () => {
    pull = () => ({ status: 200, lines: [{ status: 'Pulling', id: 'layer' }, { error: 'manifest unknown' }] })
    const { provider, why } = await choose()
    expect(provider).toBe('processes')
    expect(why).toContain('manifest unknown')
  })

  it('takes processes when nothing answers at the address', async () => {
    address = `unix://${folder}/nobody.sock`
    const { provider, why } = await choose()
    expect(provider).toBe('processes')
    expect(why).toContain('nobody.sock')
  })
})

describe('an image name', () => {
  it.each([
    ['postgres:18.4', 'postgres', '18.4'],
    ['apache/kafka', 'apache/kafka', 'latest'],
    ['registry:5000/a/b', 'registry:5000/a/b', 'latest'],
    ['registry:5000/a/b:1', 'registry:5000/a/b', '1'],
  ])('%s is %s at %s', (image, name, tag) => expect(splitTag(image)).toEqual([name, tag]))
})
