import type { Step } from '../../topology/model/step.ts'
import type { AnyStep, Topology } from '../../topology/model/topology.ts'
import { demoTopology, windowStep } from './demo.ts'

type Window = Parameters<typeof windowStep.deadline>[0]
interface Newer {
  readonly inner: Window
}
/** The same decisions from states of another shape: the older step could do nothing with them. */
export const newerStep: Step<Newer> = {
  name: 'window',
  on: (state, event, ...rest) => {
    const look = () => undefined
    const { state: inner, out } = windowStep.on(state?.inner, event, rest[0], look)
    return { state: inner && { inner }, out }
  },
  deadline: ({ inner }) => windowStep.deadline(inner),
  migrations: [older => ({ inner: older })],
}

/** The demo with another step in its window. */
export const demoRunning = (step: unknown): Topology => ({
  ...demoTopology,
  stages: demoTopology.stages.map(stage =>
    stage.name === 'window' ? { ...stage, run: { step: step as AnyStep } } : stage,
  ),
})

/** The demo before and after an upgrade. */
export const demoVersions = { older: demoTopology, newer: demoRunning(newerStep) } as const
export type DemoVersion = keyof typeof demoVersions
