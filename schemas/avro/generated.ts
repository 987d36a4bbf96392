// Generated from the .avsc beside it by `npm run generate`. Do not edit.

/** That alerts of one unit are out. Key: instrument/group/detector@attempt, and #order where an operator's order was carried out. */
export interface AlertsLedger {
  /** How many alerts, or retractions. */
  readonly alerts: number
  /** SHA-256 over their bytes in order, hex. */
  readonly digest: string
  /** The commit they belong to. */
  readonly committedAtMjdTai: number
  /** How many bytes, all together, framed. */
  readonly bytes: bigint
}

/** An alert that was sent and is called back: its source is withdrawn from the APDB. Key: diaSourceId, in decimal. */
export interface AlertRetracted {
  /** The alert's id. */
  readonly diaSourceId: bigint
  /** What the source has in its field of that name since then, MJD TAI. */
  readonly timeWithdrawnMjdTai: number
  /** Why. */
  readonly reason: string
  /** Who gave the order. */
  readonly by: string
  /** When it was given. */
  readonly at: number
}

export type Dome = 'CLOSED' | 'OPEN' | 'EITHER'

/** What the observatory said it would do, checked and normalised by fan-out; every unit of the visit carries it. */
export interface Announcement {
  /** Short instrument name, for example LATISS. */
  readonly instrument: string
  /** The observatory group id: opaque, joins images to the announcement. */
  readonly group: string
  /** ScriptQueue that published: 1 main telescope, 2 auxiliary telescope, 3 observatory control. */
  readonly salIndex: number
  /** Script instance. */
  readonly scriptSalIndex: number
  /** Boresight right ascension, ICRS degrees in [0, 360); null where the coordinate system is NONE. */
  readonly ra: null | number
  /** Boresight declination, ICRS degrees; null where the coordinate system is NONE. */
  readonly dec: null | number
  /** Position angle of focal-plane +Y, degrees north through east; null where the rotation system is NONE. */
  readonly rotation: null | number
  /** Physical filter; blank means any. */
  readonly filters: string
  /** Required state of the dome. */
  readonly dome: Dome
  /** Estimated duration of the script, seconds, without the slew. */
  readonly duration: number
  /** Number of snaps expected; 0 means not known in advance. */
  readonly nimages: number
  /** Observing block; may be empty. */
  readonly survey: string
  /** Checkpoints of the script; 0 means unknown. */
  readonly totalCheckpoints: number
  /** Expected start, TAI unix seconds. */
  readonly startTimeTai: number
  /** When the announcement was published (UTC); null where its stamp was zero. */
  readonly publishedAt: null | number
}

/** An action of an operator. Key: who. */
export interface Audit {
  /** What. */
  readonly action: string
  /** Who. */
  readonly by: string
  /** Why. */
  readonly reason: string
  /** Plan and outcome as JSON. */
  readonly detail: string
}

export type ControlKind = 'mask' | 'unmask' | 'hold' | 'release'

/** An order of the operators. Key: instrument. */
export interface Control {
  /** mask: the detector is off for visits announced from now on. hold: time is withheld from the whole topology until it is released or `until` has come. */
  readonly kind: ControlKind
  /** Short instrument name; empty in an order about time. */
  readonly instrument: string
  /** Detector; null means every detector: a pause. */
  readonly detector: null | number
  /** Why. */
  readonly reason: string
  /** Who. */
  readonly by: string
  /** When a mask or a hold ends by itself; a hold must say it. */
  readonly until: null | number
}

export type DecisionKind = 'announced' | 'withdrawn' | 'ready' | 'missed' | 'cancelled' | 'ignored'

export type Inputs = 'complete' | 'partial'

/** A raw that counts, and when it entered. */
export interface UsedRaw {
  /** When it entered the system. */
  readonly at: number
  /** The raw. */
  readonly raw: RawArrival
}

/** A numbered decision about one unit. A higher (attempt, number) replaces a lower one. Key: unit. */
export interface DetectorJob {
  /** 0 live, else the replay id. */
  readonly attempt: number
  /** Counts the decisions of this attempt from 1. */
  readonly number: number
  /** announced and withdrawn are hints; the others are final for the attempt. */
  readonly kind: DecisionKind
  /** Detector number. */
  readonly detector: number
  /** The announcement. */
  readonly announcement: Announcement
  /** Pipelines to try, best first. */
  readonly pipelines: readonly string[]
  /** Set when ready. */
  readonly inputs: null | Inputs
  /** The raws to process, by (at, exposure). */
  readonly raws: readonly UsedRaw[]
  /** When the window closes. */
  readonly deadline: number
  /** Why, for kinds that need a sentence. */
  readonly reason: null | string
  /** When the announcement entered the system; null in decisions that were written before this was said. */
  readonly announcedAt: null | number
}

export type TerminalState = 'published' | 'missed' | 'cancelled' | 'ignored' | 'failed' | 'expired' | 'deferred'

/** How one attempt at one unit ended: exactly one per unit and attempt. Key: instrument/group. */
export interface DetectorResult {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id. */
  readonly group: string
  /** Detector number. */
  readonly detector: number
  /** The attempt. */
  readonly attempt: number
  /** published: committed to the APDB and its alerts, if any, are out. */
  readonly state: TerminalState
  /** complete or partial, where it ran. */
  readonly inputs: null | Inputs
  /** Code, where it did not end published. */
  readonly reason: null | string
  /** A sentence for the operator. */
  readonly detail: null | string
  /** Visit id. */
  readonly visit: null | bigint
  /** Exposures processed. */
  readonly exposures: readonly bigint[]
  /** Pipeline that ran. */
  readonly pipeline: null | string
  /** Rows written. */
  readonly diaSources: number
  /** New objects. */
  readonly diaObjects: number
  /** Alerts sent. */
  readonly alerts: number
  /** Files of the committed attempt. */
  readonly products: readonly Product[]
  /** When its window closed at the latest. */
  readonly deadline: number
  /** Announcement entered. */
  readonly announcedAt: null | number
  /** Last raw that counted entered. */
  readonly lastRawAt: null | number
  /** Leasable. */
  readonly readyAt: null | number
  /** Lease taken. */
  readonly leasedAt: null | number
  /** Report received. */
  readonly reportedAt: null | number
  /** Terminal state committed. */
  readonly terminalAt: null | number
  /** published: the lease whose report was committed; null in records of before. */
  readonly epoch: null | number
  /** published: validity start of the rows it wrote, MJD TAI; the order of commits. */
  readonly committedAtMjdTai: null | number
}

export type DetectorVisitKind = 'announced' | 'withdrawn'

export type Verdict = 'wanted' | 'ignored' | 'masked'

/** What fan-out says about one unit of work. Key: instrument/group/detector. */
export interface DetectorVisit {
  /** withdrawn: the observatory cancelled the group; a raw in time still beats it. */
  readonly kind: DetectorVisitKind
  /** Detector number. */
  readonly detector: number
  /** The announcement. */
  readonly announcement: Announcement
  /** Whether any pipeline wants this unit; masked: the detector is off. */
  readonly verdict: Verdict
  /** Why the unit is ignored, masked or withdrawn. */
  readonly reason: null | string
  /** Pipelines to try, best first; empty unless wanted. */
  readonly pipelines: readonly string[]
  /** When the window closes: min(published, arrived) + 2 x duration + image timeout. */
  readonly deadline: number
}

/** Position and velocity in the axes of ICRS. */
export interface StateVector {
  /** AU. */
  readonly x: number
  /** AU. */
  readonly y: number
  /** AU. */
  readonly z: number
  /** km/s. */
  readonly vx: number
  /** km/s. */
  readonly vy: number
  /** km/s. */
  readonly vz: number
}

/** Where a known body of the solar system is predicted to be at one moment, and its orbit. */
export interface Ephemeris {
  /** The moment of observation that it is for, MJD TAI; it holds for the minutes around it. */
  readonly epochMjdTai: number
  /** Predicted V magnitude. */
  readonly vmag: null | number
  /** From the Sun, when the light left the body. */
  readonly helio: StateVector
  /** From the observer, when the light left the body: its direction is the astrometric place. */
  readonly topo: StateVector
  /** Row of the body in the catalogue of orbits. */
  readonly orbit: MpcOrbits
}

/** Where the time of one attempt at one unit went. null where one of the two moments never came: there is nothing to measure, and no zero that would pass for a measurement. Fields may be added at the end, never changed. Key: instrument/group/detector. */
export interface DetectorLatency {
  /** Unix seconds, UTC: the end. */
  readonly timestamp: number
  /** UUID of the record: the same whenever it is made again, so that a duplicate can be told. */
  readonly id: string
  /** Output run of the products; empty where there are none. */
  readonly run: string
  /** Kind of metric: the topic's name without its namespace. */
  readonly dataset_type: string
  /** Live, as all that is measured while it happens. */
  readonly dataset_tag: string
  /** Short instrument name. */
  readonly instrument: string
  /** Visit id; empty where no raw had come. */
  readonly visit: string
  /** Detector number; empty for a visit as a whole. */
  readonly detector: string
  /** Observatory group id. */
  readonly group: string
  /** Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline. */
  readonly day_obs: string
  /** Band; empty where it is not known. */
  readonly band: string
  /** Physical filter; empty where it is not known. */
  readonly physical_filter: string
  /** 0 live, else the replay: when it was ordered. */
  readonly attempt: number
  /** How it ended: published, missed, cancelled, ignored, failed, expired, deferred. */
  readonly state: string
  /** complete or partial; empty where it did not run. */
  readonly inputs: string
  /** Seconds from the announcement's entering to a leasable unit. */
  readonly announcedToReady: null | number
  /** Seconds from the last raw's entering to a leasable unit. */
  readonly lastRawToReady: null | number
  /** Seconds of waiting for a worker. */
  readonly readyToLeased: null | number
  /** Seconds of work. */
  readonly leasedToReported: null | number
  /** Seconds from the report to the commit. */
  readonly reportedToTerminal: null | number
  /** Seconds from the last raw's entering to the end: what the requirement on alerts is held against. */
  readonly lastRawToTerminal: null | number
  /** Seconds from the deadline of the window to the end; negative where it ended before. */
  readonly deadlineToTerminal: null | number
}

/** How one attempt at one unit ended, as a metric of the observatory. Fields may be added at the end, never changed. Key: instrument/group/detector. */
export interface DetectorOutcome {
  /** Unix seconds, UTC: the end. */
  readonly timestamp: number
  /** UUID of the record: the same whenever it is made again, so that a duplicate can be told. */
  readonly id: string
  /** Output run of the products; empty where there are none. */
  readonly run: string
  /** Kind of metric: the topic's name without its namespace. */
  readonly dataset_type: string
  /** Live, as all that is measured while it happens. */
  readonly dataset_tag: string
  /** Short instrument name. */
  readonly instrument: string
  /** Visit id; empty where no raw had come. */
  readonly visit: string
  /** Detector number; empty for a visit as a whole. */
  readonly detector: string
  /** Observatory group id. */
  readonly group: string
  /** Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline. */
  readonly day_obs: string
  /** Band; empty where it is not known. */
  readonly band: string
  /** Physical filter; empty where it is not known. */
  readonly physical_filter: string
  /** 0 live, else the replay: when it was ordered. */
  readonly attempt: number
  /** How it ended: published, missed, cancelled, ignored, failed, expired, deferred. */
  readonly state: string
  /** complete or partial; empty where it did not run. */
  readonly inputs: string
  /** Code, where it did not end published; else empty. */
  readonly reason: string
  /** Pipeline that ran; empty where none did. */
  readonly pipeline: string
  /** Exposures processed. */
  readonly exposures: number
  /** Files stored. */
  readonly products: number
  /** Rows written. */
  readonly diaSources: number
  /** New objects. */
  readonly diaObjects: number
  /** Alerts sent. */
  readonly alerts: number
}

/** How a visit went, as a metric of the observatory; a higher number replaces a lower one. Fields may be added at the end, never changed. Key: instrument/group. */
export interface VisitOutcome {
  /** Unix seconds, UTC: the latest that the summary tells of. */
  readonly timestamp: number
  /** UUID of the record: the same whenever it is made again, so that a duplicate can be told. */
  readonly id: string
  /** Output run of the products; empty where there are none. */
  readonly run: string
  /** Kind of metric: the topic's name without its namespace. */
  readonly dataset_type: string
  /** Live, as all that is measured while it happens. */
  readonly dataset_tag: string
  /** Short instrument name. */
  readonly instrument: string
  /** Visit id; empty where no raw had come. */
  readonly visit: string
  /** Detector number; empty for a visit as a whole. */
  readonly detector: string
  /** Observatory group id. */
  readonly group: string
  /** Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline. */
  readonly day_obs: string
  /** Band; empty where it is not known. */
  readonly band: string
  /** Physical filter; empty where it is not known. */
  readonly physical_filter: string
  /** Observing block; may be empty. */
  readonly survey: string
  /** complete, partial or late. */
  readonly kind: string
  /** Counts the summaries of the visit from 1. */
  readonly number: number
  /** Detectors with a unit of work. */
  readonly detectors: number
  /** Detectors that ended published. */
  readonly published: number
  /** Detectors that ended missed. */
  readonly missed: number
  /** Detectors that ended cancelled. */
  readonly cancelled: number
  /** Detectors that ended ignored. */
  readonly ignored: number
  /** Detectors that ended failed. */
  readonly failed: number
  /** Detectors that ended expired. */
  readonly expired: number
  /** Detectors that ended deferred. */
  readonly deferred: number
  /** Detectors without a result yet. */
  readonly missing: number
  /** Detectors that were off. */
  readonly masked: number
  /** Alerts sent. */
  readonly alerts: bigint
  /** Seconds from the units' deadline to the latest that the summary tells of; negative where all had ended before. */
  readonly deadlineToSummary: number
}

