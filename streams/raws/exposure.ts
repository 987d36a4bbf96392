import type { RawKey } from '../../topology/raw-key.ts'
import type { GroupAndSnap } from './sidecars.ts'

/** What a sidecar's answer is remembered under: one per exposure of an instrument. */
export const exposureOf = (raw: RawKey): string => `${raw.instrument}/${raw.exposure}`

/** Group and snap where the key itself holds them; undefined where only the sidecar knows. */
export const groupOf = (raw: RawKey): GroupAndSnap | undefined =>
  raw.family === 'group' ? { group: raw.group, snap: raw.snap } : undefined
