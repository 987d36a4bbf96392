import type { Chunk, LogRecord, NewRecord, Tail, TopicPartition } from '../log-client.ts'

/** What the suites of the port read and write with. */

export const record = (tp: TopicPartition, value: string): NewRecord => ({
  ...tp,
  key: null,
  value: Buffer.from(value),
})
export const values = (records: readonly LogRecord[]): string[] => records.map(r => String(r.value))

/** Feeds chunks to `done` until it says so or the tail ends. */
export async function consume(tail: Tail, done: (chunk: Chunk) => boolean): Promise<void> {
  try {
    for await (const chunk of tail) if (done(chunk)) return
  } finally {
    tail.close()
  }
}

/** Everything that a tail gives until its position reaches `end`; where it stands there already (`from >= end`), nothing is read. */
export async function drain(
  tail: () => Tail,
  from: bigint,
  end: bigint,
): Promise<{ records: LogRecord[]; next: bigint }> {
  const records: LogRecord[] = []
  let next = from
  if (from >= end) return { records, next }
  await consume(tail(), chunk => {
    if (chunk.next < next) throw new Error(`the position went back from ${next} to ${chunk.next}`)
    records.push(...chunk.records)
    next = chunk.next
    return next >= end
  })
  return { records, next }
}

export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: () => string = () => 'the condition',
  withinMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not reached within ${withinMs} ms: ${what()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
