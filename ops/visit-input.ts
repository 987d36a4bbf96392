import { readFileSync } from 'node:fs'
import type { Announcement, LogeventNextVisit } from '../schemas/avro/generated.ts'
import { announcementsOf } from '../sinks/ledger/announcements.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { checkAnnouncement } from '../topology/announcement.ts'
import { Rejection } from '../topology/model/step.ts'
import { readLedger } from './ledger.ts'

/** The visit that a question is about: said by flags, kept in a file, or known to the ledger. */

/** Flags as the command line gives them, all text. */
export interface VisitFlags {
  readonly instrument?: string
  readonly survey?: string
  readonly ra?: string
  readonly dec?: string
  readonly rotation?: string
  readonly filter?: string
  readonly group?: string
  readonly jsonFile?: string
}

/** The announcement that the flags mean. @throws ConfigError where they say too little, too much, or what would be refused. */
export async function visitOf(config: Config, flags: VisitFlags): Promise<Announcement> {
  const { group, jsonFile, instrument, ...said } = flags
  const sources = [group, jsonFile, said.survey ?? said.ra ?? said.dec ?? said.rotation ?? said.filter]
  if (
    sources.filter(source => source !== undefined).length > 1 ||
    (jsonFile !== undefined && instrument !== undefined)
  ) {
    throw new ConfigError(
      'Say which visit in one way only: by --group, by --json-file, or by --instrument and its like',
    )
  }
  if (group !== undefined) return fromLedger(config, group, instrument)
  if (jsonFile !== undefined) return checked(config, fromFile(jsonFile))
  return checked(config, fromFlags(flags))
}

/** What fan-out would make of it: the same checks, the same sentences. */
function checked(config: Config, event: LogeventNextVisit): Announcement {
  try {
    return checkAnnouncement(event, Object.keys(config.decide.instruments))
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    throw new ConfigError(`Such an announcement would be parked (${error.code}): ${error.message}`)
  }
}

function fromFlags(flags: VisitFlags): LogeventNextVisit {
  if (flags.instrument === undefined) throw new ConfigError('--instrument is needed to say which visit')
  if ((flags.ra === undefined) !== (flags.dec === undefined)) {
    throw new ConfigError('--ra and --dec are given together, or neither: then the visit has no position')
  }
  const position = flags.ra === undefined ? undefined : [angle('--ra', flags.ra), angle('--dec', flags.dec!)]
  const rotation = flags.rotation === undefined ? undefined : angle('--rotation', flags.rotation)
  return {
    ...BLANK,
    instrument: flags.instrument,
    survey: flags.survey ?? '',
    filters: flags.filter ?? '',
    ...(position && { coordinateSystem: 2n, position }),
    ...(rotation !== undefined && { rotationSystem: 2n, cameraAngle: rotation }),
  }
}

function angle(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new ConfigError(`${flag} is "${text}"; a number of degrees is needed`)
}

/** Sound in all that a rule does not look at; without position and rotation. */
const BLANK: LogeventNextVisit = {
  ...{ private_sndStamp: 0, private_rcvStamp: 0, private_seqNum: 0n, private_identity: '', private_origin: 0n },
  ...{ private_revCode: '', private_efdStamp: 0, private_kafkaStamp: 0, salIndex: 0n, scriptSalIndex: 0n },
  ...{ groupId: '(asked)', coordinateSystem: 1n, position: [0, 0], startTime: 0, rotationSystem: 1n, cameraAngle: 0 },
  ...{ filters: '', dome: 3n, duration: 0, nimages: 1n, instrument: '', survey: '', totalCheckpoints: 0n },
}

/** A `next_visit` as JSON, by itself or under "message". What is private to its transport may be left out. */
function fromFile(path: string): LogeventNextVisit {
  let read: unknown
  try {
    read = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError(`--json-file ${path} cannot be read: ${(error as Error).message}`)
  }
  const outer = objectOf(read)
  const message = 'message' in outer ? objectOf(outer['message']) : outer
  const event: Record<string, unknown> = {}
  for (const [name, like] of fieldsOf(BLANK)) {
    const value = message[name] ?? (name.startsWith('private_') ? like : undefined)
    if (value === undefined) throw new ConfigError(`--json-file ${path} has no field ${name}; a next_visit is needed`)
    event[name] = fieldOf(`--json-file ${path}: ${name}`, like, value)
  }
  return event as unknown as LogeventNextVisit
}

const fieldsOf = (event: LogeventNextVisit) =>
  Object.entries(event) as [keyof LogeventNextVisit, LogeventNextVisit[keyof LogeventNextVisit]][]

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** The value, if it is of the kind that the field has; JSON knows no bigint. */
function fieldOf(field: string, like: LogeventNextVisit[keyof LogeventNextVisit], value: unknown): unknown {
  if (typeof like === 'bigint' && Number.isSafeInteger(value)) return BigInt(value as number)
  const isList = Array.isArray(like) && Array.isArray(value) && value.every(each => typeof each === 'number')
  if (isList || (!Array.isArray(like) && typeof value === typeof like)) return value
  const allowed =
    { bigint: 'an integer', number: 'a number', string: 'text' }[typeof like as string] ?? 'a list of numbers'
  throw new ConfigError(`${field} is ${JSON.stringify(value)}; allowed is ${allowed}`)
}

async function fromLedger(config: Config, group: string, instrument?: string): Promise<Announcement> {
  const known = Object.keys(config.decide.instruments)
  const among = instrument === undefined ? known : [instrument]
  const found = await readLedger(config, pool => announcementsOf(pool, group, among))
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw new ConfigError(`The ledger has no unit of group ${group} and ${among.join(', ')}`)
  const names = found.map(it => it.instrument).join(', ')
  throw new ConfigError(`Group ${group} is one of several instruments; say --instrument with one of ${names}`)
}
