import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { taiSecondsOfInstant, type Instant } from '../../topology/model/time.ts'
import type { NightPlan, VisitPlan } from './plan.ts'

const ICRS = 2n
const SKY = 2n
const OPEN = 2n
/** Which ScriptQueue commands the instrument. */
const SAL_INDEX = { LATISS: 2n, LSSTComCam: 1n, LSSTCam: 1n }

/** The announcement of a visit as the summit's ScriptQueue publishes it at `sentAt` (ms UTC). */
export function nextVisitOf(plan: NightPlan, visit: VisitPlan, sentAt: Instant): LogeventNextVisit {
  const salIndex = SAL_INDEX[plan.options.instrument]
  const { ra, dec, rotation } = visit.announced
  return {
    private_sndStamp: taiSecondsOfInstant(sentAt),
    private_rcvStamp: 0,
    private_seqNum: BigInt(visit.index + 1),
    private_identity: `ScriptQueue:${salIndex}`,
    private_origin: 2_786_567n,
    private_revCode: 'c9aab3df',
    private_efdStamp: sentAt / 1000,
    private_kafkaStamp: taiSecondsOfInstant(sentAt),
    salIndex,
    scriptSalIndex: salIndex * 100_000n + BigInt(visit.index + 1),
    groupId: visit.group,
    coordinateSystem: ICRS,
    position: [ra, dec],
    startTime: taiSecondsOfInstant(visit.announceAt + Math.round(1000 * plan.options.lead)),
    rotationSystem: SKY,
    cameraAngle: rotation,
    filters: plan.filter,
    dome: OPEN,
    duration: visit.duration,
    nimages: BigInt(visit.nimages),
    instrument: plan.instrument.name,
    survey: visit.survey,
    totalCheckpoints: 1n,
  }
}
