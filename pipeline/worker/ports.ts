import type { Announcement, Ephemeris, PipelineResult, UsedRaw } from '../../schemas/avro/generated.ts'

/** What the worker needs of the world. Sinks and clients have these shapes; the composition root brings them together. */

/** A unit of work as the ledger hands it out. Instants are ms UTC. */
export interface UnitToPreload {
  readonly unit: string
  readonly announcement: Announcement
  readonly detector: number
  readonly pipelines: readonly string[]
  readonly deadline: number
}

export interface Lease extends UnitToPreload {
  readonly epoch: number
  readonly attempt: number
  readonly raws: readonly UsedRaw[]
  /** When what decided it entered the system; the report inherits it. */
  readonly at: number
  readonly leasedAt: number
}

/** The durable record of every unit. Its clock is the database's. */
export interface UnitLedger {
  /** The best ready unit, or nothing. `holds` names the detectors whose calibrations are at hand, as `instrument/detector`. */
  lease(worker: { readonly id: string; readonly holds: readonly string[] }): Promise<Lease | undefined>
  /** An announced unit to prepare for: advisory, carries no epoch. */
  claimPreload(worker: { readonly id: string; readonly holds: readonly string[] }): Promise<UnitToPreload | undefined>
  /** Renews the claim. False: it is over, because the unit is ready, withdrawn, ended or somebody else's. */
  holdPreload(unit: string, worker: string): Promise<boolean>
  /** Gives the claim up, so that another may prepare for the unit at once. */
  dropPreload(unit: string, worker: string): Promise<unknown>
  /** False: the lease is somebody else's now; stop and discard. */
  heartbeat(unit: string, epoch: number): Promise<boolean>
  reported(unit: string, epoch: number): Promise<unknown>
  /** Gives the unit back because this worker must end: for anybody, at once, and without counting the run. */
  handBack(unit: string, epoch: number): Promise<unknown>
  /** Gives the unit back for a retry after a back-off; the ledger counts its runs and ends it at the limit. */
  release(unit: string, epoch: number, why: { readonly reason: string; readonly detail: string }): Promise<unknown>
}

export interface ObjectStore {
  get(bucket: string, key: string): Promise<Uint8Array>
  /** For images: in memory that the pipeline's thread looks into as well, so that nothing of them is copied for it. */
  getShared(bucket: string, key: string): Promise<Uint8Array>
  put(bucket: string, key: string, bytes: Uint8Array): Promise<{ readonly size: number; readonly sha256: string }>
  list(bucket: string, prefix: string): AsyncIterable<{ readonly key: string }>
}

export interface KnownObject {
  readonly diaObjectId: bigint
  readonly ra: number
  readonly dec: number
}

export interface SkyPosition {
  readonly ra: number
  readonly dec: number
}

/** History in the APDB, read-only. `polygon`: corners in ICRS degrees; the answer may be a superset. */
export interface History {
  objectsIn(polygon: readonly SkyPosition[]): Promise<readonly KnownObject[]>
}

/** Bodies of a visit, and a sentence for each that could not be used. */
export interface FoundBodies {
  readonly bodies: readonly Ephemeris[]
  readonly faults: readonly string[]
}

/** Where known bodies of the solar system are predicted to be: a service that computes it, or what it has computed. */
export interface Ephemerides {
  /** Bodies that any detector of the visit may see, at about the middle of its exposure. Rejects, with the reason, where nobody can tell. */
  of(instrument: string, group: string): Promise<FoundBodies>
}

/** Acknowledged by every replica when it resolves. */
export type Report = (result: PipelineResult, at: number) => Promise<void>

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