/** One detection on a difference image, with what is known about where it was seen: the packet that goes out to the brokers. */
export interface Alert {
  /** Id of the detection that triggered the packet; acts as the alert id */
  readonly diaSourceId: bigint
  /** Scheduler reason string of the exposure */
  readonly observation_reason: null | string
  /** Scheduler target string of the exposure */
  readonly target_name: null | string
  /** The triggering detection */
  readonly diaSource: DiaSource
  /** Earlier detections of the same object (trigger excluded) */
  readonly prvDiaSources: null | readonly DiaSource[]
  /** Forced photometry history incl. the current visit when measured */
  readonly prvDiaForcedSources: null | readonly DiaForcedSource[]
  /** Object the trigger was associated with */
  readonly diaObject: null | DiaObject
  /** Solar-system association data of the trigger */
  readonly ssSource: null | SsSource
  /** Orbit row of the associated solar-system body */
  readonly mpc_orbits: null | MpcOrbits
  /** FITS bytes, difference image stamp */
  readonly cutoutDifference: null | Buffer
  /** FITS bytes, calibrated science image stamp */
  readonly cutoutScience: null | Buffer
  /** FITS bytes, template stamp */
  readonly cutoutTemplate: null | Buffer
}

/** Flux measured at the place of a known object, whether or not it was detected there. */
export interface DiaForcedSource {
  /** Forced measurement id */
  readonly diaForcedSourceId: bigint
  /** Object measured */
  readonly diaObjectId: bigint
  /** Object position used, RA [deg] */
  readonly ra: number
  /** Object position used, Dec [deg] */
  readonly dec: number
  /** Visit id */
  readonly visit: bigint
  /** Detector number */
  readonly detector: number
  /** Forced PSF flux on the difference [nJy] */
  readonly psfFlux: null | number
  /** Error of psfFlux [nJy] */
  readonly psfFluxErr: null | number
  /** Mid-exposure MJD TAI [d] */
  readonly midpointMjdTai: number
  /** Forced PSF flux on the science image [nJy] */
  readonly scienceFlux: null | number
  /** Error of scienceFlux [nJy] */
  readonly scienceFluxErr: null | number
  /** Filter letter */
  readonly band: null | string
  /** Row creation time [d] */
  readonly timeProcessedMjdTai: number
  /** Withdrawal time, null = valid [d] */
  readonly timeWithdrawnMjdTai: null | number
}

/** Detections at one place on the sky taken as one object, and statistics over them. */
export interface DiaObject {
  /** Object id */
  readonly diaObjectId: bigint
  /** Processing time this version became valid, MJD TAI [d] */
  readonly validityStartMjdTai: number
  /** Object RA [deg] */
  readonly ra: number
  /** RA error times cos(dec) [deg] */
  readonly raErr: null | number
  /** Object Dec [deg] */
  readonly dec: number
  /** Dec error [deg] */
  readonly decErr: null | number
  /** Position covariance [deg**2] */
  readonly ra_dec_Cov: null | number
  /** Inverse-variance mean difference PSF flux, u [nJy] */
  readonly u_psfFluxMean: null | number
  /** Error of u_psfFluxMean [nJy] */
  readonly u_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly u_psfFluxSigma: null | number
  /** Number of detections in u behind the statistics */
  readonly u_psfFluxNdata: number
  /** Mean forced flux, u [nJy] */
  readonly u_fpFluxMean: null | number
  /** Error of u_fpFluxMean [nJy] */
  readonly u_fpFluxMeanErr: null | number
  /** Inverse-variance mean difference PSF flux, g [nJy] */
  readonly g_psfFluxMean: null | number
  /** Error of g_psfFluxMean [nJy] */
  readonly g_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly g_psfFluxSigma: null | number
  /** Number of detections in g behind the statistics */
  readonly g_psfFluxNdata: number
  /** Mean forced flux, g [nJy] */
  readonly g_fpFluxMean: null | number
  /** Error of g_fpFluxMean [nJy] */
  readonly g_fpFluxMeanErr: null | number
  /** Inverse-variance mean difference PSF flux, r [nJy] */
  readonly r_psfFluxMean: null | number
  /** Error of r_psfFluxMean [nJy] */
  readonly r_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly r_psfFluxSigma: null | number
  /** Number of detections in r behind the statistics */
  readonly r_psfFluxNdata: number
  /** Mean forced flux, r [nJy] */
  readonly r_fpFluxMean: null | number
  /** Error of r_fpFluxMean [nJy] */
  readonly r_fpFluxMeanErr: null | number
  /** Inverse-variance mean difference PSF flux, i [nJy] */
  readonly i_psfFluxMean: null | number
  /** Error of i_psfFluxMean [nJy] */
  readonly i_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly i_psfFluxSigma: null | number
  /** Number of detections in i behind the statistics */
  readonly i_psfFluxNdata: number
  /** Mean forced flux, i [nJy] */
  readonly i_fpFluxMean: null | number
  /** Error of i_fpFluxMean [nJy] */
  readonly i_fpFluxMeanErr: null | number
  /** Inverse-variance mean difference PSF flux, z [nJy] */
  readonly z_psfFluxMean: null | number
  /** Error of z_psfFluxMean [nJy] */
  readonly z_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly z_psfFluxSigma: null | number
  /** Number of detections in z behind the statistics */
  readonly z_psfFluxNdata: number
  /** Mean forced flux, z [nJy] */
  readonly z_fpFluxMean: null | number
  /** Error of z_fpFluxMean [nJy] */
  readonly z_fpFluxMeanErr: null | number
  /** Inverse-variance mean difference PSF flux, y [nJy] */
  readonly y_psfFluxMean: null | number
  /** Error of y_psfFluxMean [nJy] */
  readonly y_psfFluxMeanErr: null | number
  /** Sample standard deviation (n-1) [nJy] */
  readonly y_psfFluxSigma: null | number
  /** Number of detections in y behind the statistics */
  readonly y_psfFluxNdata: number
  /** Mean forced flux, y [nJy] */
  readonly y_fpFluxMean: null | number
  /** Error of y_fpFluxMean [nJy] */
  readonly y_fpFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, u [nJy] */
  readonly u_scienceFluxMean: null | number
  /** Error of u_scienceFluxMean [nJy] */
  readonly u_scienceFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, g [nJy] */
  readonly g_scienceFluxMean: null | number
  /** Error of g_scienceFluxMean [nJy] */
  readonly g_scienceFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, r [nJy] */
  readonly r_scienceFluxMean: null | number
  /** Error of r_scienceFluxMean [nJy] */
  readonly r_scienceFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, i [nJy] */
  readonly i_scienceFluxMean: null | number
  /** Error of i_scienceFluxMean [nJy] */
  readonly i_scienceFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, z [nJy] */
  readonly z_scienceFluxMean: null | number
  /** Error of z_scienceFluxMean [nJy] */
  readonly z_scienceFluxMeanErr: null | number
  /** Inverse-variance mean of scienceFlux, y [nJy] */
  readonly y_scienceFluxMean: null | number
  /** Error of y_scienceFluxMean [nJy] */
  readonly y_scienceFluxMeanErr: null | number
  /** Minimum psfFlux, u [nJy] */
  readonly u_psfFluxMin: null | number
  /** Maximum psfFlux, u [nJy] */
  readonly u_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly u_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly u_psfFluxErrMean: null | number
  /** Minimum psfFlux, g [nJy] */
  readonly g_psfFluxMin: null | number
  /** Maximum psfFlux, g [nJy] */
  readonly g_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly g_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly g_psfFluxErrMean: null | number
  /** Minimum psfFlux, r [nJy] */
  readonly r_psfFluxMin: null | number
  /** Maximum psfFlux, r [nJy] */
  readonly r_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly r_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly r_psfFluxErrMean: null | number
  /** Minimum psfFlux, i [nJy] */
  readonly i_psfFluxMin: null | number
  /** Maximum psfFlux, i [nJy] */
  readonly i_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly i_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly i_psfFluxErrMean: null | number
  /** Minimum psfFlux, z [nJy] */
  readonly z_psfFluxMin: null | number
  /** Maximum psfFlux, z [nJy] */
  readonly z_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly z_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly z_psfFluxErrMean: null | number
  /** Minimum psfFlux, y [nJy] */
  readonly y_psfFluxMin: null | number
  /** Maximum psfFlux, y [nJy] */
  readonly y_psfFluxMax: null | number
  /** Largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly y_psfFluxMaxSlope: null | number
  /** Plain mean of psfFluxErr [nJy] */
  readonly y_psfFluxErrMean: null | number
  /** Time of first detection [d] */
  readonly firstDiaSourceMjdTai: null | number
  /** Time of latest non-forced detection [d] */
  readonly lastDiaSourceMjdTai: null | number
  /** Number of associated detections */
  readonly nDiaSources: number
}

/** A detection on a difference image, measured. */
export interface DiaSource {
  /** Detection id */
  readonly diaSourceId: bigint
  /** Visit id */
  readonly visit: bigint
  /** Detector number */
  readonly detector: number
  /** Associated object id; 0 or null = none */
  readonly diaObjectId: null | bigint
  /** Associated solar-system id; 0 or null = none */
  readonly ssObjectId: null | bigint
  /** Deblend parent id; 0 or null = none */
  readonly parentDiaSourceId: null | bigint
  /** Mid-exposure time, MJD TAI [d] */
  readonly midpointMjdTai: number
  /** Effective exposure length [s] */
  readonly exposureTime: null | number
  /** ICRS right ascension [deg] */
  readonly ra: number
  /** RA error, already times cos(dec) [deg] */
  readonly raErr: null | number
  /** ICRS declination [deg] */
  readonly dec: number
  /** Dec error [deg] */
  readonly decErr: null | number
  /** RA*cos(dec)/Dec covariance [deg**2] */
  readonly ra_dec_Cov: null | number
  /** Centroid column [pixel] */
  readonly x: number
  /** Error of x [pixel] */
  readonly xErr: null | number
  /** Centroid row [pixel] */
  readonly y: number
  /** Error of y [pixel] */
  readonly yErr: null | number
  /** Centroid fit failed */
  readonly centroid_flag: null | boolean
  /** 12-pixel-radius aperture flux on the difference [nJy] */
  readonly apFlux: null | number
  /** Error of apFlux [nJy] */
  readonly apFluxErr: null | number
  /** Aperture photometry failed */
  readonly apFlux_flag: null | boolean
  /** Aperture ran off the image */
  readonly apFlux_flag_apertureTruncated: null | boolean
  /** Negative detection */
  readonly isNegative: null | boolean
  /** Detection significance */
  readonly snr: null | number
  /** PSF flux on the difference [nJy] */
  readonly psfFlux: null | number
  /** Error of psfFlux [nJy] */
  readonly psfFluxErr: null | number
  /** PSF fit log-likelihood */
  readonly psfLnL: null | number
  /** PSF fit chi2 */
  readonly psfChi2: null | number
  /** Pixels in PSF fit */
  readonly psfNdata: number
  /** PSF fit failed */
  readonly psfFlux_flag: null | boolean
  /** Too near the edge for full PSF */
  readonly psfFlux_flag_edge: null | boolean
  /** No usable pixels for PSF fit */
  readonly psfFlux_flag_noGoodPixels: null | boolean
  /** Trail model flux [nJy] */
  readonly trailFlux: null | number
  /** Error of trailFlux [nJy] */
  readonly trailFluxErr: null | number
  /** Trail centroid RA [deg] */
  readonly trailRa: null | number
  /** Error of trailRa, already times cos(dec) [deg] */
  readonly trailRaErr: null | number
  /** Trail centroid Dec [deg] */
  readonly trailDec: null | number
  /** Error of trailDec [deg] */
  readonly trailDecErr: null | number
  /** Trail length [arcsec] */
  readonly trailLength: null | number
  /** Error of trailLength [arcsec] */
  readonly trailLengthErr: null | number
  /** Trail position angle [deg] */
  readonly trailAngle: null | number
  /** Error of trailAngle [deg] */
  readonly trailAngleErr: null | number
  /** Trail fit chi2 */
  readonly trailChi2: null | number
  /** Pixels in trail fit */
  readonly trailNdata: number
  /** Trail algorithm key, 1 SDSSShape 2 HSMShape */
  readonly trailAlgorithm: null | number
  /** Trail reaches the edge */
  readonly trail_flag_edge: null | boolean
  /** Trail fit failed */
  readonly trail_flag: null | boolean
  /** Mean absolute lobe flux [nJy] */
  readonly dipoleMeanFlux: null | number
  /** Error of dipoleMeanFlux [nJy] */
  readonly dipoleMeanFluxErr: null | number
  /** Difference of absolute lobe fluxes [nJy] */
  readonly dipoleFluxDiff: null | number
  /** Error of dipoleFluxDiff [nJy] */
  readonly dipoleFluxDiffErr: null | number
  /** Lobe separation [arcsec] */
  readonly dipoleLength: null | number
  /** Dipole bearing, negative to positive lobe [deg] */
  readonly dipoleAngle: null | number
  /** Dipole fit chi2 (per dof in practice) */
  readonly dipoleChi2: null | number
  /** Pixels in dipole fit */
  readonly dipoleNdata: number
  /** Forced PSF flux on the science image [nJy] */
  readonly scienceFlux: null | number
  /** Error of scienceFlux [nJy] */
  readonly scienceFluxErr: null | number
  /** Forced fit for scienceFlux failed */
  readonly forced_PsfFlux_flag: null | boolean
  /** Forced fit too near the edge */
  readonly forced_PsfFlux_flag_edge: null | boolean
  /** No usable pixels for the forced fit */
  readonly forced_PsfFlux_flag_noGoodPixels: null | boolean
  /** Forced PSF flux on the template [nJy] */
  readonly templateFlux: null | number
  /** Error of templateFlux [nJy] */
  readonly templateFluxErr: null | number
  /** Source second moment xx [arcsec**2] */
  readonly ixx: null | number
  /** Source second moment yy [arcsec**2] */
  readonly iyy: null | number
  /** Source second moment xy [arcsec**2] */
  readonly ixy: null | number
  /** PSF second moment xx [arcsec**2] */
  readonly ixxPSF: null | number
  /** PSF second moment yy [arcsec**2] */
  readonly iyyPSF: null | number
  /** PSF second moment xy [arcsec**2] */
  readonly ixyPSF: null | number
  /** Shape failed */
  readonly shape_flag: null | boolean
  /** Shape had no pixels */
  readonly shape_flag_no_pixels: null | boolean
  /** Centre outside footprint box */
  readonly shape_flag_not_contained: null | boolean
  /** Is an undeblended parent */
  readonly shape_flag_parent_source: null | boolean
  /** 0 point-like .. 1 extended */
  readonly extendedness: null | number
  /** Real/bogus score 0..1 */
  readonly reliability: null | number
  /** Model version string */
  readonly reliabilityVersion: null | string
  /** Filter letter ugrizy */
  readonly band: null | string
  /** Classified as dipole */
  readonly isDipole: null | boolean
  /** Dipole fit was tried */
  readonly dipoleFitAttempted: null | boolean
  /** Row creation time MJD TAI [d] */
  readonly timeProcessedMjdTai: number
  /** Withdrawal time MJD TAI, null = valid [d] */
  readonly timeWithdrawnMjdTai: null | number
  /** Side of square box covering the footprint [pixel] */
  readonly bboxSize: number
  /** Pixel-flag measurement failed; other pixelFlags unreliable */
  readonly pixelFlags: null | boolean
  /** Bad pixel in footprint */
  readonly pixelFlags_bad: null | boolean
  /** Cosmic ray in footprint */
  readonly pixelFlags_cr: null | boolean
  /** Cosmic ray, 3x3 around centre */
  readonly pixelFlags_crCenter: null | boolean
  /** Footprint partly off usable area */
  readonly pixelFlags_edge: null | boolean
  /** No-data pixel in footprint */
  readonly pixelFlags_nodata: null | boolean
  /** No-data pixel, 3x3 around centre */
  readonly pixelFlags_nodataCenter: null | boolean
  /** Interpolated pixel in footprint */
  readonly pixelFlags_interpolated: null | boolean
  /** Interpolated pixel, 3x3 around centre */
  readonly pixelFlags_interpolatedCenter: null | boolean
  /** Centre off image */
  readonly pixelFlags_offimage: null | boolean
  /** Saturated pixel in footprint */
  readonly pixelFlags_saturated: null | boolean
  /** Saturated pixel, 3x3 around centre */
  readonly pixelFlags_saturatedCenter: null | boolean
  /** Suspect pixel in footprint */
  readonly pixelFlags_suspect: null | boolean
  /** Suspect pixel, 3x3 around centre */
  readonly pixelFlags_suspectCenter: null | boolean
  /** Streak pixel in footprint */
  readonly pixelFlags_streak: null | boolean
  /** Streak pixel, 3x3 around centre */
  readonly pixelFlags_streakCenter: null | boolean
  /** Injected fake pixel in footprint */
  readonly pixelFlags_injected: null | boolean
  /** Injected fake pixel, 3x3 around centre */
  readonly pixelFlags_injectedCenter: null | boolean
  /** Fake injected in template */
  readonly pixelFlags_injected_template: null | boolean
  /** Fake injected in template, 3x3 around centre */
  readonly pixelFlags_injected_templateCenter: null | boolean
  /** Member of a glint trail */
  readonly glint_trail: null | boolean
}

