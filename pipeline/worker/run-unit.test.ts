import { expect, it } from 'vitest'
import type { Preloaded } from './preload.ts'
import { choosePipeline } from './run-unit.ts'

const bytes = new Uint8Array(1)
const everything: Preloaded = {
  band: 'r',
  bias: bytes,
  flat: bytes,
  templates: [bytes],
  objects: [],
  inputs: [],
  missing: [],
}

it('takes the first pipeline whose inputs are there', () => {
  const preferred = ['ApPipe', 'SingleFrame', 'Isr']
  expect(choosePipeline(preferred, everything)).toEqual({ pipeline: 'ApPipe' })
  expect(choosePipeline(preferred, { ...everything, templates: [] })).toEqual({ pipeline: 'SingleFrame' })
  expect(choosePipeline(preferred, { ...everything, templates: [], flat: undefined })).toEqual({ pipeline: 'Isr' })
})

it('says of every pipeline what it lacks, and what was looked for in vain', () => {
  const found = { ...everything, bias: undefined, templates: [], missing: ['no bias under LATISS/calib/bias/0/'] }
  expect(choosePipeline(['ApPipe', 'Quantum'], found)).toEqual({
    refusal:
      'ApPipe needs bias and templates; Quantum is not a pipeline of this worker (ApPipe, SingleFrame, Isr); ' +
      'no bias under LATISS/calib/bias/0/',
  })
})
