import { isOf, Rejection, to, type Event, type Step } from '../../topology/model/step.ts'
import { defineTopology } from '../../topology/model/define.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import { clock, parked } from '../../topology/streams.ts'
import type { Effect } from '../task/effects.ts'

/**
 * A small topology with one stage of each kind, to test the runtime with (`jsonCodec` writes its values):
 * `front` takes two entrances in order of time, `intake` is an effect at an entrance, `window` joins what both write,
 * `ledger` is an effect inside.
 */
const demo = <V>(topic: string, more: Partial<Stream<V>> = {}): Stream<V> => ({
  topic,
  key: 'unit',
  cleanup: 'delete',
  format: { avro: 'audit' },
  ...more,
})
export interface Item {
  readonly id: string
}
export const orders = demo<Item>('orders', { key: 'none', partitions: 1 })
export const urgent = demo<Item>('urgent', { key: 'none', partitions: 1 })
export const parcels = demo<Item>('parcels', { key: 'none', partitions: 4 })
export const items = demo<Item & { readonly place: number }>('items')
export const arrived = demo<Item>('arrived')
export const seen = demo<Item>('seen')
export const closed = demo<{ readonly ids: readonly string[] }>('closed')
export const receipts = demo<Item>('receipts')

/** The part of an id before the dash is its key: "a-7" belongs to "a". */
export const keyOf = (id: string): string => id.split('-')[0]!

/** Numbers what it takes, in the order in which it takes it; refuses ids that say so. */
const front: Step<{ readonly count: number }> = {
  name: 'front',
  key: () => '*',
  on: (state, event) => {
    const { value } = event as Event<Item>
    if (value.id.includes('bad')) throw new Rejection('bad-id', `${value.id} is bad.`)
    const count = (state?.count ?? 0) + 1
    return { state: { count }, out: [to(items, keyOf(value.id), { id: value.id, place: count })] }
  },
  deadline: () => undefined,
}

interface Window {
  readonly members: readonly { readonly id: string; readonly at: Instant }[]
}
export const WINDOW_MS = 5_000
/** A window opens with its earliest member and closes 5 s later, with what had entered the system by then; the next one holds the rest. */
export const windowStep: Step<Window> = {
  name: 'window',
  on: (state, event) => {
    const members = state?.members ?? []
    if (event.stream === '@deadline') {
      const [inside, after] = [members.filter(m => m.at <= event.at), members.filter(m => m.at > event.at)]
      const ids = inside.map(({ id }) => id).sort()
      return { state: after.length > 0 ? { members: after } : undefined, out: [to(closed, event.key, { ids })] }
    }
    if (!isOf(items, event) && !isOf(arrived, event)) throw new Error(`unexpected ${event.stream}`)
    const { id } = event.value
    if (members.some(member => member.id === id)) return { state, out: [] }
    return { state: { members: [...members, { id, at: event.at }] }, out: [to(seen, event.key, { id })] }
  },
  deadline: ({ members }) => Math.min(...members.map(({ at }) => at)) + WINDOW_MS,
}

export const intakeEffect: Effect = async ({ value }) => {
  const { id } = value as Item
  if (id.includes('bad')) throw new Rejection('bad-id', `${id} is bad.`)
  return { out: [to(arrived, keyOf(id), { id })] }
}
export const ledgerEffect: Effect = async ({ key, value }) => ({ out: [to(receipts, key, value as Item)] })

export const demoTopology = defineTopology({
  name: 'demo',
  partitions: 3,
  clock,
  parked,
  entrances: [orders, urgent, parcels],
  stages: [
    {
      ...{ name: 'clock', summary: 'ticks', role: 'clock', tasks: 1 },
      ...{ reads: [], writes: [clock], run: 'service' },
    },
    {
      ...{ name: 'front', summary: 'numbers orders, urgent ones first', role: 'steps', tasks: 1 },
      ...{ reads: [urgent, orders], writes: [items], run: { step: front }, watermark: 'clock', order: 'time' },
    },
    {
      ...{ name: 'intake', summary: 'takes parcels', role: 'effects', tasks: 2 },
      ...{ reads: [parcels], writes: [arrived], run: 'effect', watermark: 'clock' },
    },
    {
      ...{ name: 'window', summary: 'joins both', role: 'steps', tasks: 'per-partition' },
      ...{ reads: [items, arrived], writes: [seen, closed], run: { step: windowStep }, watermark: 'streams' },
    },
    {
      ...{ name: 'ledger', summary: 'books what was seen', role: 'effects', tasks: 'per-partition' },
      ...{ reads: [seen], writes: [receipts], run: 'effect' },
    },
  ],
  exits: [closed, receipts],
})
export const demoEffects: Readonly<Record<string, Effect>> = { intake: intakeEffect, ledger: ledgerEffect }