/** The orbit of a solar-system body as the Minor Planet Center publishes it. */
export interface MpcOrbits {
  /** Internal row id; 0 in alerts */
  readonly id: number
  /** Unpacked primary designation */
  readonly designation: string
  /** Packed designation */
  readonly packed_primary_provisional_designation: string
  /** Unpacked designation */
  readonly unpacked_primary_provisional_designation: string
  /** Full orbit JSON text */
  readonly mpc_orb_jsonb: null | string
  /** Row creation */
  readonly created_at: null | bigint
  /** Row update */
  readonly updated_at: null | bigint
  /** Orbit class code */
  readonly orbit_type_int: null | number
  /** Uncertainty parameter */
  readonly u_param: null | number
  /** Oppositions */
  readonly nopp: null | number
  /** Arc, all obs [d] */
  readonly arc_length_total: null | number
  /** Arc, used obs [d] */
  readonly arc_length_sel: null | number
  /** Observations known */
  readonly nobs_total: null | number
  /** Observations used */
  readonly nobs_total_sel: null | number
  /** Semi-major axis [AU] */
  readonly a: null | number
  /** Perihelion distance [AU] */
  readonly q: null | number
  /** Eccentricity */
  readonly e: null | number
  /** Inclination [deg] */
  readonly i: null | number
  /** Ascending node longitude [deg] */
  readonly node: null | number
  /** Argument of perihelion [deg] */
  readonly argperi: null | number
  /** Perihelion passage time [d] */
  readonly peri_time: null | number
  /** Yarkovsky term [1e-10.au.d-2] */
  readonly yarkovsky: null | number
  /** Radiation pressure term [m2.t-1] */
  readonly srp: null | number
  /** Non-grav A1 [m2.t-1] */
  readonly a1: null | number
  /** Non-grav A2 [m2.t-1] */
  readonly a2: null | number
  /** Non-grav A3 [m2.t-1] */
  readonly a3: null | number
  /** Non-grav delay */
  readonly dt: null | number
  /** Mean anomaly [deg] */
  readonly mean_anomaly: null | number
  /** Period [d] */
  readonly period: null | number
  /** Mean motion [deg.d-1] */
  readonly mean_motion: null | number
  /** Uncertainty of a [AU] */
  readonly a_unc: null | number
  /** Uncertainty of q [AU] */
  readonly q_unc: null | number
  /** Uncertainty of e */
  readonly e_unc: null | number
  /** Uncertainty of i [deg] */
  readonly i_unc: null | number
  /** Uncertainty of node [deg] */
  readonly node_unc: null | number
  /** Uncertainty of argperi [deg] */
  readonly argperi_unc: null | number
  /** Uncertainty of peri_time [d] */
  readonly peri_time_unc: null | number
  /** Uncertainty of yarkovsky [1e-10.au.d-2] */
  readonly yarkovsky_unc: null | number
  /** Uncertainty of srp [m2.t-1] */
  readonly srp_unc: null | number
  /** Uncertainty of a1 [m2.t-1] */
  readonly a1_unc: null | number
  /** Uncertainty of a2 [m2.t-1] */
  readonly a2_unc: null | number
  /** Uncertainty of a3 [m2.t-1] */
  readonly a3_unc: null | number
  /** Uncertainty of dt */
  readonly dt_unc: null | number
  /** Uncertainty of mean_anomaly [deg] */
  readonly mean_anomaly_unc: null | number
  /** Uncertainty of period [d] */
  readonly period_unc: null | number
  /** Uncertainty of mean_motion [deg.d-1] */
  readonly mean_motion_unc: null | number
  /** Epoch MJD [d] */
  readonly epoch_mjd: null | number
  /** H magnitude [mag] */
  readonly h: null | number
  /** G slope */
  readonly g: null | number
  /** Fit rms [arcsec] */
  readonly not_normalized_rms: null | number
  /** Normalised fit rms */
  readonly normalized_rms: null | number
  /** Earth MOID [AU] */
  readonly earth_moid: null | number
  /** Last fit time */
  readonly fitting_datetime: null | bigint
}

/** A detection attributed to a known solar-system body: where it was predicted and where it was. */
export interface SsSource {
  /** Detection id */
  readonly diaSourceId: bigint
  /** Solar-system object id (packed designation) */
  readonly ssObjectId: bigint
  /** Unpacked provisional designation */
  readonly designation: null | string
  /** Ecliptic longitude of the observation [deg] */
  readonly eclLambda: number
  /** Ecliptic latitude [deg] */
  readonly eclBeta: number
  /** Galactic longitude [deg] */
  readonly galLon: number
  /** Galactic latitude [deg] */
  readonly galLat: number
  /** Sun-observer-object angle [deg] */
  readonly elongation: null | number
  /** Sun-object-observer angle [deg] */
  readonly phaseAngle: null | number
  /** Observer distance [AU] */
  readonly topoRange: null | number
  /** Observer radial velocity, + receding [km/s] */
  readonly topoRangeRate: null | number
  /** Sun distance [AU] */
  readonly helioRange: null | number
  /** Sun radial velocity [km/s] */
  readonly helioRangeRate: null | number
  /** Predicted RA [deg] */
  readonly ephRa: null | number
  /** Predicted Dec [deg] */
  readonly ephDec: null | number
  /** Predicted V magnitude [mag] */
  readonly ephVmag: null | number
  /** Predicted sky rate [deg/d] */
  readonly ephRate: null | number
  /** Right ascension part of ephRate, times cos(dec) [deg/d] */
  readonly ephRateRa: null | number
  /** Declination part of ephRate [deg/d] */
  readonly ephRateDec: null | number
  /** Observed-predicted separation [arcsec] */
  readonly ephOffset: null | number
  /** Right ascension part of ephOffset, times cos(dec) [arcsec] */
  readonly ephOffsetRa: null | number
  /** Declination part of ephOffset [arcsec] */
  readonly ephOffsetDec: null | number
  /** Part of ephOffset along the predicted motion [arcsec] */
  readonly ephOffsetAlongTrack: null | number
  /** Part of ephOffset across the predicted motion [arcsec] */
  readonly ephOffsetCrossTrack: null | number
  /** Heliocentric x at light emission [AU] */
  readonly helio_x: null | number
  /** Heliocentric y at light emission [AU] */
  readonly helio_y: null | number
  /** Heliocentric z at light emission [AU] */
  readonly helio_z: null | number
  /** Heliocentric vx [km/s] */
  readonly helio_vx: null | number
  /** Heliocentric vy [km/s] */
  readonly helio_vy: null | number
  /** Heliocentric vz [km/s] */
  readonly helio_vz: null | number
  /** Heliocentric speed [km/s] */
  readonly helio_vtot: null | number
  /** Topocentric x at light emission [AU] */
  readonly topo_x: null | number
  /** Topocentric y at light emission [AU] */
  readonly topo_y: null | number
  /** Topocentric z at light emission [AU] */
  readonly topo_z: null | number
  /** Topocentric vx [km/s] */
  readonly topo_vx: null | number
  /** Topocentric vy [km/s] */
  readonly topo_vy: null | number
  /** Topocentric vz [km/s] */
  readonly topo_vz: null | number
  /** Topocentric speed [km/s] */
  readonly topo_vtot: null | number
  /** Closeness rank of this detection to the prediction, 1 = nearest */
  readonly diaDistanceRank: null | number
}

/** An announced group will not be used. */
export interface LogeventNextVisitCanceled {
  /** Time of publication, TAI unix seconds; 0 when not set. */
  readonly private_sndStamp: number
  /** Time of receipt, TAI unix seconds. */
  readonly private_rcvStamp: number
  /** Sequence number of the sample; not the image's. */
  readonly private_seqNum: bigint
  /** Publisher, for example ScriptQueue:2. */
  readonly private_identity: string
  /** Process id of the publisher. */
  readonly private_origin: bigint
  /** Revision hash of the topic. */
  readonly private_revCode: string
  /** Time of publication, UTC unix seconds; 0 when not set. */
  readonly private_efdStamp: number
  /** Time of delivery to Kafka, TAI unix seconds. */
  readonly private_kafkaStamp: number
  /** Queue that published. */
  readonly salIndex: bigint
  /** Script instance. */
  readonly scriptSalIndex: bigint
  /** The group that will not be used. */
  readonly groupId: string
}

/** Announcement of a visit, published before its first exposure. */
export interface LogeventNextVisit {
  /** Time of publication, TAI unix seconds; 0 when not set. */
  readonly private_sndStamp: number
  /** Time of receipt, TAI unix seconds. */
  readonly private_rcvStamp: number
  /** Sequence number of the sample; not the image's. */
  readonly private_seqNum: bigint
  /** Publisher, for example ScriptQueue:2. */
  readonly private_identity: string
  /** Process id of the publisher. */
  readonly private_origin: bigint
  /** Revision hash of the topic. */
  readonly private_revCode: string
  /** Time of publication, UTC unix seconds; 0 when not set. */
  readonly private_efdStamp: number
  /** Time of delivery to Kafka, TAI unix seconds. */
  readonly private_kafkaStamp: number
  /** Queue that published: 1 main telescope, 2 auxiliary telescope, 3 observatory control. */
  readonly salIndex: bigint
  /** Script instance. */
  readonly scriptSalIndex: bigint
  /** Observatory group; joins images to this event. */
  readonly groupId: string
  /** Of position: 1 NONE, 2 ICRS, 3 OBSERVED, 4 MOUNT. */
  readonly coordinateSystem: bigint
  /** Longitude and latitude, degrees; ignored where the system is NONE. */
  readonly position: readonly number[]
  /** Expected start, TAI unix seconds. */
  readonly startTime: number
  /** Of cameraAngle: 1 NONE, 2 SKY, 3 HORIZON, 4 MOUNT. */
  readonly rotationSystem: bigint
  /** Degrees; SKY: position angle of focal-plane +Y, north through east. */
  readonly cameraAngle: number
  /** Acceptable physical filters; blank means any. */
  readonly filters: string
  /** 1 CLOSED, 2 OPEN, 3 EITHER. */
  readonly dome: bigint
  /** Estimated duration of the script, seconds, without the slew. */
  readonly duration: number
  /** Expected number of snaps; 0 means unknown. */
  readonly nimages: bigint
  /** Short instrument name; blank means not an observation. */
  readonly instrument: string
  /** Observing block; may be empty. */
  readonly survey: string
  /** Checkpoints of the script; 0 means unknown. */
  readonly totalCheckpoints: bigint
}

/** A record that could not be processed, with its coordinates, its reason and its bytes. Key: as the record. */
export interface Parked {
  /** Stage that refused it. */
  readonly stage: string
  /** Topic. */
  readonly topic: string
  /** Partition. */
  readonly partition: number
  /** Offset. */
  readonly offset: bigint
  /** Kind of refusal, for example not-json. */
  readonly code: string
  /** A sentence for the operator. */
  readonly reason: string
  /** How often it had been parked before, plus one. */
  readonly attempt: number
  /** Its key. */
  readonly recordKey: null | Buffer
  /** Its value. */
  readonly recordValue: null | Buffer
  /** Its headers. */
  readonly headers: Readonly<Record<string, Buffer>>
}

