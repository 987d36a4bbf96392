import type { Announcement, LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { taiSecondsOfInstant, type Instant } from '../model/time.ts'

/** 2026-02-25T04:00:00Z, in the night of day_obs 20260224. */
export const NIGHT: Instant = 1_771_992_000_000

/** A sound announcement of a LATISS visit, published at `at` (UTC); tests say what differs. */
export const nextVisitAt = (at: Instant, more: Partial<LogeventNextVisit> = {}): LogeventNextVisit => ({
  private_sndStamp: taiSecondsOfInstant(at),
  private_rcvStamp: 0,
  private_seqNum: 22n,
  private_identity: 'ScriptQueue:2',
  private_origin: 2786567n,
  private_revCode: 'c9aab3df',
  private_efdStamp: at / 1000,
  private_kafkaStamp: taiSecondsOfInstant(at) + 0.01,
  salIndex: 2n,
  scriptSalIndex: 200023n,
  groupId: '2026-02-25T04:00:20.000',
  coordinateSystem: 2n,
  position: [225.85827928, -38.62750109],
  startTime: taiSecondsOfInstant(at) + 20,
  rotationSystem: 2n,
  cameraAngle: 357.96064203,
  filters: 'SDSSi_65mm~empty',
  dome: 2n,
  duration: 35,
  nimages: 1n,
  instrument: 'LATISS',
  survey: 'BLOCK-365',
  totalCheckpoints: 1n,
  ...more,
})

/** What fan-out makes of it. */
export const announcementAt = (at: Instant, more: Partial<Announcement> = {}): Announcement => ({
  instrument: 'LATISS',
  group: '2026-02-25T04:00:20.000',
  salIndex: 2,
  scriptSalIndex: 200023,
  ra: 225.85827928,
  dec: -38.62750109,
  rotation: 357.96064203,
  filters: 'SDSSi_65mm~empty',
  dome: 'OPEN',
  duration: 35,
  nimages: 1,
  survey: 'BLOCK-365',
  totalCheckpoints: 1,
  startTimeTai: taiSecondsOfInstant(at) + 20,
  publishedAt: at,
  ...more,
})
