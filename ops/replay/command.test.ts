import { expect, it, vi } from 'vitest'
import { OrderRefused } from '../../streams/task/faults.ts'
import { planOf } from '../../streams/task/plan.ts'
import { stageOf } from '../../topology/model/topology.ts'
import { demoTopology } from '../../streams/testing/demo.ts'
import { replayCommand } from './command.ts'

it('what a refused order prints to take it back is a command as it stands', async () => {
  const refused = new OrderRefused(planOf('test', demoTopology, stageOf(demoTopology, 'front'), 0), 'A sentence')
  const line = /^ *pp replay (.*)$/m.exec(refused.message)![1]!
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
  const command = replayCommand(() => undefined)
  const taken = vi.fn()
  for (const each of command.commands) each.exitOverride().action(taken)
  await command.parseAsync(words, { from: 'user' })
  expect(taken.mock.calls.map(([stages, options]: unknown[]) => [stages, options])).toEqual([
    ['front', { reason: '…' }],
  ])
})