export type Outcome = 'succeeded' | 'failed'

/** ICRS position. */
export interface SkyPoint {
  /** Degrees. */
  readonly ra: number
  /** Degrees. */
  readonly dec: number
}

/** PSF flux measured at a given position. */
export interface ForcedPhotometry {
  /** Preloaded object measured; null for a position of an own detection. */
  readonly diaObjectId: null | bigint
  /** Own detection measured; null for a preloaded object. */
  readonly diaSourceId: null | bigint
  /** Degrees. */
  readonly ra: number
  /** Degrees. */
  readonly dec: number
  /** nJy, on the difference. */
  readonly psfFlux: null | number
  /** nJy. */
  readonly psfFluxErr: null | number
  /** nJy, on the science image. */
  readonly scienceFlux: null | number
  /** nJy. */
  readonly scienceFluxErr: null | number
}

/** A range of bytes in the cutout object. */
export interface ByteSpan {
  /** First byte. */
  readonly offset: bigint
  /** Number of bytes. */
  readonly length: number
}

/** Where the stamps of one source lie. */
export interface SourceCutouts {
  /** The source. */
  readonly diaSourceId: bigint
  /** FITS. */
  readonly difference: ByteSpan
  /** FITS. */
  readonly science: ByteSpan
  /** FITS. */
  readonly template: ByteSpan
}

/** What a worker found on one unit, before association. Key: unit. */
export interface PipelineResult {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id. */
  readonly group: string
  /** Detector number. */
  readonly detector: number
  /** The attempt it belongs to. */
  readonly attempt: number
  /** The lease it ran under. */
  readonly epoch: number
  /** Who ran it. */
  readonly worker: string
  /** failed: no retry would help. */
  readonly outcome: Outcome
  /** Code of the failure, for example raw-unreadable. */
  readonly reason: null | string
  /** A sentence for the operator. */
  readonly detail: null | string
  /** The pipeline that ran. */
  readonly pipeline: null | string
  /** Visit id: the first exposure. */
  readonly visit: null | bigint
  /** Exposures processed. */
  readonly exposures: readonly bigint[]
  /** ugrizy. */
  readonly band: null | string
  /** Middle of the exposure, MJD TAI. */
  readonly midpointMjdTai: null | number
  /** Seconds. */
  readonly exposureTime: null | number
  /** Columns of the processed image. */
  readonly width: number
  /** Rows. */
  readonly height: number
  /** Corners of the image on the sky, counter-clockwise. */
  readonly boundary: readonly SkyPoint[]
  /** Why the exposure was taken (REASON of its header); null where that is blank. */
  readonly observationReason: null | string
  /** What was aimed at (OBJECT of its header); null where that is blank. */
  readonly targetName: null | string
  /** Known bodies of the solar system near the image, as the preload was told; null where nobody could tell. */
  readonly ephemerides: null | readonly Ephemeris[]
  /** Detections; association columns are null and timeProcessedMjdTai is 0 until the commit. */
  readonly sources: readonly DiaSource[]
  /** At every preloaded object on the chip and at every own detection. */
  readonly forced: readonly ForcedPhotometry[]
  /** Bucket of the cutout object. */
  readonly cutoutBucket: null | string
  /** Key of the cutout object: the stamps of all sources, one after the other. */
  readonly cutoutKey: null | string
  /** One entry per source. */
  readonly cutouts: readonly SourceCutouts[]
  /** Files stored. */
  readonly products: readonly Product[]
  /** Figures of the run by name; seconds end in Seconds. */
  readonly metrics: Readonly<Record<string, number>>
  /** When the lease was taken. */
  readonly leasedAt: null | number
  /** When the pipeline ended. */
  readonly finishedAt: null | number
}

/** A file that the pipeline stored under its attempt's prefix. */
export interface Product {
  /** Kind of data, for example difference_image. */
  readonly datasetType: string
  /** Bucket. */
  readonly bucket: string
  /** Object key. */
  readonly key: string
  /** Bytes. */
  readonly size: bigint
  /** Digest of the bytes, hex. */
  readonly sha256: string
}

/** One raw image in the object store, its unit known. Key: instrument/group/detector. */
export interface RawArrival {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id, from the sidecar or the key. */
  readonly group: string
  /** Detector number. */
  readonly detector: number
  /** Which snap of the group, from 0. */
  readonly snap: number
  /** Exposure id, YYYYMMDDnnnnn. */
  readonly exposure: bigint
  /** Bucket. */
  readonly bucket: string
  /** Object key, decoded. */
  readonly key: string
  /** Bytes, when the notification said so. */
  readonly size: null | bigint
  /** Entity tag, when the notification said so. */
  readonly eTag: null | string
}

/** A raw that entered after its window had closed. Key: unit. */
export interface RawLate {
  /** The raw. */
  readonly raw: RawArrival
  /** The deadline it missed. */
  readonly deadline: null | number
  /** The attempt whose window had closed. */
  readonly attempt: number
}

/** A raw found by listing. */
export interface FoundRaw {
  /** Last modification of the object. */
  readonly at: number
  /** The raw. */
  readonly raw: RawArrival
}

/** The answer to raw-wanted, whole: answer and arrivals can never be split. Key: unit. */
export interface RawListed {
  /** The attempt that asked. */
  readonly attempt: number
  /** What the bucket holds for the unit, by (at, exposure). */
  readonly found: readonly FoundRaw[]
}

/** A raw that nobody announced within the hold. Key: unit. */
export interface RawUnclaimed {
  /** The raw. */
  readonly raw: RawArrival
}

/** A window past its deadline asks what is really in the bucket. Key: unit. */
export interface RawWanted {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id. */
  readonly group: string
  /** Detector number. */
  readonly detector: number
  /** The attempt that asks: 0 live, else the replay id. */
  readonly attempt: number
  /** Count objects modified up to here; null in a reopened window: all count. */
  readonly until: null | number
  /** When the announcement entered: older exposures are of no interest. */
  readonly announcedAt: number
  /** When the window closes, or closed before it was reopened: the night of its last exposures; null in older requests. */
  readonly deadline: null | number
}

/** The products of one committed attempt are registered in the central repository. Key: instrument/group/detector. */
export interface RepositoryIngested {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id. */
  readonly group: string
  /** Detector number. */
  readonly detector: number
  /** The attempt that was committed. */
  readonly attempt: number
  /** Visit id. */
  readonly visit: bigint
  /** The run that holds the datasets. */
  readonly run: string
  /** Their ids, UUIDs as text, in the order of the products. */
  readonly datasets: readonly string[]
}

export type SummaryKind = 'complete' | 'partial' | 'late'

/** How one detector ended. */
export interface DetectorEnd {
  /** Detector. */
  readonly detector: number
  /** Attempt. */
  readonly attempt: number
  /** State. */
  readonly state: TerminalState
  /** Alerts sent. */
  readonly alerts: number
  /** Visit id, where a raw of it had come. */
  readonly visit: null | bigint
}

/** How a visit went; a higher number replaces a lower one. Key: instrument/group. */
export interface VisitSummary {
  /** Short instrument name. */
  readonly instrument: string
  /** Observatory group id. */
  readonly group: string
  /** Counts the summaries of the visit from 1. */
  readonly number: number
  /** partial: the window closed before every detector had ended; late: a result came after. */
  readonly kind: SummaryKind
  /** The announcement. */
  readonly announcement: Announcement
  /** When the units' windows closed at the latest. */
  readonly deadline: number
  /** By detector. */
  readonly results: readonly DetectorEnd[]
  /** Detectors without a result yet. */
  readonly missing: readonly number[]
  /** Detectors that were off: they have no unit, and nothing is missing of them. */
  readonly masked: readonly MaskedDetector[]
}

/** A detector that was off when the visit was announced. */
export interface MaskedDetector {
  /** Detector number. */
  readonly detector: number
  /** Why it is off. */
  readonly reason: string
}

/** One announced visit, for those who count its detectors. Key: instrument/group. */
export interface Visit {
  /** The announcement. */
  readonly announcement: Announcement
  /** Detectors with a unit of work in this visit, ascending; each ends in one detector-result per attempt. */
  readonly detectors: readonly number[]
  /** Detectors that were off. */
  readonly masked: readonly MaskedDetector[]
  /** When the windows of its units close. */
  readonly deadline: number
}

/** Contract by file name. */
export interface Contracts {
  'alerts-ledger': AlertsLedger
  'alerts-retracted': AlertRetracted
  'announcement': Announcement
  'audit': Audit
  'control': Control
  'detector-job': DetectorJob
  'detector-result': DetectorResult
  'detector-visit': DetectorVisit
  'ephemeris': Ephemeris
  'lsst.prompt.detectorLatency': DetectorLatency
  'lsst.prompt.detectorOutcome': DetectorOutcome
  'lsst.prompt.visitOutcome': VisitOutcome
  'lsst.v11_1.alert': Alert
  'lsst.v11_1.diaForcedSource': DiaForcedSource
  'lsst.v11_1.diaObject': DiaObject
  'lsst.v11_1.diaSource': DiaSource
  'lsst.v11_1.mpc_orbits': MpcOrbits
  'lsst.v11_1.ssSource': SsSource
  'next-visit-canceled': LogeventNextVisitCanceled
  'next-visit': LogeventNextVisit
  'parked': Parked
  'pipeline-result': PipelineResult
  'product': Product
  'raw-arrival': RawArrival
  'raw-late': RawLate
  'raw-listed': RawListed
  'raw-unclaimed': RawUnclaimed
  'raw-wanted': RawWanted
  'repository-ingested': RepositoryIngested
  'visit-summary': VisitSummary
  'visit': Visit
}

