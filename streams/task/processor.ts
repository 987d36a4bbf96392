import { Subject } from 'rxjs'
import type { Codec } from '../../schemas/codec.ts'
import { Rejection, type Out, type Step } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { AnyStep } from '../../topology/model/topology.ts'
import { MOST_VALUE_BYTES } from '../../topology/derive.ts'
import { byAppendTime } from '../operators/by-append-time.ts'
import { mergeWatermarks } from '../operators/merge-watermarks.ts'
import type { In, Move, UpstreamMark } from '../operators/moves.ts'
import { runStep, type Store } from '../operators/run-step.ts'
import { Unrecoverable } from './faults.ts'
import type { TaskPlan } from './plan.ts'
import { encodeValue } from './records.ts'

/** What stands between a task's input and its outputs: the operators of a step, or the effects under way. */
export interface Processor {
  next(move: In | UpstreamMark): void
  /** Whether it can take one more record now. */
  readonly hasRoom: boolean
  /** Records taken whose outcome is still to come. */
  readonly running: number
  close(): void
}

/** The operators of a step: watermarks are merged, inputs put in order where the stage asks for it, and run through the step. */
export function stepProcessor(
  { stage, upstream }: TaskPlan,
  step: AnyStep,
  { store, marks, shared }: { store: Store<unknown>; marks: Map<string, Instant>; shared: unknown },
  encode: (out: Out) => Out,
  emit: (move: Move) => void,
): Processor {
  const source = new Subject<In | UpstreamMark>()
  const merged = source.pipe(mergeWatermarks(upstream, marks))
  const topics = stage.reads.map(({ topic }) => topic)
  const ordered = stage.order === 'time' ? merged.pipe(byAppendTime(topics)) : merged
  let failure: Error | undefined
  const fail = (error: unknown) => void (failure ??= error as Error)
  ordered.pipe(runStep(encoding(step, encode), store, shared)).subscribe({
    // What a subscriber throws RxJS reports later and elsewhere, when the batch may have been committed without it.
    next: move => {
      try {
        emit(move)
      } catch (error) {
        fail(error)
      }
    },
    error: fail,
  })
  return {
    hasRoom: true,
    running: 0,
    next: move => {
      source.next(move)
      if (failure) throw new Unrecoverable(`step ${step.name} failed: ${failure.message}`, { cause: failure })
    },
    close: () => source.complete(),
  }
}

/** The same step with its outputs as bytes: an output that cannot be written refuses its event before any state changes. */
function encoding(step: AnyStep, encode: (out: Out) => Out): Step<unknown, unknown> {
  const plain = step as unknown as Step<unknown, unknown>
  return {
    name: plain.name,
    ...(plain.key && { key: event => plain.key!(event) }),
    deadline: state => plain.deadline(state),
    on: (...situation) => {
      const result = plain.on(...situation)
      return { ...result, out: result.out.map(encode) }
    },
  }
}

/** No transaction can hold more, however often it is tried. */
function fitting(value: Buffer): Buffer {
  if (value.length <= MOST_VALUE_BYTES) return value
  throw new RangeError(`${value.length} bytes are more than a record may have, ${MOST_VALUE_BYTES}`)
}

/** Encodes outputs of the plan's stage; throws a `Rejection` for one that is not declared or not what its contract says. */
export const encoderOf =
  ({ stage, writes }: Pick<TaskPlan, 'stage' | 'writes'>, codec: Codec) =>
  (out: Out): Out<Buffer> => {
    const stream = writes.get(out.stream)
    if (!stream) {
      const allowed = [...writes.keys()].join(', ') || 'nothing'
      throw new Rejection('undeclared-output', `${stage.name} wrote to ${out.stream}; it declares: ${allowed}.`)
    }
    try {
      return { ...out, value: fitting(encodeValue(codec, stream, out.value)) }
    } catch (error) {
      throw new Rejection('unwritable-output', `${stage.name} to ${out.stream}: ${(error as Error).message}`)
    }
  }
