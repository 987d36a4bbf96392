import type { Announcement, DetectorJob, RawArrival } from '../../schemas/avro/generated.ts'
import { unitKey } from '../../topology/identifiers.ts'
import type { Event } from '../../topology/model/step.ts'
import type { Stream } from '../../topology/model/stream.ts'
import { detectorJob } from '../../topology/streams.ts'

export const announcement: Announcement = {
  instrument: 'LATISS',
  group: '2026-11-22T03:00:00.000',
  salIndex: 2,
  scriptSalIndex: 1,
  ra: 30,
  dec: -20,
  rotation: 0,
  filters: 'SDSSr_65mm',
  dome: 'OPEN',
  duration: 35,
  nimages: 1,
  survey: 'spec',
  totalCheckpoints: 0,
  startTimeTai: 1_795_000_000,
  publishedAt: 1_795_000_000_000,
}

export const raw = (detector: number, exposure = 2026112100042n): RawArrival => ({
  instrument: announcement.instrument,
  group: announcement.group,
  detector,
  snap: 0,
  exposure,
  bucket: 'raw',
  key: `LATISS/${exposure}/${detector}.fits`,
  size: 1_000n,
  eTag: null,
})

/** A decision about one detector of the announcement; ready with one raw unless told otherwise. */
export const decision = (detector: number, more: Partial<DetectorJob> = {}): DetectorJob => {
  const kind = more.kind ?? 'ready'
  return {
    attempt: 0,
    number: kind === 'announced' ? 1 : 2,
    kind,
    detector,
    announcement,
    pipelines: ['SingleFrame'],
    inputs: kind === 'ready' ? 'complete' : null,
    raws: kind === 'ready' ? [{ at: Date.now(), raw: raw(detector) }] : [],
    deadline: Date.now() + 60_000,
    reason: null,
    announcedAt: Date.now(),
    ...more,
  }
}

export const event = <V>(stream: Stream<V>, key: string, value: V, at = Date.now()): Event<V> => ({
  stream: stream.topic,
  key,
  at,
  replay: 0,
  value,
})

export const jobEvent = (job: DetectorJob): Event<DetectorJob> =>
  event(detectorJob, unitKey(job.announcement.instrument, job.announcement.group, job.detector), job)
