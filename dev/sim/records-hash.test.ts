import { expect, it } from 'vitest'
import type { LogRecord } from '../../streams/log-client.ts'
import { hashOf } from './records-hash.ts'

const record: LogRecord = {
  ...{ topic: 't', partition: 0, offset: 7n, timestamp: 1_000, appendTime: true },
  ...{ key: Buffer.from('ab'), value: Buffer.from('c'), headers: { at: Buffer.from('5') } },
}

it('is the same for the same records', () => {
  expect(hashOf([record, { ...record, offset: 8n }])).toBe(hashOf([{ ...record }, { ...record, offset: 8n }]))
})

it.each<[string, Partial<LogRecord>]>([
  ['topic', { topic: 'u' }],
  ['partition', { partition: 1 }],
  ['offset', { offset: 8n }],
  ['timestamp', { timestamp: 1_001 }],
  ['whose time it is', { appendTime: false }],
  ['key', { key: null }],
  ['value', { value: null }],
  ['an empty value', { value: Buffer.alloc(0) }],
  ['headers', { headers: {} }],
  ['the name of a header', { headers: { ta: Buffer.from('5') } }],
  ['a byte that moves from the key to the value', { key: Buffer.from('a'), value: Buffer.from('bc') }],
])('is another one by the %s', (_what, change) => {
  expect(hashOf([{ ...record, ...change }])).not.toBe(hashOf([record]))
})

it('is another one by the order', () => {
  const other = { ...record, key: null }
  expect(hashOf([record, other])).not.toBe(hashOf([other, record]))
})
