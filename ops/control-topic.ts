import { schemaIdOf, UndecodableError } from '../schemas/codec.ts'
import type { Audit, Control } from '../schemas/avro/generated.ts'
import type { Config } from '../streams/main/config.ts'
import { partitionsOfTopic, readCommitted } from '../streams/read-topic.ts'
import { applyHold, isAboutTime, type Hold } from '../topology/hold.ts'
import { applyControl, type Masks } from '../topology/masks.ts'
import { Rejection } from '../topology/model/step.ts'
import type { Instant } from '../topology/model/time.ts'
import { audit, control } from '../topology/streams.ts'
import { asOperator, commitOrder, type Operator } from './operator.ts'

/** The operators' end of the `control` topic: orders go in, and what fan-out makes of all of them is read off it. */
export interface ControlTopic {
  /** Writes the orders, and beside them who gave them and why, in one transaction. */
  give(orders: readonly Control[], note: Audit): Promise<void>
  /** The masks of every instrument as fan-out knows them once it has read all that is committed now; undefined: none. */
  masks(): Promise<ReadonlyMap<string, Masks | undefined>>
  /** The last word on time, as the clock knows it; it may have ended by itself since. */
  hold(): Promise<Hold | undefined>
}

/** Opens the topic for as long as `work` takes. @throws ConfigError where brokers or registry do not answer. */
export const withControlTopic = <T>(config: Config, work: (topic: ControlTopic) => Promise<T>): Promise<T> =>
  asOperator(config, 'control', [control, audit], operator =>
    work({
      give: (orders, note) => give(operator, `${config.app}.operator`, orders, note),
      masks: () => foldMasks(operator),
      hold: () => foldHold(operator),
    }),
  )

/** Both topics have one partition: fan-out takes orders in the order of their append. */
async function give(operator: Operator, id: string, orders: readonly Control[], note: Audit) {
  const records = orders.map(order => ({
    topic: control.topic,
    partition: 0,
    key: Buffer.from(order.instrument),
    value: operator.codec.encode('control', order),
  }))
  await commitOrder(operator, await operator.client.fence(id), records, note, 'pp mask ls or pp hold show')
}

async function foldMasks(operator: Operator): Promise<ReadonlyMap<string, Masks | undefined>> {
  const masks = new Map<string, Masks | undefined>()
  await eachOrder(operator, (order, at) => {
    if (isAboutTime(order)) return
    masks.set(order.instrument, applyControl(masks.get(order.instrument), order, at))
  })
  return masks
}

async function foldHold(operator: Operator): Promise<Hold | undefined> {
  let hold: Hold | undefined
  await eachOrder(operator, (order, at) => void (hold = applyHold(hold, order, at)))
  return hold
}

/** Orders that are refused change nothing: fan-out parks them, with the reason. */
async function eachOrder({ client, codec }: Operator, take: (order: Control, at: Instant) => void): Promise<void> {
  const records = await readCommitted(client, await partitionsOfTopic(client, control.topic))
  await codec.prefetch(records.flatMap(({ value }) => (value && !codec.knows(value) ? [schemaIdOf(value)] : [])))
  for (const { value, timestamp } of records) {
    if (!value) continue
    try {
      take(codec.decode('control', value), timestamp)
    } catch (error) {
      if (!(error instanceof Rejection || error instanceof UndecodableError)) throw error
    }
  }
}