/** The schemas as they lie in the files. */
export const contractSources: Readonly<Record<keyof Contracts, unknown>> = {
  'alerts-ledger': {"type":"record","name":"AlertsLedger","namespace":"prompt","doc":"That alerts of one unit are out. Key: instrument/group/detector@attempt, and #order where an operator's order was carried out.","fields":[{"name":"alerts","type":"int","doc":"How many alerts, or retractions."},{"name":"digest","type":"string","doc":"SHA-256 over their bytes in order, hex."},{"name":"committedAtMjdTai","type":"double","doc":"The commit they belong to."},{"name":"bytes","type":"long","doc":"How many bytes, all together, framed.","default":0}]},
  'alerts-retracted': {"type":"record","name":"AlertRetracted","namespace":"prompt","doc":"An alert that was sent and is called back: its source is withdrawn from the APDB. Key: diaSourceId, in decimal.","fields":[{"name":"diaSourceId","type":"long","doc":"The alert's id."},{"name":"timeWithdrawnMjdTai","type":"double","doc":"What the source has in its field of that name since then, MJD TAI."},{"name":"reason","type":"string","doc":"Why."},{"name":"by","type":"string","doc":"Who gave the order."},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When it was given."}]},
  'announcement': {"type":"record","name":"Announcement","namespace":"prompt","doc":"What the observatory said it would do, checked and normalised by fan-out; every unit of the visit carries it.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name, for example LATISS."},{"name":"group","type":"string","doc":"The observatory group id: opaque, joins images to the announcement."},{"name":"salIndex","type":"int","doc":"ScriptQueue that published: 1 main telescope, 2 auxiliary telescope, 3 observatory control."},{"name":"scriptSalIndex","type":"int","doc":"Script instance."},{"name":"ra","type":["null","double"],"doc":"Boresight right ascension, ICRS degrees in [0, 360); null where the coordinate system is NONE.","default":null},{"name":"dec","type":["null","double"],"doc":"Boresight declination, ICRS degrees; null where the coordinate system is NONE.","default":null},{"name":"rotation","type":["null","double"],"doc":"Position angle of focal-plane +Y, degrees north through east; null where the rotation system is NONE.","default":null},{"name":"filters","type":"string","doc":"Physical filter; blank means any."},{"name":"dome","type":{"type":"enum","name":"Dome","namespace":"prompt","symbols":["CLOSED","OPEN","EITHER"]},"doc":"Required state of the dome."},{"name":"duration","type":"double","doc":"Estimated duration of the script, seconds, without the slew."},{"name":"nimages","type":"int","doc":"Number of snaps expected; 0 means not known in advance."},{"name":"survey","type":"string","doc":"Observing block; may be empty."},{"name":"totalCheckpoints","type":"int","doc":"Checkpoints of the script; 0 means unknown."},{"name":"startTimeTai","type":"double","doc":"Expected start, TAI unix seconds."},{"name":"publishedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When the announcement was published (UTC); null where its stamp was zero.","default":null}]},
  'audit': {"type":"record","name":"Audit","namespace":"prompt","doc":"An action of an operator. Key: who.","fields":[{"name":"action","type":"string","doc":"What."},{"name":"by","type":"string","doc":"Who."},{"name":"reason","type":"string","doc":"Why."},{"name":"detail","type":"string","doc":"Plan and outcome as JSON."}]},
  'control': {"type":"record","name":"Control","namespace":"prompt","doc":"An order of the operators. Key: instrument.","fields":[{"name":"kind","type":{"type":"enum","name":"ControlKind","namespace":"prompt","symbols":["mask","unmask","hold","release"]},"doc":"mask: the detector is off for visits announced from now on. hold: time is withheld from the whole topology until it is released or `until` has come."},{"name":"instrument","type":"string","doc":"Short instrument name; empty in an order about time."},{"name":"detector","type":["null","int"],"doc":"Detector; null means every detector: a pause.","default":null},{"name":"reason","type":"string","doc":"Why."},{"name":"by","type":"string","doc":"Who."},{"name":"until","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When a mask or a hold ends by itself; a hold must say it.","default":null}]},
  'detector-job': {"type":"record","name":"DetectorJob","namespace":"prompt","doc":"A numbered decision about one unit. A higher (attempt, number) replaces a lower one. Key: unit.","fields":[{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"0 live, else the replay id."},{"name":"number","type":"int","doc":"Counts the decisions of this attempt from 1."},{"name":"kind","type":{"type":"enum","name":"DecisionKind","namespace":"prompt","symbols":["announced","withdrawn","ready","missed","cancelled","ignored"]},"doc":"announced and withdrawn are hints; the others are final for the attempt."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"announcement","type":"prompt.Announcement","doc":"The announcement."},{"name":"pipelines","type":{"type":"array","items":"string"},"doc":"Pipelines to try, best first."},{"name":"inputs","type":["null",{"type":"enum","name":"Inputs","namespace":"prompt","symbols":["complete","partial"]}],"doc":"Set when ready.","default":null},{"name":"raws","type":{"type":"array","items":{"type":"record","name":"UsedRaw","namespace":"prompt","doc":"A raw that counts, and when it entered.","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When it entered the system."},{"name":"raw","type":"prompt.RawArrival","doc":"The raw."}]}},"doc":"The raws to process, by (at, exposure)."},{"name":"deadline","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When the window closes."},{"name":"reason","type":["null","string"],"doc":"Why, for kinds that need a sentence.","default":null},{"name":"announcedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When the announcement entered the system; null in decisions that were written before this was said.","default":null}]},
  'detector-result': {"type":"record","name":"DetectorResult","namespace":"prompt","doc":"How one attempt at one unit ended: exactly one per unit and attempt. Key: instrument/group.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt."},{"name":"state","type":{"type":"enum","name":"TerminalState","namespace":"prompt","symbols":["published","missed","cancelled","ignored","failed","expired","deferred"]},"doc":"published: committed to the APDB and its alerts, if any, are out."},{"name":"inputs","type":["null","prompt.Inputs"],"doc":"complete or partial, where it ran.","default":null},{"name":"reason","type":["null","string"],"doc":"Code, where it did not end published.","default":null},{"name":"detail","type":["null","string"],"doc":"A sentence for the operator.","default":null},{"name":"visit","type":["null","long"],"doc":"Visit id.","default":null},{"name":"exposures","type":{"type":"array","items":"long"},"doc":"Exposures processed."},{"name":"pipeline","type":["null","string"],"doc":"Pipeline that ran.","default":null},{"name":"diaSources","type":"int","doc":"Rows written."},{"name":"diaObjects","type":"int","doc":"New objects."},{"name":"alerts","type":"int","doc":"Alerts sent."},{"name":"products","type":{"type":"array","items":"prompt.Product"},"doc":"Files of the committed attempt."},{"name":"deadline","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When its window closed at the latest."},{"name":"announcedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Announcement entered.","default":null},{"name":"lastRawAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Last raw that counted entered.","default":null},{"name":"readyAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Leasable.","default":null},{"name":"leasedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Lease taken.","default":null},{"name":"reportedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Report received.","default":null},{"name":"terminalAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Terminal state committed.","default":null},{"name":"epoch","type":["null","int"],"doc":"published: the lease whose report was committed; null in records of before.","default":null},{"name":"committedAtMjdTai","type":["null","double"],"doc":"published: validity start of the rows it wrote, MJD TAI; the order of commits.","default":null}]},
  'detector-visit': {"type":"record","name":"DetectorVisit","namespace":"prompt","doc":"What fan-out says about one unit of work. Key: instrument/group/detector.","fields":[{"name":"kind","type":{"type":"enum","name":"DetectorVisitKind","namespace":"prompt","symbols":["announced","withdrawn"]},"doc":"withdrawn: the observatory cancelled the group; a raw in time still beats it."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"announcement","type":"prompt.Announcement","doc":"The announcement."},{"name":"verdict","type":{"type":"enum","name":"Verdict","namespace":"prompt","symbols":["wanted","ignored","masked"]},"doc":"Whether any pipeline wants this unit; masked: the detector is off."},{"name":"reason","type":["null","string"],"doc":"Why the unit is ignored, masked or withdrawn.","default":null},{"name":"pipelines","type":{"type":"array","items":"string"},"doc":"Pipelines to try, best first; empty unless wanted."},{"name":"deadline","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When the window closes: min(published, arrived) + 2 x duration + image timeout."}]},
  'ephemeris': {"type":"record","name":"Ephemeris","namespace":"prompt","doc":"Where a known body of the solar system is predicted to be at one moment, and its orbit.","fields":[{"name":"epochMjdTai","type":"double","doc":"The moment of observation that it is for, MJD TAI; it holds for the minutes around it."},{"name":"vmag","type":["null","float"],"doc":"Predicted V magnitude.","default":null},{"name":"helio","type":{"type":"record","name":"StateVector","namespace":"prompt","doc":"Position and velocity in the axes of ICRS.","fields":[{"name":"x","type":"double","doc":"AU."},{"name":"y","type":"double","doc":"AU."},{"name":"z","type":"double","doc":"AU."},{"name":"vx","type":"double","doc":"km/s."},{"name":"vy","type":"double","doc":"km/s."},{"name":"vz","type":"double","doc":"km/s."}]},"doc":"From the Sun, when the light left the body."},{"name":"topo","type":"prompt.StateVector","doc":"From the observer, when the light left the body: its direction is the astrometric place."},{"name":"orbit","type":"lsst.v11_1.mpc_orbits","doc":"Row of the body in the catalogue of orbits."}]},
  'lsst.prompt.detectorLatency': {"type":"record","name":"detectorLatency","namespace":"lsst.prompt","doc":"Where the time of one attempt at one unit went. null where one of the two moments never came: there is nothing to measure, and no zero that would pass for a measurement. Fields may be added at the end, never changed. Key: instrument/group/detector.","fields":[{"name":"timestamp","type":"double","doc":"Unix seconds, UTC: the end."},{"name":"id","type":"string","doc":"UUID of the record: the same whenever it is made again, so that a duplicate can be told."},{"name":"run","type":"string","doc":"Output run of the products; empty where there are none."},{"name":"dataset_type","type":"string","doc":"Kind of metric: the topic's name without its namespace."},{"name":"dataset_tag","type":"string","doc":"Live, as all that is measured while it happens."},{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"visit","type":"string","doc":"Visit id; empty where no raw had come."},{"name":"detector","type":"string","doc":"Detector number; empty for a visit as a whole."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"day_obs","type":"string","doc":"Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline."},{"name":"band","type":"string","doc":"Band; empty where it is not known."},{"name":"physical_filter","type":"string","doc":"Physical filter; empty where it is not known."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"0 live, else the replay: when it was ordered."},{"name":"state","type":"string","doc":"How it ended: published, missed, cancelled, ignored, failed, expired, deferred."},{"name":"inputs","type":"string","doc":"complete or partial; empty where it did not run."},{"name":"announcedToReady","type":["null","double"],"doc":"Seconds from the announcement's entering to a leasable unit.","default":null},{"name":"lastRawToReady","type":["null","double"],"doc":"Seconds from the last raw's entering to a leasable unit.","default":null},{"name":"readyToLeased","type":["null","double"],"doc":"Seconds of waiting for a worker.","default":null},{"name":"leasedToReported","type":["null","double"],"doc":"Seconds of work.","default":null},{"name":"reportedToTerminal","type":["null","double"],"doc":"Seconds from the report to the commit.","default":null},{"name":"lastRawToTerminal","type":["null","double"],"doc":"Seconds from the last raw's entering to the end: what the requirement on alerts is held against.","default":null},{"name":"deadlineToTerminal","type":["null","double"],"doc":"Seconds from the deadline of the window to the end; negative where it ended before.","default":null}]},
  'lsst.prompt.detectorOutcome': {"type":"record","name":"detectorOutcome","namespace":"lsst.prompt","doc":"How one attempt at one unit ended, as a metric of the observatory. Fields may be added at the end, never changed. Key: instrument/group/detector.","fields":[{"name":"timestamp","type":"double","doc":"Unix seconds, UTC: the end."},{"name":"id","type":"string","doc":"UUID of the record: the same whenever it is made again, so that a duplicate can be told."},{"name":"run","type":"string","doc":"Output run of the products; empty where there are none."},{"name":"dataset_type","type":"string","doc":"Kind of metric: the topic's name without its namespace."},{"name":"dataset_tag","type":"string","doc":"Live, as all that is measured while it happens."},{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"visit","type":"string","doc":"Visit id; empty where no raw had come."},{"name":"detector","type":"string","doc":"Detector number; empty for a visit as a whole."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"day_obs","type":"string","doc":"Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline."},{"name":"band","type":"string","doc":"Band; empty where it is not known."},{"name":"physical_filter","type":"string","doc":"Physical filter; empty where it is not known."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"0 live, else the replay: when it was ordered."},{"name":"state","type":"string","doc":"How it ended: published, missed, cancelled, ignored, failed, expired, deferred."},{"name":"inputs","type":"string","doc":"complete or partial; empty where it did not run."},{"name":"reason","type":"string","doc":"Code, where it did not end published; else empty."},{"name":"pipeline","type":"string","doc":"Pipeline that ran; empty where none did."},{"name":"exposures","type":"int","doc":"Exposures processed."},{"name":"products","type":"int","doc":"Files stored."},{"name":"diaSources","type":"int","doc":"Rows written."},{"name":"diaObjects","type":"int","doc":"New objects."},{"name":"alerts","type":"int","doc":"Alerts sent."}]},
  'lsst.prompt.visitOutcome': {"type":"record","name":"visitOutcome","namespace":"lsst.prompt","doc":"How a visit went, as a metric of the observatory; a higher number replaces a lower one. Fields may be added at the end, never changed. Key: instrument/group.","fields":[{"name":"timestamp","type":"double","doc":"Unix seconds, UTC: the latest that the summary tells of."},{"name":"id","type":"string","doc":"UUID of the record: the same whenever it is made again, so that a duplicate can be told."},{"name":"run","type":"string","doc":"Output run of the products; empty where there are none."},{"name":"dataset_type","type":"string","doc":"Kind of metric: the topic's name without its namespace."},{"name":"dataset_tag","type":"string","doc":"Live, as all that is measured while it happens."},{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"visit","type":"string","doc":"Visit id; empty where no raw had come."},{"name":"detector","type":"string","doc":"Detector number; empty for a visit as a whole."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"day_obs","type":"string","doc":"Day of observation, YYYYMMDD, of the visit's first exposure; where none came, of the deadline."},{"name":"band","type":"string","doc":"Band; empty where it is not known."},{"name":"physical_filter","type":"string","doc":"Physical filter; empty where it is not known."},{"name":"survey","type":"string","doc":"Observing block; may be empty."},{"name":"kind","type":"string","doc":"complete, partial or late."},{"name":"number","type":"int","doc":"Counts the summaries of the visit from 1."},{"name":"detectors","type":"int","doc":"Detectors with a unit of work."},{"name":"published","type":"int","doc":"Detectors that ended published."},{"name":"missed","type":"int","doc":"Detectors that ended missed."},{"name":"cancelled","type":"int","doc":"Detectors that ended cancelled."},{"name":"ignored","type":"int","doc":"Detectors that ended ignored."},{"name":"failed","type":"int","doc":"Detectors that ended failed."},{"name":"expired","type":"int","doc":"Detectors that ended expired."},{"name":"deferred","type":"int","doc":"Detectors that ended deferred."},{"name":"missing","type":"int","doc":"Detectors without a result yet."},{"name":"masked","type":"int","doc":"Detectors that were off."},{"name":"alerts","type":"long","doc":"Alerts sent."},{"name":"deadlineToSummary","type":"double","doc":"Seconds from the units' deadline to the latest that the summary tells of; negative where all had ended before."}]},
  'lsst.v11_1.alert': {"type":"record","name":"alert","namespace":"lsst.v11_1","doc":"One detection on a difference image, with what is known about where it was seen: the packet that goes out to the brokers.","fields":[{"name":"diaSourceId","type":"long","doc":"Id of the detection that triggered the packet; acts as the alert id"},{"name":"observation_reason","type":["null","string"],"doc":"Scheduler reason string of the exposure","default":null},{"name":"target_name","type":["null","string"],"doc":"Scheduler target string of the exposure","default":null},{"name":"diaSource","type":"lsst.v11_1.diaSource","doc":"The triggering detection"},{"name":"prvDiaSources","type":["null",{"type":"array","items":"lsst.v11_1.diaSource"}],"doc":"Earlier detections of the same object (trigger excluded)","default":null},{"name":"prvDiaForcedSources","type":["null",{"type":"array","items":"lsst.v11_1.diaForcedSource"}],"doc":"Forced photometry history incl. the current visit when measured","default":null},{"name":"diaObject","type":["null","lsst.v11_1.diaObject"],"doc":"Object the trigger was associated with","default":null},{"name":"ssSource","type":["null","lsst.v11_1.ssSource"],"doc":"Solar-system association data of the trigger","default":null},{"name":"mpc_orbits","type":["null","lsst.v11_1.mpc_orbits"],"doc":"Orbit row of the associated solar-system body","default":null},{"name":"cutoutDifference","type":["null","bytes"],"doc":"FITS bytes, difference image stamp","default":null},{"name":"cutoutScience","type":["null","bytes"],"doc":"FITS bytes, calibrated science image stamp","default":null},{"name":"cutoutTemplate","type":["null","bytes"],"doc":"FITS bytes, template stamp","default":null}]},
  'lsst.v11_1.diaForcedSource': {"type":"record","name":"diaForcedSource","namespace":"lsst.v11_1","doc":"Flux measured at the place of a known object, whether or not it was detected there.","fields":[{"name":"diaForcedSourceId","type":"long","doc":"Forced measurement id"},{"name":"diaObjectId","type":"long","doc":"Object measured"},{"name":"ra","type":"double","doc":"Object position used, RA [deg]"},{"name":"dec","type":"double","doc":"Object position used, Dec [deg]"},{"name":"visit","type":"long","doc":"Visit id"},{"name":"detector","type":"int","doc":"Detector number"},{"name":"psfFlux","type":["null","float"],"doc":"Forced PSF flux on the difference [nJy]","default":null},{"name":"psfFluxErr","type":["null","float"],"doc":"Error of psfFlux [nJy]","default":null},{"name":"midpointMjdTai","type":"double","doc":"Mid-exposure MJD TAI [d]"},{"name":"scienceFlux","type":["null","float"],"doc":"Forced PSF flux on the science image [nJy]","default":null},{"name":"scienceFluxErr","type":["null","float"],"doc":"Error of scienceFlux [nJy]","default":null},{"name":"band","type":["null","string"],"doc":"Filter letter","default":null},{"name":"timeProcessedMjdTai","type":"double","doc":"Row creation time [d]"},{"name":"timeWithdrawnMjdTai","type":["null","double"],"doc":"Withdrawal time, null = valid [d]","default":null}],"confluent:version":1101},
  'lsst.v11_1.diaObject': {"type":"record","name":"diaObject","namespace":"lsst.v11_1","doc":"Detections at one place on the sky taken as one object, and statistics over them.","fields":[{"name":"diaObjectId","type":"long","doc":"Object id"},{"name":"validityStartMjdTai","type":"double","doc":"Processing time this version became valid, MJD TAI [d]"},{"name":"ra","type":"double","doc":"Object RA [deg]"},{"name":"raErr","type":["null","float"],"doc":"RA error times cos(dec) [deg]","default":null},{"name":"dec","type":"double","doc":"Object Dec [deg]"},{"name":"decErr","type":["null","float"],"doc":"Dec error [deg]","default":null},{"name":"ra_dec_Cov","type":["null","float"],"doc":"Position covariance [deg**2]","default":null},{"name":"u_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, u [nJy]","default":null},{"name":"u_psfFluxMeanErr","type":["null","float"],"doc":"Error of u_psfFluxMean [nJy]","default":null},{"name":"u_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"u_psfFluxNdata","type":"int","doc":"Number of detections in u behind the statistics"},{"name":"u_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, u [nJy]","default":null},{"name":"u_fpFluxMeanErr","type":["null","float"],"doc":"Error of u_fpFluxMean [nJy]","default":null},{"name":"g_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, g [nJy]","default":null},{"name":"g_psfFluxMeanErr","type":["null","float"],"doc":"Error of g_psfFluxMean [nJy]","default":null},{"name":"g_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"g_psfFluxNdata","type":"int","doc":"Number of detections in g behind the statistics"},{"name":"g_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, g [nJy]","default":null},{"name":"g_fpFluxMeanErr","type":["null","float"],"doc":"Error of g_fpFluxMean [nJy]","default":null},{"name":"r_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, r [nJy]","default":null},{"name":"r_psfFluxMeanErr","type":["null","float"],"doc":"Error of r_psfFluxMean [nJy]","default":null},{"name":"r_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"r_psfFluxNdata","type":"int","doc":"Number of detections in r behind the statistics"},{"name":"r_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, r [nJy]","default":null},{"name":"r_fpFluxMeanErr","type":["null","float"],"doc":"Error of r_fpFluxMean [nJy]","default":null},{"name":"i_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, i [nJy]","default":null},{"name":"i_psfFluxMeanErr","type":["null","float"],"doc":"Error of i_psfFluxMean [nJy]","default":null},{"name":"i_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"i_psfFluxNdata","type":"int","doc":"Number of detections in i behind the statistics"},{"name":"i_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, i [nJy]","default":null},{"name":"i_fpFluxMeanErr","type":["null","float"],"doc":"Error of i_fpFluxMean [nJy]","default":null},{"name":"z_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, z [nJy]","default":null},{"name":"z_psfFluxMeanErr","type":["null","float"],"doc":"Error of z_psfFluxMean [nJy]","default":null},{"name":"z_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"z_psfFluxNdata","type":"int","doc":"Number of detections in z behind the statistics"},{"name":"z_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, z [nJy]","default":null},{"name":"z_fpFluxMeanErr","type":["null","float"],"doc":"Error of z_fpFluxMean [nJy]","default":null},{"name":"y_psfFluxMean","type":["null","float"],"doc":"Inverse-variance mean difference PSF flux, y [nJy]","default":null},{"name":"y_psfFluxMeanErr","type":["null","float"],"doc":"Error of y_psfFluxMean [nJy]","default":null},{"name":"y_psfFluxSigma","type":["null","float"],"doc":"Sample standard deviation (n-1) [nJy]","default":null},{"name":"y_psfFluxNdata","type":"int","doc":"Number of detections in y behind the statistics"},{"name":"y_fpFluxMean","type":["null","float"],"doc":"Mean forced flux, y [nJy]","default":null},{"name":"y_fpFluxMeanErr","type":["null","float"],"doc":"Error of y_fpFluxMean [nJy]","default":null},{"name":"u_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, u [nJy]","default":null},{"name":"u_scienceFluxMeanErr","type":["null","float"],"doc":"Error of u_scienceFluxMean [nJy]","default":null},{"name":"g_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, g [nJy]","default":null},{"name":"g_scienceFluxMeanErr","type":["null","float"],"doc":"Error of g_scienceFluxMean [nJy]","default":null},{"name":"r_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, r [nJy]","default":null},{"name":"r_scienceFluxMeanErr","type":["null","float"],"doc":"Error of r_scienceFluxMean [nJy]","default":null},{"name":"i_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, i [nJy]","default":null},{"name":"i_scienceFluxMeanErr","type":["null","float"],"doc":"Error of i_scienceFluxMean [nJy]","default":null},{"name":"z_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, z [nJy]","default":null},{"name":"z_scienceFluxMeanErr","type":["null","float"],"doc":"Error of z_scienceFluxMean [nJy]","default":null},{"name":"y_scienceFluxMean","type":["null","float"],"doc":"Inverse-variance mean of scienceFlux, y [nJy]","default":null},{"name":"y_scienceFluxMeanErr","type":["null","float"],"doc":"Error of y_scienceFluxMean [nJy]","default":null},{"name":"u_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, u [nJy]","default":null},{"name":"u_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, u [nJy]","default":null},{"name":"u_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"u_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"g_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, g [nJy]","default":null},{"name":"g_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, g [nJy]","default":null},{"name":"g_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"g_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"r_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, r [nJy]","default":null},{"name":"r_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, r [nJy]","default":null},{"name":"r_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"r_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"i_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, i [nJy]","default":null},{"name":"i_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, i [nJy]","default":null},{"name":"i_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"i_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"z_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, z [nJy]","default":null},{"name":"z_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, z [nJy]","default":null},{"name":"z_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"z_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"y_psfFluxMin","type":["null","float"],"doc":"Minimum psfFlux, y [nJy]","default":null},{"name":"y_psfFluxMax","type":["null","float"],"doc":"Maximum psfFlux, y [nJy]","default":null},{"name":"y_psfFluxMaxSlope","type":["null","float"],"doc":"Largest adjacent-pair dflux/dt (signed) [nJy/d]","default":null},{"name":"y_psfFluxErrMean","type":["null","float"],"doc":"Plain mean of psfFluxErr [nJy]","default":null},{"name":"firstDiaSourceMjdTai","type":["null","double"],"doc":"Time of first detection [d]","default":null},{"name":"lastDiaSourceMjdTai","type":["null","double"],"doc":"Time of latest non-forced detection [d]","default":null},{"name":"nDiaSources","type":"int","doc":"Number of associated detections"}],"confluent:version":1101},
  'lsst.v11_1.diaSource': {"type":"record","name":"diaSource","namespace":"lsst.v11_1","doc":"A detection on a difference image, measured.","fields":[{"name":"diaSourceId","type":"long","doc":"Detection id"},{"name":"visit","type":"long","doc":"Visit id"},{"name":"detector","type":"int","doc":"Detector number"},{"name":"diaObjectId","type":["null","long"],"doc":"Associated object id; 0 or null = none","default":null},{"name":"ssObjectId","type":["null","long"],"doc":"Associated solar-system id; 0 or null = none","default":null},{"name":"parentDiaSourceId","type":["null","long"],"doc":"Deblend parent id; 0 or null = none","default":null},{"name":"midpointMjdTai","type":"double","doc":"Mid-exposure time, MJD TAI [d]"},{"name":"exposureTime","type":["null","float"],"doc":"Effective exposure length [s]","default":null},{"name":"ra","type":"double","doc":"ICRS right ascension [deg]"},{"name":"raErr","type":["null","float"],"doc":"RA error, already times cos(dec) [deg]","default":null},{"name":"dec","type":"double","doc":"ICRS declination [deg]"},{"name":"decErr","type":["null","float"],"doc":"Dec error [deg]","default":null},{"name":"ra_dec_Cov","type":["null","float"],"doc":"RA*cos(dec)/Dec covariance [deg**2]","default":null},{"name":"x","type":"float","doc":"Centroid column [pixel]"},{"name":"xErr","type":["null","float"],"doc":"Error of x [pixel]","default":null},{"name":"y","type":"float","doc":"Centroid row [pixel]"},{"name":"yErr","type":["null","float"],"doc":"Error of y [pixel]","default":null},{"name":"centroid_flag","type":["null","boolean"],"doc":"Centroid fit failed","default":null},{"name":"apFlux","type":["null","float"],"doc":"12-pixel-radius aperture flux on the difference [nJy]","default":null},{"name":"apFluxErr","type":["null","float"],"doc":"Error of apFlux [nJy]","default":null},{"name":"apFlux_flag","type":["null","boolean"],"doc":"Aperture photometry failed","default":null},{"name":"apFlux_flag_apertureTruncated","type":["null","boolean"],"doc":"Aperture ran off the image","default":null},{"name":"isNegative","type":["null","boolean"],"doc":"Negative detection","default":null},{"name":"snr","type":["null","float"],"doc":"Detection significance","default":null},{"name":"psfFlux","type":["null","float"],"doc":"PSF flux on the difference [nJy]","default":null},{"name":"psfFluxErr","type":["null","float"],"doc":"Error of psfFlux [nJy]","default":null},{"name":"psfLnL","type":["null","float"],"doc":"PSF fit log-likelihood","default":null},{"name":"psfChi2","type":["null","float"],"doc":"PSF fit chi2","default":null},{"name":"psfNdata","type":"int","doc":"Pixels in PSF fit"},{"name":"psfFlux_flag","type":["null","boolean"],"doc":"PSF fit failed","default":null},{"name":"psfFlux_flag_edge","type":["null","boolean"],"doc":"Too near the edge for full PSF","default":null},{"name":"psfFlux_flag_noGoodPixels","type":["null","boolean"],"doc":"No usable pixels for PSF fit","default":null},{"name":"trailFlux","type":["null","float"],"doc":"Trail model flux [nJy]","default":null},{"name":"trailFluxErr","type":["null","float"],"doc":"Error of trailFlux [nJy]","default":null},{"name":"trailRa","type":["null","double"],"doc":"Trail centroid RA [deg]","default":null},{"name":"trailRaErr","type":["null","float"],"doc":"Error of trailRa, already times cos(dec) [deg]","default":null},{"name":"trailDec","type":["null","double"],"doc":"Trail centroid Dec [deg]","default":null},{"name":"trailDecErr","type":["null","float"],"doc":"Error of trailDec [deg]","default":null},{"name":"trailLength","type":["null","float"],"doc":"Trail length [arcsec]","default":null},{"name":"trailLengthErr","type":["null","float"],"doc":"Error of trailLength [arcsec]","default":null},{"name":"trailAngle","type":["null","float"],"doc":"Trail position angle [deg]","default":null},{"name":"trailAngleErr","type":["null","float"],"doc":"Error of trailAngle [deg]","default":null},{"name":"trailChi2","type":["null","float"],"doc":"Trail fit chi2","default":null},{"name":"trailNdata","type":"int","doc":"Pixels in trail fit"},{"name":"trailAlgorithm","type":["null","int"],"doc":"Trail algorithm key, 1 SDSSShape 2 HSMShape","default":null},{"name":"trail_flag_edge","type":["null","boolean"],"doc":"Trail reaches the edge","default":null},{"name":"trail_flag","type":["null","boolean"],"doc":"Trail fit failed","default":null},{"name":"dipoleMeanFlux","type":["null","float"],"doc":"Mean absolute lobe flux [nJy]","default":null},{"name":"dipoleMeanFluxErr","type":["null","float"],"doc":"Error of dipoleMeanFlux [nJy]","default":null},{"name":"dipoleFluxDiff","type":["null","float"],"doc":"Difference of absolute lobe fluxes [nJy]","default":null},{"name":"dipoleFluxDiffErr","type":["null","float"],"doc":"Error of dipoleFluxDiff [nJy]","default":null},{"name":"dipoleLength","type":["null","float"],"doc":"Lobe separation [arcsec]","default":null},{"name":"dipoleAngle","type":["null","float"],"doc":"Dipole bearing, negative to positive lobe [deg]","default":null},{"name":"dipoleChi2","type":["null","float"],"doc":"Dipole fit chi2 (per dof in practice)","default":null},{"name":"dipoleNdata","type":"int","doc":"Pixels in dipole fit"},{"name":"scienceFlux","type":["null","float"],"doc":"Forced PSF flux on the science image [nJy]","default":null},{"name":"scienceFluxErr","type":["null","float"],"doc":"Error of scienceFlux [nJy]","default":null},{"name":"forced_PsfFlux_flag","type":["null","boolean"],"doc":"Forced fit for scienceFlux failed","default":null},{"name":"forced_PsfFlux_flag_edge","type":["null","boolean"],"doc":"Forced fit too near the edge","default":null},{"name":"forced_PsfFlux_flag_noGoodPixels","type":["null","boolean"],"doc":"No usable pixels for the forced fit","default":null},{"name":"templateFlux","type":["null","float"],"doc":"Forced PSF flux on the template [nJy]","default":null},{"name":"templateFluxErr","type":["null","float"],"doc":"Error of templateFlux [nJy]","default":null},{"name":"ixx","type":["null","float"],"doc":"Source second moment xx [arcsec**2]","default":null},{"name":"iyy","type":["null","float"],"doc":"Source second moment yy [arcsec**2]","default":null},{"name":"ixy","type":["null","float"],"doc":"Source second moment xy [arcsec**2]","default":null},{"name":"ixxPSF","type":["null","float"],"doc":"PSF second moment xx [arcsec**2]","default":null},{"name":"iyyPSF","type":["null","float"],"doc":"PSF second moment yy [arcsec**2]","default":null},{"name":"ixyPSF","type":["null","float"],"doc":"PSF second moment xy [arcsec**2]","default":null},{"name":"shape_flag","type":["null","boolean"],"doc":"Shape failed","default":null},{"name":"shape_flag_no_pixels","type":["null","boolean"],"doc":"Shape had no pixels","default":null},{"name":"shape_flag_not_contained","type":["null","boolean"],"doc":"Centre outside footprint box","default":null},{"name":"shape_flag_parent_source","type":["null","boolean"],"doc":"Is an undeblended parent","default":null},{"name":"extendedness","type":["null","float"],"doc":"0 point-like .. 1 extended","default":null},{"name":"reliability","type":["null","float"],"doc":"Real/bogus score 0..1","default":null},{"name":"reliabilityVersion","type":["null","string"],"doc":"Model version string","default":null},{"name":"band","type":["null","string"],"doc":"Filter letter ugrizy","default":null},{"name":"isDipole","type":["null","boolean"],"doc":"Classified as dipole","default":null},{"name":"dipoleFitAttempted","type":["null","boolean"],"doc":"Dipole fit was tried","default":null},{"name":"timeProcessedMjdTai","type":"double","doc":"Row creation time MJD TAI [d]"},{"name":"timeWithdrawnMjdTai","type":["null","double"],"doc":"Withdrawal time MJD TAI, null = valid [d]","default":null},{"name":"bboxSize","type":"int","doc":"Side of square box covering the footprint [pixel]"},{"name":"pixelFlags","type":["null","boolean"],"doc":"Pixel-flag measurement failed; other pixelFlags unreliable","default":null},{"name":"pixelFlags_bad","type":["null","boolean"],"doc":"Bad pixel in footprint","default":null},{"name":"pixelFlags_cr","type":["null","boolean"],"doc":"Cosmic ray in footprint","default":null},{"name":"pixelFlags_crCenter","type":["null","boolean"],"doc":"Cosmic ray, 3x3 around centre","default":null},{"name":"pixelFlags_edge","type":["null","boolean"],"doc":"Footprint partly off usable area","default":null},{"name":"pixelFlags_nodata","type":["null","boolean"],"doc":"No-data pixel in footprint","default":null},{"name":"pixelFlags_nodataCenter","type":["null","boolean"],"doc":"No-data pixel, 3x3 around centre","default":null},{"name":"pixelFlags_interpolated","type":["null","boolean"],"doc":"Interpolated pixel in footprint","default":null},{"name":"pixelFlags_interpolatedCenter","type":["null","boolean"],"doc":"Interpolated pixel, 3x3 around centre","default":null},{"name":"pixelFlags_offimage","type":["null","boolean"],"doc":"Centre off image","default":null},{"name":"pixelFlags_saturated","type":["null","boolean"],"doc":"Saturated pixel in footprint","default":null},{"name":"pixelFlags_saturatedCenter","type":["null","boolean"],"doc":"Saturated pixel, 3x3 around centre","default":null},{"name":"pixelFlags_suspect","type":["null","boolean"],"doc":"Suspect pixel in footprint","default":null},{"name":"pixelFlags_suspectCenter","type":["null","boolean"],"doc":"Suspect pixel, 3x3 around centre","default":null},{"name":"pixelFlags_streak","type":["null","boolean"],"doc":"Streak pixel in footprint","default":null},{"name":"pixelFlags_streakCenter","type":["null","boolean"],"doc":"Streak pixel, 3x3 around centre","default":null},{"name":"pixelFlags_injected","type":["null","boolean"],"doc":"Injected fake pixel in footprint","default":null},{"name":"pixelFlags_injectedCenter","type":["null","boolean"],"doc":"Injected fake pixel, 3x3 around centre","default":null},{"name":"pixelFlags_injected_template","type":["null","boolean"],"doc":"Fake injected in template","default":null},{"name":"pixelFlags_injected_templateCenter","type":["null","boolean"],"doc":"Fake injected in template, 3x3 around centre","default":null},{"name":"glint_trail","type":["null","boolean"],"doc":"Member of a glint trail","default":null}],"confluent:version":1101},
  'lsst.v11_1.mpc_orbits': {"type":"record","name":"mpc_orbits","namespace":"lsst.v11_1","doc":"The orbit of a solar-system body as the Minor Planet Center publishes it.","fields":[{"name":"id","type":"int","doc":"Internal row id; 0 in alerts"},{"name":"designation","type":"string","doc":"Unpacked primary designation"},{"name":"packed_primary_provisional_designation","type":"string","doc":"Packed designation"},{"name":"unpacked_primary_provisional_designation","type":"string","doc":"Unpacked designation"},{"name":"mpc_orb_jsonb","type":["null","string"],"doc":"Full orbit JSON text","default":null},{"name":"created_at","type":["null",{"logicalType":"timestamp-micros","type":"long"}],"doc":"Row creation","default":null},{"name":"updated_at","type":["null",{"logicalType":"timestamp-micros","type":"long"}],"doc":"Row update","default":null},{"name":"orbit_type_int","type":["null","int"],"doc":"Orbit class code","default":null},{"name":"u_param","type":["null","int"],"doc":"Uncertainty parameter","default":null},{"name":"nopp","type":["null","int"],"doc":"Oppositions","default":null},{"name":"arc_length_total","type":["null","double"],"doc":"Arc, all obs [d]","default":null},{"name":"arc_length_sel","type":["null","double"],"doc":"Arc, used obs [d]","default":null},{"name":"nobs_total","type":["null","int"],"doc":"Observations known","default":null},{"name":"nobs_total_sel","type":["null","int"],"doc":"Observations used","default":null},{"name":"a","type":["null","double"],"doc":"Semi-major axis [AU]","default":null},{"name":"q","type":["null","double"],"doc":"Perihelion distance [AU]","default":null},{"name":"e","type":["null","double"],"doc":"Eccentricity","default":null},{"name":"i","type":["null","double"],"doc":"Inclination [deg]","default":null},{"name":"node","type":["null","double"],"doc":"Ascending node longitude [deg]","default":null},{"name":"argperi","type":["null","double"],"doc":"Argument of perihelion [deg]","default":null},{"name":"peri_time","type":["null","double"],"doc":"Perihelion passage time [d]","default":null},{"name":"yarkovsky","type":["null","double"],"doc":"Yarkovsky term [1e-10.au.d-2]","default":null},{"name":"srp","type":["null","double"],"doc":"Radiation pressure term [m2.t-1]","default":null},{"name":"a1","type":["null","double"],"doc":"Non-grav A1 [m2.t-1]","default":null},{"name":"a2","type":["null","double"],"doc":"Non-grav A2 [m2.t-1]","default":null},{"name":"a3","type":["null","double"],"doc":"Non-grav A3 [m2.t-1]","default":null},{"name":"dt","type":["null","double"],"doc":"Non-grav delay","default":null},{"name":"mean_anomaly","type":["null","double"],"doc":"Mean anomaly [deg]","default":null},{"name":"period","type":["null","double"],"doc":"Period [d]","default":null},{"name":"mean_motion","type":["null","double"],"doc":"Mean motion [deg.d-1]","default":null},{"name":"a_unc","type":["null","double"],"doc":"Uncertainty of a [AU]","default":null},{"name":"q_unc","type":["null","double"],"doc":"Uncertainty of q [AU]","default":null},{"name":"e_unc","type":["null","double"],"doc":"Uncertainty of e","default":null},{"name":"i_unc","type":["null","double"],"doc":"Uncertainty of i [deg]","default":null},{"name":"node_unc","type":["null","double"],"doc":"Uncertainty of node [deg]","default":null},{"name":"argperi_unc","type":["null","double"],"doc":"Uncertainty of argperi [deg]","default":null},{"name":"peri_time_unc","type":["null","double"],"doc":"Uncertainty of peri_time [d]","default":null},{"name":"yarkovsky_unc","type":["null","double"],"doc":"Uncertainty of yarkovsky [1e-10.au.d-2]","default":null},{"name":"srp_unc","type":["null","double"],"doc":"Uncertainty of srp [m2.t-1]","default":null},{"name":"a1_unc","type":["null","double"],"doc":"Uncertainty of a1 [m2.t-1]","default":null},{"name":"a2_unc","type":["null","double"],"doc":"Uncertainty of a2 [m2.t-1]","default":null},{"name":"a3_unc","type":["null","double"],"doc":"Uncertainty of a3 [m2.t-1]","default":null},{"name":"dt_unc","type":["null","double"],"doc":"Uncertainty of dt","default":null},{"name":"mean_anomaly_unc","type":["null","double"],"doc":"Uncertainty of mean_anomaly [deg]","default":null},{"name":"period_unc","type":["null","double"],"doc":"Uncertainty of period [d]","default":null},{"name":"mean_motion_unc","type":["null","double"],"doc":"Uncertainty of mean_motion [deg.d-1]","default":null},{"name":"epoch_mjd","type":["null","double"],"doc":"Epoch MJD [d]","default":null},{"name":"h","type":["null","double"],"doc":"H magnitude [mag]","default":null},{"name":"g","type":["null","double"],"doc":"G slope","default":null},{"name":"not_normalized_rms","type":["null","double"],"doc":"Fit rms [arcsec]","default":null},{"name":"normalized_rms","type":["null","double"],"doc":"Normalised fit rms","default":null},{"name":"earth_moid","type":["null","double"],"doc":"Earth MOID [AU]","default":null},{"name":"fitting_datetime","type":["null",{"logicalType":"timestamp-micros","type":"long"}],"doc":"Last fit time","default":null}],"confluent:version":1101},
  'lsst.v11_1.ssSource': {"type":"record","name":"ssSource","namespace":"lsst.v11_1","doc":"A detection attributed to a known solar-system body: where it was predicted and where it was.","fields":[{"name":"diaSourceId","type":"long","doc":"Detection id"},{"name":"ssObjectId","type":"long","doc":"Solar-system object id (packed designation)"},{"name":"designation","type":["null","string"],"doc":"Unpacked provisional designation","default":null},{"name":"eclLambda","type":"double","doc":"Ecliptic longitude of the observation [deg]"},{"name":"eclBeta","type":"double","doc":"Ecliptic latitude [deg]"},{"name":"galLon","type":"double","doc":"Galactic longitude [deg]"},{"name":"galLat","type":"double","doc":"Galactic latitude [deg]"},{"name":"elongation","type":["null","float"],"doc":"Sun-observer-object angle [deg]","default":null},{"name":"phaseAngle","type":["null","float"],"doc":"Sun-object-observer angle [deg]","default":null},{"name":"topoRange","type":["null","float"],"doc":"Observer distance [AU]","default":null},{"name":"topoRangeRate","type":["null","float"],"doc":"Observer radial velocity, + receding [km/s]","default":null},{"name":"helioRange","type":["null","float"],"doc":"Sun distance [AU]","default":null},{"name":"helioRangeRate","type":["null","float"],"doc":"Sun radial velocity [km/s]","default":null},{"name":"ephRa","type":["null","double"],"doc":"Predicted RA [deg]","default":null},{"name":"ephDec","type":["null","double"],"doc":"Predicted Dec [deg]","default":null},{"name":"ephVmag","type":["null","float"],"doc":"Predicted V magnitude [mag]","default":null},{"name":"ephRate","type":["null","float"],"doc":"Predicted sky rate [deg/d]","default":null},{"name":"ephRateRa","type":["null","float"],"doc":"Right ascension part of ephRate, times cos(dec) [deg/d]","default":null},{"name":"ephRateDec","type":["null","float"],"doc":"Declination part of ephRate [deg/d]","default":null},{"name":"ephOffset","type":["null","float"],"doc":"Observed-predicted separation [arcsec]","default":null},{"name":"ephOffsetRa","type":["null","double"],"doc":"Right ascension part of ephOffset, times cos(dec) [arcsec]","default":null},{"name":"ephOffsetDec","type":["null","double"],"doc":"Declination part of ephOffset [arcsec]","default":null},{"name":"ephOffsetAlongTrack","type":["null","float"],"doc":"Part of ephOffset along the predicted motion [arcsec]","default":null},{"name":"ephOffsetCrossTrack","type":["null","float"],"doc":"Part of ephOffset across the predicted motion [arcsec]","default":null},{"name":"helio_x","type":["null","float"],"doc":"Heliocentric x at light emission [AU]","default":null},{"name":"helio_y","type":["null","float"],"doc":"Heliocentric y at light emission [AU]","default":null},{"name":"helio_z","type":["null","float"],"doc":"Heliocentric z at light emission [AU]","default":null},{"name":"helio_vx","type":["null","float"],"doc":"Heliocentric vx [km/s]","default":null},{"name":"helio_vy","type":["null","float"],"doc":"Heliocentric vy [km/s]","default":null},{"name":"helio_vz","type":["null","float"],"doc":"Heliocentric vz [km/s]","default":null},{"name":"helio_vtot","type":["null","float"],"doc":"Heliocentric speed [km/s]","default":null},{"name":"topo_x","type":["null","float"],"doc":"Topocentric x at light emission [AU]","default":null},{"name":"topo_y","type":["null","float"],"doc":"Topocentric y at light emission [AU]","default":null},{"name":"topo_z","type":["null","float"],"doc":"Topocentric z at light emission [AU]","default":null},{"name":"topo_vx","type":["null","float"],"doc":"Topocentric vx [km/s]","default":null},{"name":"topo_vy","type":["null","float"],"doc":"Topocentric vy [km/s]","default":null},{"name":"topo_vz","type":["null","float"],"doc":"Topocentric vz [km/s]","default":null},{"name":"topo_vtot","type":["null","float"],"doc":"Topocentric speed [km/s]","default":null},{"name":"diaDistanceRank","type":["null","int"],"doc":"Closeness rank of this detection to the prediction, 1 = nearest","default":null}],"confluent:version":1101},
  'next-visit-canceled': {"type":"record","name":"logevent_nextVisitCanceled","namespace":"lsst.sal.ScriptQueue","doc":"An announced group will not be used.","fields":[{"name":"private_sndStamp","type":"double","doc":"Time of publication, TAI unix seconds; 0 when not set."},{"name":"private_rcvStamp","type":"double","doc":"Time of receipt, TAI unix seconds."},{"name":"private_seqNum","type":"long","doc":"Sequence number of the sample; not the image's."},{"name":"private_identity","type":"string","doc":"Publisher, for example ScriptQueue:2."},{"name":"private_origin","type":"long","doc":"Process id of the publisher."},{"name":"private_revCode","type":"string","doc":"Revision hash of the topic."},{"name":"private_efdStamp","type":"double","doc":"Time of publication, UTC unix seconds; 0 when not set."},{"name":"private_kafkaStamp","type":"double","doc":"Time of delivery to Kafka, TAI unix seconds."},{"name":"salIndex","type":"long","doc":"Queue that published."},{"name":"scriptSalIndex","type":"long","doc":"Script instance."},{"name":"groupId","type":"string","doc":"The group that will not be used."}]},
  'next-visit': {"type":"record","name":"logevent_nextVisit","namespace":"lsst.sal.ScriptQueue","doc":"Announcement of a visit, published before its first exposure.","fields":[{"name":"private_sndStamp","type":"double","doc":"Time of publication, TAI unix seconds; 0 when not set."},{"name":"private_rcvStamp","type":"double","doc":"Time of receipt, TAI unix seconds."},{"name":"private_seqNum","type":"long","doc":"Sequence number of the sample; not the image's."},{"name":"private_identity","type":"string","doc":"Publisher, for example ScriptQueue:2."},{"name":"private_origin","type":"long","doc":"Process id of the publisher."},{"name":"private_revCode","type":"string","doc":"Revision hash of the topic."},{"name":"private_efdStamp","type":"double","doc":"Time of publication, UTC unix seconds; 0 when not set."},{"name":"private_kafkaStamp","type":"double","doc":"Time of delivery to Kafka, TAI unix seconds."},{"name":"salIndex","type":"long","doc":"Queue that published: 1 main telescope, 2 auxiliary telescope, 3 observatory control."},{"name":"scriptSalIndex","type":"long","doc":"Script instance."},{"name":"groupId","type":"string","doc":"Observatory group; joins images to this event."},{"name":"coordinateSystem","type":"long","doc":"Of position: 1 NONE, 2 ICRS, 3 OBSERVED, 4 MOUNT."},{"name":"position","type":{"type":"array","items":"double"},"doc":"Longitude and latitude, degrees; ignored where the system is NONE."},{"name":"startTime","type":"double","doc":"Expected start, TAI unix seconds."},{"name":"rotationSystem","type":"long","doc":"Of cameraAngle: 1 NONE, 2 SKY, 3 HORIZON, 4 MOUNT."},{"name":"cameraAngle","type":"double","doc":"Degrees; SKY: position angle of focal-plane +Y, north through east."},{"name":"filters","type":"string","doc":"Acceptable physical filters; blank means any."},{"name":"dome","type":"long","doc":"1 CLOSED, 2 OPEN, 3 EITHER."},{"name":"duration","type":"double","doc":"Estimated duration of the script, seconds, without the slew."},{"name":"nimages","type":"long","doc":"Expected number of snaps; 0 means unknown."},{"name":"instrument","type":"string","doc":"Short instrument name; blank means not an observation."},{"name":"survey","type":"string","doc":"Observing block; may be empty."},{"name":"totalCheckpoints","type":"long","doc":"Checkpoints of the script; 0 means unknown."}]},
  'parked': {"type":"record","name":"Parked","namespace":"prompt","doc":"A record that could not be processed, with its coordinates, its reason and its bytes. Key: as the record.","fields":[{"name":"stage","type":"string","doc":"Stage that refused it."},{"name":"topic","type":"string","doc":"Topic."},{"name":"partition","type":"int","doc":"Partition."},{"name":"offset","type":"long","doc":"Offset."},{"name":"code","type":"string","doc":"Kind of refusal, for example not-json."},{"name":"reason","type":"string","doc":"A sentence for the operator."},{"name":"attempt","type":"int","doc":"How often it had been parked before, plus one."},{"name":"recordKey","type":["null","bytes"],"doc":"Its key.","default":null},{"name":"recordValue","type":["null","bytes"],"doc":"Its value.","default":null},{"name":"headers","type":{"type":"map","values":"bytes"},"doc":"Its headers."}]},
  'pipeline-result': {"type":"record","name":"PipelineResult","namespace":"prompt","doc":"What a worker found on one unit, before association. Key: unit.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt it belongs to."},{"name":"epoch","type":"int","doc":"The lease it ran under."},{"name":"worker","type":"string","doc":"Who ran it."},{"name":"outcome","type":{"type":"enum","name":"Outcome","namespace":"prompt","symbols":["succeeded","failed"]},"doc":"failed: no retry would help."},{"name":"reason","type":["null","string"],"doc":"Code of the failure, for example raw-unreadable.","default":null},{"name":"detail","type":["null","string"],"doc":"A sentence for the operator.","default":null},{"name":"pipeline","type":["null","string"],"doc":"The pipeline that ran.","default":null},{"name":"visit","type":["null","long"],"doc":"Visit id: the first exposure.","default":null},{"name":"exposures","type":{"type":"array","items":"long"},"doc":"Exposures processed."},{"name":"band","type":["null","string"],"doc":"ugrizy.","default":null},{"name":"midpointMjdTai","type":["null","double"],"doc":"Middle of the exposure, MJD TAI.","default":null},{"name":"exposureTime","type":["null","float"],"doc":"Seconds.","default":null},{"name":"width","type":"int","doc":"Columns of the processed image."},{"name":"height","type":"int","doc":"Rows."},{"name":"boundary","type":{"type":"array","items":{"type":"record","name":"SkyPoint","namespace":"prompt","doc":"ICRS position.","fields":[{"name":"ra","type":"double","doc":"Degrees."},{"name":"dec","type":"double","doc":"Degrees."}]}},"doc":"Corners of the image on the sky, counter-clockwise."},{"name":"observationReason","type":["null","string"],"doc":"Why the exposure was taken (REASON of its header); null where that is blank.","default":null},{"name":"targetName","type":["null","string"],"doc":"What was aimed at (OBJECT of its header); null where that is blank.","default":null},{"name":"ephemerides","type":["null",{"type":"array","items":"prompt.Ephemeris"}],"doc":"Known bodies of the solar system near the image, as the preload was told; null where nobody could tell.","default":null},{"name":"sources","type":{"type":"array","items":"lsst.v11_1.diaSource"},"doc":"Detections; association columns are null and timeProcessedMjdTai is 0 until the commit."},{"name":"forced","type":{"type":"array","items":{"type":"record","name":"ForcedPhotometry","namespace":"prompt","doc":"PSF flux measured at a given position.","fields":[{"name":"diaObjectId","type":["null","long"],"doc":"Preloaded object measured; null for a position of an own detection.","default":null},{"name":"diaSourceId","type":["null","long"],"doc":"Own detection measured; null for a preloaded object.","default":null},{"name":"ra","type":"double","doc":"Degrees."},{"name":"dec","type":"double","doc":"Degrees."},{"name":"psfFlux","type":["null","float"],"doc":"nJy, on the difference.","default":null},{"name":"psfFluxErr","type":["null","float"],"doc":"nJy.","default":null},{"name":"scienceFlux","type":["null","float"],"doc":"nJy, on the science image.","default":null},{"name":"scienceFluxErr","type":["null","float"],"doc":"nJy.","default":null}]}},"doc":"At every preloaded object on the chip and at every own detection."},{"name":"cutoutBucket","type":["null","string"],"doc":"Bucket of the cutout object.","default":null},{"name":"cutoutKey","type":["null","string"],"doc":"Key of the cutout object: the stamps of all sources, one after the other.","default":null},{"name":"cutouts","type":{"type":"array","items":{"type":"record","name":"SourceCutouts","namespace":"prompt","doc":"Where the stamps of one source lie.","fields":[{"name":"diaSourceId","type":"long","doc":"The source."},{"name":"difference","type":{"type":"record","name":"ByteSpan","namespace":"prompt","doc":"A range of bytes in the cutout object.","fields":[{"name":"offset","type":"long","doc":"First byte."},{"name":"length","type":"int","doc":"Number of bytes."}]},"doc":"FITS."},{"name":"science","type":"prompt.ByteSpan","doc":"FITS."},{"name":"template","type":"prompt.ByteSpan","doc":"FITS."}]}},"doc":"One entry per source."},{"name":"products","type":{"type":"array","items":"prompt.Product"},"doc":"Files stored."},{"name":"metrics","type":{"type":"map","values":"double"},"doc":"Figures of the run by name; seconds end in Seconds."},{"name":"leasedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When the lease was taken.","default":null},{"name":"finishedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When the pipeline ended.","default":null}]},
  'product': {"type":"record","name":"Product","namespace":"prompt","doc":"A file that the pipeline stored under its attempt's prefix.","fields":[{"name":"datasetType","type":"string","doc":"Kind of data, for example difference_image."},{"name":"bucket","type":"string","doc":"Bucket."},{"name":"key","type":"string","doc":"Object key."},{"name":"size","type":"long","doc":"Bytes."},{"name":"sha256","type":"string","doc":"Digest of the bytes, hex."}]},
  'raw-arrival': {"type":"record","name":"RawArrival","namespace":"prompt","doc":"One raw image in the object store, its unit known. Key: instrument/group/detector.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id, from the sidecar or the key."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"snap","type":"int","doc":"Which snap of the group, from 0."},{"name":"exposure","type":"long","doc":"Exposure id, YYYYMMDDnnnnn."},{"name":"bucket","type":"string","doc":"Bucket."},{"name":"key","type":"string","doc":"Object key, decoded."},{"name":"size","type":["null","long"],"doc":"Bytes, when the notification said so.","default":null},{"name":"eTag","type":["null","string"],"doc":"Entity tag, when the notification said so.","default":null}]},
  'raw-late': {"type":"record","name":"RawLate","namespace":"prompt","doc":"A raw that entered after its window had closed. Key: unit.","fields":[{"name":"raw","type":"prompt.RawArrival","doc":"The raw."},{"name":"deadline","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"The deadline it missed.","default":null},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt whose window had closed."}]},
  'raw-listed': {"type":"record","name":"RawListed","namespace":"prompt","doc":"The answer to raw-wanted, whole: answer and arrivals can never be split. Key: unit.","fields":[{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt that asked."},{"name":"found","type":{"type":"array","items":{"type":"record","name":"FoundRaw","namespace":"prompt","doc":"A raw found by listing.","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Last modification of the object."},{"name":"raw","type":"prompt.RawArrival","doc":"The raw."}]}},"doc":"What the bucket holds for the unit, by (at, exposure)."}]},
  'raw-unclaimed': {"type":"record","name":"RawUnclaimed","namespace":"prompt","doc":"A raw that nobody announced within the hold. Key: unit.","fields":[{"name":"raw","type":"prompt.RawArrival","doc":"The raw."}]},
  'raw-wanted': {"type":"record","name":"RawWanted","namespace":"prompt","doc":"A window past its deadline asks what is really in the bucket. Key: unit.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt that asks: 0 live, else the replay id."},{"name":"until","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Count objects modified up to here; null in a reopened window: all count.","default":null},{"name":"announcedAt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When the announcement entered: older exposures are of no interest."},{"name":"deadline","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"When the window closes, or closed before it was reopened: the night of its last exposures; null in older requests.","default":null}]},
  'repository-ingested': {"type":"record","name":"RepositoryIngested","namespace":"prompt","doc":"The products of one committed attempt are registered in the central repository. Key: instrument/group/detector.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"detector","type":"int","doc":"Detector number."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"The attempt that was committed."},{"name":"visit","type":"long","doc":"Visit id."},{"name":"run","type":"string","doc":"The run that holds the datasets."},{"name":"datasets","type":{"type":"array","items":"string"},"doc":"Their ids, UUIDs as text, in the order of the products."}]},
  'visit-summary': {"type":"record","name":"VisitSummary","namespace":"prompt","doc":"How a visit went; a higher number replaces a lower one. Key: instrument/group.","fields":[{"name":"instrument","type":"string","doc":"Short instrument name."},{"name":"group","type":"string","doc":"Observatory group id."},{"name":"number","type":"int","doc":"Counts the summaries of the visit from 1."},{"name":"kind","type":{"type":"enum","name":"SummaryKind","namespace":"prompt","symbols":["complete","partial","late"]},"doc":"partial: the window closed before every detector had ended; late: a result came after."},{"name":"announcement","type":"prompt.Announcement","doc":"The announcement."},{"name":"deadline","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When the units' windows closed at the latest."},{"name":"results","type":{"type":"array","items":{"type":"record","name":"DetectorEnd","namespace":"prompt","doc":"How one detector ended.","fields":[{"name":"detector","type":"int","doc":"Detector."},{"name":"attempt","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Attempt."},{"name":"state","type":"prompt.TerminalState","doc":"State."},{"name":"alerts","type":"int","doc":"Alerts sent."},{"name":"visit","type":["null","long"],"doc":"Visit id, where a raw of it had come.","default":null}]}},"doc":"By detector."},{"name":"missing","type":{"type":"array","items":"int"},"doc":"Detectors without a result yet."},{"name":"masked","type":{"type":"array","items":"prompt.MaskedDetector"},"doc":"Detectors that were off: they have no unit, and nothing is missing of them.","default":[]}]},
  'visit': {"type":"record","name":"Visit","namespace":"prompt","doc":"One announced visit, for those who count its detectors. Key: instrument/group.","fields":[{"name":"announcement","type":"prompt.Announcement","doc":"The announcement."},{"name":"detectors","type":{"type":"array","items":"int"},"doc":"Detectors with a unit of work in this visit, ascending; each ends in one detector-result per attempt."},{"name":"masked","type":{"type":"array","items":{"type":"record","name":"MaskedDetector","namespace":"prompt","doc":"A detector that was off when the visit was announced.","fields":[{"name":"detector","type":"int","doc":"Detector number."},{"name":"reason","type":"string","doc":"Why it is off."}]}},"doc":"Detectors that were off."},{"name":"deadline","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"When the windows of its units close."}]},
}
