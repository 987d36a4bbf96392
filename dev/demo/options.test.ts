import { expect, it } from 'vitest'
import { switches } from '../night/adversity/switches.ts'
import { demoOptions } from './options.ts'

it('lets all go wrong on a night of LSSTComCam, where nothing else is asked for', () => {
  expect(demoOptions([])).toMatchObject({
    instrument: 'LSSTComCam',
    workers: 3,
    slots: 3,
    cadence: 15,
    adversity: switches,
  })
})

it('plays LSSTCam quiet, with four workers and 35 s between visits, but for what is asked for', () => {
  const lsstCam = ['--instrument', 'LSSTCam', '--no-pixels']
  expect(demoOptions(lsstCam)).toMatchObject({ workers: 4, slots: 48, cadence: 35, adversity: [] })
  const asked = ['--adversity', 'no-raw', '--workers', '3', '--cadence', '40']
  expect(demoOptions([...lsstCam, ...asked])).toMatchObject({ workers: 3, cadence: 40, adversity: ['no-raw'] })
})
