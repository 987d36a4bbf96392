import { describe, expect, it, vi } from 'vitest'
import type { Chunk } from '../log-client.ts'
import { PartitionTail } from './tail.ts'

const chunk = (next: bigint): Chunk => ({ records: [], next, highWatermark: 9n })
const made = () => {
  const changed = vi.fn<() => void>()
  const tail = new PartitionTail({ topic: 't', partition: 0 }, 0n, changed)
  return { tail, changed, reader: tail[Symbol.asyncIterator]() }
}

describe('a tail', () => {
  it('hands a chunk straight to a reader that waits, and stays hungry', async () => {
    const { tail, reader } = made()
    const waiting = reader.next()
    tail.accept(chunk(3n))
    expect(tail.hungry).toBe(true)
    expect(tail.position).toBe(3n)
    await expect(waiting).resolves.toEqual({ done: false, value: chunk(3n) })
  })

  it('keeps one chunk for a reader that is busy, and asks for no more until it is taken', async () => {
    const { tail, changed, reader } = made()
    tail.accept(chunk(3n))
    expect(tail.hungry).toBe(false)
    expect(changed).not.toHaveBeenCalled()
    await reader.next()
    expect(tail.hungry).toBe(true)
    expect(changed).toHaveBeenCalledOnce()
  })

  it('gives the chunk it holds before the error that came after it, and then ends', async () => {
    const { tail, reader } = made()
    tail.accept(chunk(3n))
    tail.fail(new Error('gone'))
    await expect(reader.next()).resolves.toMatchObject({ value: { next: 3n } })
    await expect(reader.next()).rejects.toThrow('gone')
    await expect(reader.next()).resolves.toEqual({ done: true, value: undefined })
    expect(tail.hungry).toBe(false)
  })

  it('ends a reader that waits when it is closed, by anybody and more than once', async () => {
    const { tail, changed, reader } = made()
    const waiting = reader.next()
    tail.close()
    await reader.return!()
    await expect(waiting).resolves.toEqual({ done: true, value: undefined })
    expect(changed).toHaveBeenCalledOnce()
  })

  it('refuses a second reader that would wait beside the first', async () => {
    const { tail, reader } = made()
    void reader.next()
    await expect(tail[Symbol.asyncIterator]().next()).rejects.toThrow('one reader')
  })
})
