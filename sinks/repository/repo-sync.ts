import { setTimeout as sleep } from 'node:timers/promises'
import { visitKey } from '../../topology/identifiers.ts'
import { isOf, Rejection, to } from '../../topology/model/step.ts'
import { type Registration, registrationOf } from '../../topology/registration.ts'
import { detectorResult, repositoryIngested } from '../../topology/streams.ts'
import { type Effect, nothing } from '../effect.ts'
import { type Pool, transact } from '../postgres/pool.ts'
import { refusalOf } from '../postgres/refusal.ts'
import { inBatches } from '../batches.ts'
import { datasetIds, register } from './register.ts'

/** Units in one transaction at most. */
const BATCH = 500
/** Registration is off the critical path; a pause this short still gathers what a burst brings at once. */
const GATHER_MS = 20

/** Hears of every transaction, for logs. */
export type OnRegistered = (batch: readonly Registration[]) => void

/**
 * detector-result → the central repository's registry, and a record on repository-ingested for each unit. Results that come together are
 * registered in one transaction. The same result may come any number of times: it finds itself registered, and says so again.
 *
 * @throws Rejection for products that cannot be registered; anything else is trouble outside: call again
 */
export function repoSync(pool: Pool, onRegistered: OnRegistered = () => undefined): Effect {
  const registered = inBatches<Registration>(
    async batch => {
      await transact(pool, client => register(client, batch))
      onRegistered(batch)
    },
    { most: BATCH, gather: () => sleep(GATHER_MS), refusalOf },
  )
  return async event => {
    if (!isOf(detectorResult, event)) throw new Error(`repo-sync reads ${detectorResult.topic}, not ${event.stream}`)
    const { instrument, group, detector } = event.value
    if (event.key !== visitKey(instrument, group))
      throw new Rejection('foreign-visit', `the record's key is "${event.key}", but it tells of ${instrument} ${group}`)
    const registration = registrationOf(event.value, event.at)
    if (registration === undefined) return nothing
    await registered(registration)
    const { unit, attempt, visit, run } = registration
    const ingested = {
      ...{ instrument, group, detector, attempt, visit },
      ...{ run: run.name, datasets: datasetIds(registration) },
    }
    return { out: [to(repositoryIngested, unit, ingested)] }
  }
}
