import type { OperatorFunction } from 'rxjs'
import type { Replay } from '../../topology/model/step.ts'
import type { Window, WindowSpec } from '../../topology/window/window.ts'
import { windowedJoin } from '../../topology/window/windowed-join.ts'
import type { In, Move } from './moves.ts'
import { runStep, type Store } from './run-step.ts'

/**
 * The windowed join with a timeout, as an operator: one left record per key meets its right records before a deadline.
 * `windowedJoin` decides, `runStep` moves; what the join promises is said there.
 */
export const joinWithin = <L, R, A extends { readonly attempt: Replay }>(
  spec: WindowSpec<L, R, A>,
  store: Store<Window<L, R>>,
): OperatorFunction<In, Move> => runStep(windowedJoin(spec), store, undefined)
