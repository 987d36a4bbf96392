import { setTimeout as sleep } from 'node:timers/promises'
import { listings } from '../raws/listings.ts'
import { rawIntake } from '../raws/raw-intake.ts'
import { rawReconcile } from '../raws/raw-reconcile.ts'
import { sidecars } from '../raws/sidecars.ts'
import type { World } from './world.ts'

/** Exposures whose sidecar is remembered: ten nights. */
const MAX_SIDECARS = 10_000

/** The effects that only look at the bucket of raws, and change nothing there. */
export function rawEffects({ config, store, log }: Pick<World, 'config' | 'store' | 'log'>) {
  const known = sidecars({
    bucket: store,
    tries: config.raws.sidecarTries,
    pauseMs: config.raws.sidecarPauseMs,
    pause: sleep,
    capacity: MAX_SIDECARS,
  })
  const { rawBucket } = config.s3
  return {
    'raw-intake': rawIntake(known, rawBucket),
    'raw-reconcile': rawReconcile(listings({ bucket: store, rawBucket, sidecars: known, log })),
  }
}
