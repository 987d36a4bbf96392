// Generated from the .avsc beside it by `npm run generate`. Do not edit.

/** That the alerts of one unit are out. Key: instrument/group/detector@attempt. */
export interface AlertsLedger {
  /** How many. */
  readonly alerts: number
  /** SHA-256 over their bytes in order, hex. */
  readonly digest: string
  /** The commit they belong to. */
  readonly committedAtMjdTai: number
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

export type ControlKind = 'mask' | 'unmask'

/** An order of the operators. Key: instrument, or instrument/detector. */
export interface Control {
  /** mask: the detector is off for visits announced from now on. */
  readonly kind: ControlKind
  /** Short instrument name. */
  readonly instrument: string
  /** Detector; null means every detector: a pause. */
  readonly detector: null | number
  /** Why. */
  readonly reason: string
  /** Who. */
  readonly by: string
  /** When a mask ends by itself. */
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

export interface Alert {
  /** id of the detection that triggered the packet; acts as the alert id */
  readonly diaSourceId: bigint
  /** scheduler reason string of the exposure */
  readonly observation_reason: null | string
  /** scheduler target string of the exposure */
  readonly target_name: null | string
  /** the triggering detection */
  readonly diaSource: DiaSource
  /** earlier detections of the same object (trigger excluded) */
  readonly prvDiaSources: null | readonly DiaSource[]
  /** forced photometry history incl. the current visit when measured */
  readonly prvDiaForcedSources: null | readonly DiaForcedSource[]
  /** object the trigger was associated with */
  readonly diaObject: null | DiaObject
  /** solar-system association data of the trigger */
  readonly ssSource: null | SsSource
  /** orbit row of the associated solar-system body */
  readonly mpc_orbits: null | MpcOrbits
  /** FITS bytes, difference image stamp */
  readonly cutoutDifference: null | Buffer
  /** FITS bytes, calibrated science image stamp */
  readonly cutoutScience: null | Buffer
  /** FITS bytes, template stamp */
  readonly cutoutTemplate: null | Buffer
}

export interface DiaForcedSource {
  /** forced measurement id */
  readonly diaForcedSourceId: bigint
  /** object measured */
  readonly diaObjectId: bigint
  /** object position used, RA [deg] */
  readonly ra: number
  /** object position used, Dec [deg] */
  readonly dec: number
  /** visit id */
  readonly visit: bigint
  /** detector number */
  readonly detector: number
  /** forced PSF flux on the difference [nJy] */
  readonly psfFlux: null | number
  /** its error [nJy] */
  readonly psfFluxErr: null | number
  /** mid-exposure MJD TAI [d] */
  readonly midpointMjdTai: number
  /** forced PSF flux on the science image [nJy] */
  readonly scienceFlux: null | number
  /** its error [nJy] */
  readonly scienceFluxErr: null | number
  /** filter letter */
  readonly band: null | string
  /** row creation time [d] */
  readonly timeProcessedMjdTai: number
  /** withdrawal time, null = valid [d] */
  readonly timeWithdrawnMjdTai: null | number
}

export interface DiaObject {
  /** object id */
  readonly diaObjectId: bigint
  /** processing time this version became valid, MJD TAI [d] */
  readonly validityStartMjdTai: number
  /** object RA [deg] */
  readonly ra: number
  /** RA error times cos(dec) [deg] */
  readonly raErr: null | number
  /** object Dec [deg] */
  readonly dec: number
  /** Dec error [deg] */
  readonly decErr: null | number
  /** position covariance [deg**2] */
  readonly ra_dec_Cov: null | number
  /** inverse-variance mean difference PSF flux, u [nJy] */
  readonly u_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly u_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly u_psfFluxSigma: null | number
  /** points used in u */
  readonly u_psfFluxNdata: number
  /** mean forced flux, u (not filled by reference code) [nJy] */
  readonly u_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly u_fpFluxMeanErr: null | number
  /** inverse-variance mean difference PSF flux, g [nJy] */
  readonly g_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly g_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly g_psfFluxSigma: null | number
  /** points used in g */
  readonly g_psfFluxNdata: number
  /** mean forced flux, g (not filled by reference code) [nJy] */
  readonly g_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly g_fpFluxMeanErr: null | number
  /** inverse-variance mean difference PSF flux, r [nJy] */
  readonly r_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly r_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly r_psfFluxSigma: null | number
  /** points used in r */
  readonly r_psfFluxNdata: number
  /** mean forced flux, r (not filled by reference code) [nJy] */
  readonly r_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly r_fpFluxMeanErr: null | number
  /** inverse-variance mean difference PSF flux, i [nJy] */
  readonly i_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly i_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly i_psfFluxSigma: null | number
  /** points used in i */
  readonly i_psfFluxNdata: number
  /** mean forced flux, i (not filled by reference code) [nJy] */
  readonly i_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly i_fpFluxMeanErr: null | number
  /** inverse-variance mean difference PSF flux, z [nJy] */
  readonly z_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly z_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly z_psfFluxSigma: null | number
  /** points used in z */
  readonly z_psfFluxNdata: number
  /** mean forced flux, z (not filled by reference code) [nJy] */
  readonly z_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly z_fpFluxMeanErr: null | number
  /** inverse-variance mean difference PSF flux, y [nJy] */
  readonly y_psfFluxMean: null | number
  /** its standard error [nJy] */
  readonly y_psfFluxMeanErr: null | number
  /** sample standard deviation (n-1) [nJy] */
  readonly y_psfFluxSigma: null | number
  /** points used in y */
  readonly y_psfFluxNdata: number
  /** mean forced flux, y (not filled by reference code) [nJy] */
  readonly y_fpFluxMean: null | number
  /** its error (not filled) [nJy] */
  readonly y_fpFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, u [nJy] */
  readonly u_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly u_scienceFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, g [nJy] */
  readonly g_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly g_scienceFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, r [nJy] */
  readonly r_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly r_scienceFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, i [nJy] */
  readonly i_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly i_scienceFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, z [nJy] */
  readonly z_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly z_scienceFluxMeanErr: null | number
  /** inverse-variance mean of scienceFlux, y [nJy] */
  readonly y_scienceFluxMean: null | number
  /** its error [nJy] */
  readonly y_scienceFluxMeanErr: null | number
  /** minimum psfFlux, u [nJy] */
  readonly u_psfFluxMin: null | number
  /** maximum psfFlux, u [nJy] */
  readonly u_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly u_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly u_psfFluxErrMean: null | number
  /** minimum psfFlux, g [nJy] */
  readonly g_psfFluxMin: null | number
  /** maximum psfFlux, g [nJy] */
  readonly g_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly g_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly g_psfFluxErrMean: null | number
  /** minimum psfFlux, r [nJy] */
  readonly r_psfFluxMin: null | number
  /** maximum psfFlux, r [nJy] */
  readonly r_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly r_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly r_psfFluxErrMean: null | number
  /** minimum psfFlux, i [nJy] */
  readonly i_psfFluxMin: null | number
  /** maximum psfFlux, i [nJy] */
  readonly i_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly i_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly i_psfFluxErrMean: null | number
  /** minimum psfFlux, z [nJy] */
  readonly z_psfFluxMin: null | number
  /** maximum psfFlux, z [nJy] */
  readonly z_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly z_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly z_psfFluxErrMean: null | number
  /** minimum psfFlux, y [nJy] */
  readonly y_psfFluxMin: null | number
  /** maximum psfFlux, y [nJy] */
  readonly y_psfFluxMax: null | number
  /** largest adjacent-pair dflux/dt (signed) [nJy/d] */
  readonly y_psfFluxMaxSlope: null | number
  /** plain mean of psfFluxErr [nJy] */
  readonly y_psfFluxErrMean: null | number
  /** time of first detection [d] */
  readonly firstDiaSourceMjdTai: null | number
  /** time of latest non-forced detection [d] */
  readonly lastDiaSourceMjdTai: null | number
  /** number of associated detections */
  readonly nDiaSources: number
}

export interface DiaSource {
  /** detection id */
  readonly diaSourceId: bigint
  /** visit id */
  readonly visit: bigint
  /** detector number */
  readonly detector: number
  /** associated object id; 0 or null = none */
  readonly diaObjectId: null | bigint
  /** associated solar-system id; 0 or null = none */
  readonly ssObjectId: null | bigint
  /** deblend parent id; 0/null = none */
  readonly parentDiaSourceId: null | bigint
  /** mid-exposure time, MJD TAI [d] */
  readonly midpointMjdTai: number
  /** effective exposure length [s] */
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
  /** centroid column [pixel] */
  readonly x: number
  /** error of x [pixel] */
  readonly xErr: null | number
  /** centroid row [pixel] */
  readonly y: number
  /** error of y [pixel] */
  readonly yErr: null | number
  /** centroid fit failed */
  readonly centroid_flag: null | boolean
  /** 12-pixel-radius aperture flux on the difference [nJy] */
  readonly apFlux: null | number
  /** error of apFlux [nJy] */
  readonly apFluxErr: null | number
  /** aperture photometry failed */
  readonly apFlux_flag: null | boolean
  /** aperture ran off the image */
  readonly apFlux_flag_apertureTruncated: null | boolean
  /** negative detection */
  readonly isNegative: null | boolean
  /** detection significance */
  readonly snr: null | number
  /** PSF flux on the difference [nJy] */
  readonly psfFlux: null | number
  /** error of psfFlux [nJy] */
  readonly psfFluxErr: null | number
  /** PSF fit log-likelihood (not filled) */
  readonly psfLnL: null | number
  /** PSF fit chi2 */
  readonly psfChi2: null | number
  /** pixels in PSF fit */
  readonly psfNdata: number
  /** PSF fit failed */
  readonly psfFlux_flag: null | boolean
  /** too near the edge for full PSF */
  readonly psfFlux_flag_edge: null | boolean
  /** no usable pixels for PSF fit */
  readonly psfFlux_flag_noGoodPixels: null | boolean
  /** trail model flux [nJy] */
  readonly trailFlux: null | number
  /** error of trailFlux [nJy] */
  readonly trailFluxErr: null | number
  /** trail centroid RA [deg] */
  readonly trailRa: null | number
  /** its error times cos(dec) [deg] */
  readonly trailRaErr: null | number
  /** trail centroid Dec [deg] */
  readonly trailDec: null | number
  /** its error [deg] */
  readonly trailDecErr: null | number
  /** trail length [arcsec] */
  readonly trailLength: null | number
  /** error of trailLength [arcsec] */
  readonly trailLengthErr: null | number
  /** trail position angle [deg] */
  readonly trailAngle: null | number
  /** error of trailAngle [deg] */
  readonly trailAngleErr: null | number
  /** trail fit chi2 (not filled) */
  readonly trailChi2: null | number
  /** pixels in trail fit (not filled, 0) */
  readonly trailNdata: number
  /** trail algorithm key, 1 SDSSShape 2 HSMShape */
  readonly trailAlgorithm: null | number
  /** trail reaches the edge */
  readonly trail_flag_edge: null | boolean
  /** trail fit failed */
  readonly trail_flag: null | boolean
  /** mean absolute lobe flux [nJy] */
  readonly dipoleMeanFlux: null | number
  /** its error [nJy] */
  readonly dipoleMeanFluxErr: null | number
  /** difference of absolute lobe fluxes [nJy] */
  readonly dipoleFluxDiff: null | number
  /** its error [nJy] */
  readonly dipoleFluxDiffErr: null | number
  /** lobe separation [arcsec] */
  readonly dipoleLength: null | number
  /** dipole bearing, negative to positive lobe [deg] */
  readonly dipoleAngle: null | number
  /** dipole fit chi2 (per dof in practice) */
  readonly dipoleChi2: null | number
  /** pixels in dipole fit */
  readonly dipoleNdata: number
  /** forced PSF flux on the science image [nJy] */
  readonly scienceFlux: null | number
  /** its error [nJy] */
  readonly scienceFluxErr: null | number
  /** that forced fit failed */
  readonly forced_PsfFlux_flag: null | boolean
  /** forced fit near edge */
  readonly forced_PsfFlux_flag_edge: null | boolean
  /** forced fit had no pixels */
  readonly forced_PsfFlux_flag_noGoodPixels: null | boolean
  /** forced PSF flux on the template [nJy] */
  readonly templateFlux: null | number
  /** its error [nJy] */
  readonly templateFluxErr: null | number
  /** source second moment xx [arcsec**2] */
  readonly ixx: null | number
  /** source second moment yy [arcsec**2] */
  readonly iyy: null | number
  /** source second moment xy [arcsec**2] */
  readonly ixy: null | number
  /** PSF second moment xx [arcsec**2] */
  readonly ixxPSF: null | number
  /** PSF second moment yy [arcsec**2] */
  readonly iyyPSF: null | number
  /** PSF second moment xy [arcsec**2] */
  readonly ixyPSF: null | number
  /** shape failed */
  readonly shape_flag: null | boolean
  /** shape had no pixels */
  readonly shape_flag_no_pixels: null | boolean
  /** centre outside footprint box */
  readonly shape_flag_not_contained: null | boolean
  /** is an undeblended parent */
  readonly shape_flag_parent_source: null | boolean
  /** 0 point-like .. 1 extended */
  readonly extendedness: null | number
  /** real/bogus score 0..1 */
  readonly reliability: null | number
  /** model version string */
  readonly reliabilityVersion: null | string
  /** filter letter ugrizy */
  readonly band: null | string
  /** classified as dipole */
  readonly isDipole: null | boolean
  /** dipole fit was tried */
  readonly dipoleFitAttempted: null | boolean
  /** row creation time MJD TAI [d] */
  readonly timeProcessedMjdTai: number
  /** withdrawal time MJD TAI, null = valid [d] */
  readonly timeWithdrawnMjdTai: null | number
  /** side of square box covering the footprint [pixel] */
  readonly bboxSize: number
  /** pixel-flag measurement failed; other pixelFlags unreliable */
  readonly pixelFlags: null | boolean
  /** bad pixel in footprint */
  readonly pixelFlags_bad: null | boolean
  /** cosmic ray in footprint */
  readonly pixelFlags_cr: null | boolean
  /** cosmic ray, 3x3 around centre */
  readonly pixelFlags_crCenter: null | boolean
  /** footprint partly off usable area */
  readonly pixelFlags_edge: null | boolean
  /** no-data pixel in footprint */
  readonly pixelFlags_nodata: null | boolean
  /** no-data pixel, 3x3 around centre */
  readonly pixelFlags_nodataCenter: null | boolean
  /** interpolated pixel in footprint */
  readonly pixelFlags_interpolated: null | boolean
  /** interpolated pixel, 3x3 around centre */
  readonly pixelFlags_interpolatedCenter: null | boolean
  /** centre off image */
  readonly pixelFlags_offimage: null | boolean
  /** saturated pixel in footprint */
  readonly pixelFlags_saturated: null | boolean
  /** saturated pixel, 3x3 around centre */
  readonly pixelFlags_saturatedCenter: null | boolean
  /** suspect pixel in footprint */
  readonly pixelFlags_suspect: null | boolean
  /** suspect pixel, 3x3 around centre */
  readonly pixelFlags_suspectCenter: null | boolean
  /** streak pixel in footprint */
  readonly pixelFlags_streak: null | boolean
  /** streak pixel, 3x3 around centre */
  readonly pixelFlags_streakCenter: null | boolean
  /** injected fake pixel in footprint */
  readonly pixelFlags_injected: null | boolean
  /** injected fake pixel, 3x3 around centre */
  readonly pixelFlags_injectedCenter: null | boolean
  /** fake injected in template */
  readonly pixelFlags_injected_template: null | boolean
  /** fake injected in template, 3x3 around centre */
  readonly pixelFlags_injected_templateCenter: null | boolean
  /** member of a glint trail */
  readonly glint_trail: null | boolean
}

export interface MpcOrbits {
  /** internal row id (sent as 0) */
  readonly id: number
  /** unpacked primary designation */
  readonly designation: string
  /** packed designation */
  readonly packed_primary_provisional_designation: string
  /** unpacked designation */
  readonly unpacked_primary_provisional_designation: string
  /** full orbit JSON text */
  readonly mpc_orb_jsonb: null | string
  /** row creation */
  readonly created_at: null | bigint
  /** row update */
  readonly updated_at: null | bigint
  /** orbit class code */
  readonly orbit_type_int: null | number
  /** uncertainty parameter */
  readonly u_param: null | number
  /** oppositions */
  readonly nopp: null | number
  /** arc, all obs [d] */
  readonly arc_length_total: null | number
  /** arc, used obs [d] */
  readonly arc_length_sel: null | number
  /** observations known */
  readonly nobs_total: null | number
  /** observations used */
  readonly nobs_total_sel: null | number
  /** semi-major axis [AU] */
  readonly a: null | number
  /** perihelion distance [AU] */
  readonly q: null | number
  /** eccentricity */
  readonly e: null | number
  /** inclination [deg] */
  readonly i: null | number
  /** ascending node longitude [deg] */
  readonly node: null | number
  /** argument of perihelion [deg] */
  readonly argperi: null | number
  /** perihelion passage time [d] */
  readonly peri_time: null | number
  /** Yarkovsky term [1e-10.au.d-2] */
  readonly yarkovsky: null | number
  /** radiation pressure term [m2.t-1] */
  readonly srp: null | number
  /** non-grav A1 [m2.t-1] */
  readonly a1: null | number
  /** non-grav A2 [m2.t-1] */
  readonly a2: null | number
  /** non-grav A3 [m2.t-1] */
  readonly a3: null | number
  /** non-grav delay */
  readonly dt: null | number
  /** mean anomaly [deg] */
  readonly mean_anomaly: null | number
  /** period [d] */
  readonly period: null | number
  /** mean motion [deg.d-1] */
  readonly mean_motion: null | number
  /** uncertainty of a [AU] */
  readonly a_unc: null | number
  /** uncertainty of q [AU] */
  readonly q_unc: null | number
  /** uncertainty of e */
  readonly e_unc: null | number
  /** uncertainty of i [deg] */
  readonly i_unc: null | number
  /** uncertainty of node [deg] */
  readonly node_unc: null | number
  /** uncertainty of argperi [deg] */
  readonly argperi_unc: null | number
  /** uncertainty of peri_time [d] */
  readonly peri_time_unc: null | number
  /** uncertainty of yarkovsky [1e-10.au.d-2] */
  readonly yarkovsky_unc: null | number
  /** uncertainty of srp [m2.t-1] */
  readonly srp_unc: null | number
  /** uncertainty of a1 [m2.t-1] */
  readonly a1_unc: null | number
  /** uncertainty of a2 [m2.t-1] */
  readonly a2_unc: null | number
  /** uncertainty of a3 [m2.t-1] */
  readonly a3_unc: null | number
  /** uncertainty of dt */
  readonly dt_unc: null | number
  /** uncertainty of mean_anomaly [deg] */
  readonly mean_anomaly_unc: null | number
  /** uncertainty of period [d] */
  readonly period_unc: null | number
  /** uncertainty of mean_motion [deg.d-1] */
  readonly mean_motion_unc: null | number
  /** epoch MJD [d] */
  readonly epoch_mjd: null | number
  /** H magnitude [mag] */
  readonly h: null | number
  /** G slope */
  readonly g: null | number
  /** fit rms [arcsec] */
  readonly not_normalized_rms: null | number
  /** normalised fit rms */
  readonly normalized_rms: null | number
  /** Earth MOID [AU] */
  readonly earth_moid: null | number
  /** last fit time */
  readonly fitting_datetime: null | bigint
}

export interface SsSource {
  /** detection id */
  readonly diaSourceId: bigint
  /** solar-system object id (packed designation) */
  readonly ssObjectId: bigint
  /** unpacked provisional designation */
  readonly designation: null | string
  /** ecliptic longitude of the observation [deg] */
  readonly eclLambda: number
  /** ecliptic latitude [deg] */
  readonly eclBeta: number
  /** galactic longitude [deg] */
  readonly galLon: number
  /** galactic latitude [deg] */
  readonly galLat: number
  /** Sun-observer-object angle [deg] */
  readonly elongation: null | number
  /** Sun-object-observer angle [deg] */
  readonly phaseAngle: null | number
  /** observer distance [AU] */
  readonly topoRange: null | number
  /** observer radial velocity, + receding [km/s] */
  readonly topoRangeRate: null | number
  /** Sun distance [AU] */
  readonly helioRange: null | number
  /** Sun radial velocity [km/s] */
  readonly helioRangeRate: null | number
  /** predicted RA [deg] */
  readonly ephRa: null | number
  /** predicted Dec [deg] */
  readonly ephDec: null | number
  /** predicted V magnitude [mag] */
  readonly ephVmag: null | number
  /** predicted sky rate [deg/d] */
  readonly ephRate: null | number
  /** RA part incl. cos(dec) [deg/d] */
  readonly ephRateRa: null | number
  /** Dec part [deg/d] */
  readonly ephRateDec: null | number
  /** observed-predicted separation [arcsec] */
  readonly ephOffset: null | number
  /** RA part incl. cos(dec) [arcsec] */
  readonly ephOffsetRa: null | number
  /** Dec part [arcsec] */
  readonly ephOffsetDec: null | number
  /** along-track part [arcsec] */
  readonly ephOffsetAlongTrack: null | number
  /** cross-track part [arcsec] */
  readonly ephOffsetCrossTrack: null | number
  /** heliocentric x at light emission [AU] */
  readonly helio_x: null | number
  /** heliocentric y at light emission [AU] */
  readonly helio_y: null | number
  /** heliocentric z at light emission [AU] */
  readonly helio_z: null | number
  /** heliocentric vx [km/s] */
  readonly helio_vx: null | number
  /** heliocentric vy [km/s] */
  readonly helio_vy: null | number
  /** heliocentric vz [km/s] */
  readonly helio_vz: null | number
  /** heliocentric speed [km/s] */
  readonly helio_vtot: null | number
  /** topocentric x at light emission [AU] */
  readonly topo_x: null | number
  /** topocentric y at light emission [AU] */
  readonly topo_y: null | number
  /** topocentric z at light emission [AU] */
  readonly topo_z: null | number
  /** topocentric vx [km/s] */
  readonly topo_vx: null | number
  /** topocentric vy [km/s] */
  readonly topo_vy: null | number
  /** topocentric vz [km/s] */
  readonly topo_vz: null | number
  /** topocentric speed [km/s] */
  readonly topo_vtot: null | number
  /** closeness rank of this detection to the prediction, 1 = nearest */
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
  'announcement': Announcement
  'audit': Audit
  'control': Control
  'detector-job': DetectorJob
  'detector-result': DetectorResult
  'detector-visit': DetectorVisit
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
  'visit-summary': VisitSummary
  'visit': Visit
}
