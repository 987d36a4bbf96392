import { type Codec, schemaIdOf } from '../schemas/codec.ts'
import type { Parked } from '../schemas/avro/generated.ts'
import type { Stream } from '../topology/model/stream.ts'
import type { Topology } from '../topology/model/topology.ts'
import type { Entry } from './dlq-entries.ts'
import { json } from './ledger.ts'
import { table } from './table.ts'
import { timeOf } from './times.ts'

/** Bytes of a value that are shown where it cannot be decoded. */
const SHOWN_BYTES = 256
/** Characters of a decoded value: the whole is in --json. */
const SHOWN_CHARACTERS = 4_000

/** What others wrote could steer the terminal: its control characters are shown, not sent. */
export const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}]/gu, it => `\\u${it.codePointAt(0)!.toString(16).padStart(4, '0')}`)

/** One parked record as text, or as JSON with the whole bytes in base64. */
export async function describeParked(
  entry: Entry,
  { recordKey, recordValue, headers }: Parked,
  topology: Topology,
  codec: Codec,
  flags: { readonly json: boolean },
): Promise<string> {
  const stream = topology.stages.flatMap(({ reads }) => reads).find(({ topic }) => topic === entry.topic)
  const content = await contentOf(stream, recordValue, codec)
  const base64 = (bytes: Buffer | null) => bytes && bytes.toString('base64')
  if (flags.json) {
    const bytes = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, base64(value)]))
    return json({ ...entry, key: base64(recordKey), value: base64(recordValue), headers: bytes, content })
  }
  const { id, stage, appendedAt, parkedAt, attempt, bytes, reasons, mark } = entry
  const facts = [
    ['record', plain(id)],
    ['refused by', stage],
    ...reasons.map(({ code, reason }) => ['because', `${plain(code)}: ${plain(reason)}`]),
    ['appended', timeOf(appendedAt)],
    ['parked', `${timeOf(parkedAt)}, attempt ${attempt}`],
    ['state', mark ? `${mark.action} ${timeOf(mark.at)} by ${plain(mark.by)}: ${plain(mark.reason)}` : 'open'],
    ['key', recordKey === null ? '(none)' : plain(String(recordKey))],
    ...Object.entries(headers).map(([name, value]) => [
      `header ${plain(name)}`,
      plain(value.toString('utf8', 0, SHOWN_BYTES)),
    ]),
    ['value', recordValue === null ? '(none)' : `${bytes} bytes`],
  ]
  const body = 'why' in content ? `${content.why}\n${hexOf(recordValue)}` : shortened(json(content.decoded))
  return `${table(['', ''], facts)}\n\n${body}`
}

type Content = { readonly decoded: unknown } | { readonly why: string }

/** The value as its topic's contract has it, or why it cannot be read so. */
async function contentOf(stream: Stream | undefined, value: Buffer | null, codec: Codec): Promise<Content> {
  if (!stream) return { why: 'No stage reads this topic any more, so that what it should be is not known.' }
  if (!value || value.length === 0) return { why: 'It has no value.' }
  try {
    if (!('avro' in stream.format)) return { decoded: JSON.parse(String(value)) as unknown }
    if (!codec.knows(value)) await codec.prefetch([schemaIdOf(value)])
    return { decoded: codec.decode(stream.format.avro, value) }
  } catch (error) {
    return { why: `It cannot be decoded: ${plain((error as Error).message)}` }
  }
}

const shortened = (whole: string): string => {
  const text = whole.split('\n').map(plain).join('\n')
  return text.length > SHOWN_CHARACTERS
    ? `${text.slice(0, SHOWN_CHARACTERS)}…\n(${text.length} characters; --json has all)`
    : text
}

/** Sixteen bytes a line, with what is readable of them beside. */
function hexOf(value: Buffer | null): string {
  if (!value) return ''
  const lines = []
  for (let from = 0; from < Math.min(value.length, SHOWN_BYTES); from += 16) {
    const part = value.subarray(from, from + 16)
    const hex = [...part].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    lines.push(`${hex.padEnd(47)}  ${part.toString('latin1').replace(/[^ -~]/g, '.')}`)
  }
  const more = value.length > SHOWN_BYTES ? [`… ${value.length - SHOWN_BYTES} more bytes (--json has all)`] : []
  return [...lines, ...more].join('\n')
}
