import type { Announcement, LogeventNextVisit } from '../schemas/avro/generated.ts'
import { normaliseDegrees } from './camera.ts'
import { instruments } from './instruments.ts'
import { Rejection } from './model/step.ts'
import { instantOfTaiSeconds, type Instant } from './model/time.ts'

/**
 * Checks what the observatory announced and brings it into our form: nulls for what is not there, RA in [0, 360).
 * Every refusal names what, the value, and what is allowed; the record is then parked.
 */
export function checkAnnouncement(event: LogeventNextVisit, supported: readonly string[]): Announcement {
  const instrument = instrumentOf(event.instrument, supported)
  const group = groupOf(event.groupId)
  const position = onSky('coordinateSystem', event.coordinateSystem, COORDINATE_SYSTEMS, 'ICRS')
    ? positionOf(event.position)
    : null
  return {
    instrument,
    group,
    salIndex: count('salIndex', event.salIndex),
    scriptSalIndex: count('scriptSalIndex', event.scriptSalIndex),
    ra: position && normaliseDegrees(position.ra),
    dec: position && position.dec,
    rotation: onSky('rotationSystem', event.rotationSystem, ROTATION_SYSTEMS, 'SKY')
      ? normaliseDegrees(finite('cameraAngle', event.cameraAngle))
      : null,
    filters: plain('filters', event.filters),
    dome: memberOf('dome', event.dome, DOMES),
    duration: durationOf(event.duration),
    nimages: count('nimages', event.nimages, MAX_NIMAGES),
    survey: plain('survey', event.survey),
    totalCheckpoints: count('totalCheckpoints', event.totalCheckpoints),
    startTimeTai: finite('startTime', event.startTime),
    publishedAt: publishedAt(event),
  }
}

/**
 * When the announcement was published, UTC: the UTC stamp, else the TAI one, else null; a zero stamp was never set.
 * Worked example: private_efdStamp 1747891113.0 (UTC) and private_sndStamp 1747891150.0 (TAI) are one instant.
 */
export function publishedAt(event: Pick<LogeventNextVisit, 'private_efdStamp' | 'private_sndStamp'>): Instant | null {
  const utc = finite('private_efdStamp', event.private_efdStamp)
  if (utc !== 0) return Math.round(utc * 1000)
  const tai = finite('private_sndStamp', event.private_sndStamp)
  return tai === 0 ? null : instantOfTaiSeconds(tai)
}

const COORDINATE_SYSTEMS = ['NONE', 'ICRS', 'OBSERVED', 'MOUNT'] as const
const ROTATION_SYSTEMS = ['NONE', 'SKY', 'HORIZON', 'MOUNT'] as const
const DOMES = ['CLOSED', 'OPEN', 'EITHER'] as const
const MAX_DURATION_S = 3600
const MAX_GROUP_CHARACTERS = 256
/** More snaps than any visit has: a window would wait for them in vain until its deadline. */
const MAX_NIMAGES = 100n
const MAX_INT = 2_147_483_647n

/** Enumerations count from 1; 0 is not a value. */
function memberOf<T extends string>(field: string, value: bigint, members: readonly T[]): T {
  const member = value >= 1n && value <= BigInt(members.length) ? members[Number(value) - 1] : undefined
  if (member) return member
  const allowed = members.map((name, i) => `${i + 1} ${name}`).join(', ')
  throw new Rejection('bad-enum', `${field} is ${value}; allowed are ${allowed}`)
}

/** Whether the system is the usable one; false where there is none; a system we cannot convert from is refused. */
function onSky<T extends string>(field: string, value: bigint, systems: readonly T[], usable: T): boolean {
  const system = memberOf(field, value, systems)
  if (system !== usable && system !== 'NONE') {
    throw new Rejection('unsupported-system', `${field} is ${value} ${system}; usable are 1 NONE and 2 ${usable}`)
  }
  return system === usable
}

function positionOf(position: readonly number[]): { readonly ra: number; readonly dec: number } {
  const [ra, dec] = position
  if (position.length !== 2 || ra === undefined || dec === undefined) {
    throw new Rejection('bad-position', `position has ${position.length} numbers; ICRS needs 2, RA and declination`)
  }
  finite('position[0], RA,', ra)
  if (!(Math.abs(finite('position[1], the declination,', dec)) <= 90)) {
    throw new Rejection('bad-position', `position[1], the declination, is ${dec}; allowed is -90 to 90 degrees`)
  }
  return { ra, dec }
}

function instrumentOf(name: string, supported: readonly string[]): string {
  if (instruments.has(name) && supported.includes(name)) return name
  throw new Rejection('unknown-instrument', `instrument is "${name}"; processed here are ${supported.join(', ')}`)
}

function groupOf(group: string): string {
  if (group.trim() === '')
    throw new Rejection('bad-group', 'groupId is blank; raws could never be joined to this visit')
  if (group.length > MAX_GROUP_CHARACTERS) {
    throw new Rejection('bad-group', `groupId has ${group.length} characters; allowed are ${MAX_GROUP_CHARACTERS}`)
  }
  return plain('groupId', group)
}

/** Control characters have no place in a name or a key, and a NUL can be stored nowhere behind us. */
function plain(field: string, value: string): string {
  if (!/\p{Cc}/u.test(value)) return value
  throw new Rejection('bad-text', `${field} is ${JSON.stringify(value)}; allowed is text without control characters`)
}

function durationOf(duration: number): number {
  if (duration >= 0 && duration <= MAX_DURATION_S) return duration
  throw new Rejection('bad-duration', `duration is ${duration} s; allowed is 0 to ${MAX_DURATION_S}`)
}

function count(field: string, value: bigint, most = MAX_INT): number {
  if (value >= 0n && value <= most) return Number(value)
  throw new Rejection('bad-number', `${field} is ${value}; allowed are the integers 0 to ${most}`)
}

function finite(field: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new Rejection('bad-number', `${field} is ${value}; a finite number is needed`)
}
