import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { ServiceAddresses } from '../../../dev/services/services.ts'
import type { Python } from '../../../schemas/testing/python.ts'
import { eventually } from '../../../streams/testing/reading.ts'

/** One of the example readers as a process, and what it has printed. */
export interface Reader {
  readonly child: ChildProcess
  /** Ids of the lines that it has printed. */
  readonly ids: string[]
  readonly lines: string[]
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>
}
export type Example = 'reader.py' | 'reader.ts'
export interface ReaderOptions {
  readonly which: Example
  readonly topic: string
  /** Its group, less the topic's name. */
  readonly group: string
  readonly more?: readonly string[]
  readonly services: Pick<ServiceAddresses, 'kafka' | 'registry'>
  readonly python: Python
}

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** Starts it; whoever does ends it. */
export function spawnReader({ which, topic, group, more = [], services, python }: ReaderOptions): Reader {
  const [command, before, env] =
    which === 'reader.ts'
      ? [process.execPath, ['--import', 'tsx'], process.env]
      : ['python3', [], 'env' in python ? python.env : process.env]
  const places = ['--brokers', services.kafka.brokers.join(','), '--registry', services.registry.url]
  const args = [...before, file(which), ...places, '--topic', topic, '--group', `${topic}-${group}`]
  const child = spawn(command, [...args, ...more], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [ids, lines]: [string[], string[]] = [[], []]
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line)
    ids.push(line.split(' ')[0]!)
  })
  let errors = ''
  child.stderr.on('data', (bytes: Buffer) => void (errors += String(bytes)))
  const ended = new Promise<{ code: number | null; errors: string }>(resolve =>
    child.on('close', code => resolve({ code, errors })),
  )
  return { child, ids, lines, ended }
}

export async function endAsFromAKeyboard({ child, ended }: Reader): Promise<void> {
  child.kill('SIGINT')
  const { code, errors } = await ended
  expect(code, errors).toBe(0)
}

/** Until it has seen so many alerts. */
export async function readUntil(reader: Reader, wanted: number): Promise<Reader> {
  await eventually(
    () => new Set(reader.ids).size >= wanted || reader.child.exitCode !== null,
    () => `${reader.ids.length} of ${wanted} alerts`,
    30_000,
  )
  await endAsFromAKeyboard(reader)
  return reader
}
