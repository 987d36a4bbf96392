import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { DetectorResult, PipelineResult } from '../../schemas/avro/generated.ts'
import { type Codec, schemaIdOf } from '../../schemas/codec.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { isOf } from '../../topology/model/step.ts'
import { alertsRetracted, detectorResult, pipelineResult } from '../../topology/streams.ts'
import { type Effect, nothing } from '../effect.ts'
import {
  type Archive,
  type Commit,
  commitKey,
  resultKey,
  type Retraction,
  retractionKey,
  schemaKey,
} from './archive.ts'

/**
 * pipeline-result, detector-result and alerts-retracted → the archive from which an APDB is rebuilt: reports that may be committed, the
 * commits, and what was withdrawn after them. All have names of their own, so the same record may come any number of times. Off the way to the alerts: a store that is away makes the
 * archive late, and nothing else.
 */
export function archiveResults(store: Pick<Archive, 'put'>, bucket: string, codec: Pick<Codec, 'encode'>): Effect {
  const schemas = new Map<number, Promise<unknown>>()
  const putSchema = (id: number) => {
    const known = schemas.get(id)
    if (known !== undefined) return known
    const putting = store.put(bucket, schemaKey(id), Buffer.from(JSON.stringify(wholeSchema('pipeline-result'))))
    schemas.set(id, putting)
    putting.catch(() => schemas.delete(id))
    return putting
  }
  const putResult = async (unit: string, result: PipelineResult) => {
    const bytes = codec.encode('pipeline-result', result)
    // The schema first: bytes that cannot be read would be no archive.
    await putSchema(schemaIdOf(bytes))
    await store.put(bucket, resultKey(unit, result.attempt, result.epoch), await zip(bytes))
  }
  return async event => {
    if (isOf(pipelineResult, event)) {
      if (event.value.outcome === 'succeeded') await putResult(event.key, event.value)
    } else if (isOf(detectorResult, event)) {
      const commit = commitOf(event.value)
      if (commit !== undefined)
        await store.put(
          bucket,
          commitKey(commit.committedAtMjdTai, commit.unit, commit.attempt),
          Buffer.from(JSON.stringify(commit)),
        )
    } else if (isOf(alertsRetracted, event)) {
      const { diaSourceId, timeWithdrawnMjdTai } = event.value
      const retraction: Retraction = { diaSourceId: String(diaSourceId), timeWithdrawnMjdTai }
      await store.put(bucket, retractionKey(diaSourceId), Buffer.from(JSON.stringify(retraction)))
    } else throw new Error(`result-archive reads reports, results and retractions, not ${event.stream}`)
    return nothing
  }
}

const zip = promisify(gzip)

/** Undefined where nothing was committed. */
function commitOf(result: DetectorResult): Commit | undefined {
  const { instrument, group, detector, attempt, epoch, committedAtMjdTai, diaSources, diaObjects } = result
  if (result.state !== 'published' || epoch === null || committedAtMjdTai === null) return undefined
  return { unit: unitKey(instrument, group, detector), attempt, epoch, committedAtMjdTai, diaSources, diaObjects }
}
