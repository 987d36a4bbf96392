import { describe, expect, it } from 'vitest'
import { ConfigError } from '../streams/main/config.ts'
import { NIGHT } from '../topology/testing/announcements.ts'
import { ordersOf, type Order } from './masks.ts'

const order = (more: Partial<Order> = {}): Order => ({
  ...{ kind: 'mask', instrument: 'LSSTComCam', detectors: '0,3-4', reason: 'hot', by: 'ann' },
  ...more,
})

describe('an order', () => {
  it('is one record a detector', () => {
    const orders = ordersOf(order(), NIGHT)
    expect(orders.map(it => it.detector)).toEqual([0, 3, 4])
    expect(orders[0]).toEqual({
      ...{ kind: 'mask', instrument: 'LSSTComCam', detector: 0, reason: 'hot', by: 'ann', until: null },
    })
  })
  it('for all of them is one record that names none', () => {
    expect(ordersOf(order({ detectors: 'all' }), NIGHT).map(it => it.detector)).toEqual([null])
  })
  it.each([
    [{ for: '90s' }, 90_000],
    [{ for: '2h' }, 7_200_000],
    [{ for: '1d' }, 86_400_000],
    [{ until: '2026-02-25T04:30:00Z' }, 1_800_000],
    [{ until: '2026-02-25T01:30:00-03:00' }, 1_800_000],
  ])('%j after its night began ends %d ms later', (time, lasting) => {
    expect(ordersOf(order(time), NIGHT)[0]!.until).toBe(NIGHT + lasting)
  })
  it.each<[Partial<Order>, string]>([
    [{ instrument: 'NIRCam' }, 'There is no instrument "NIRCam"; allowed are'],
    [{ detectors: '9' }, '"9" names no detectors of LSSTComCam; allowed are 0 to 8'],
    [{ detectors: 'every' }, '"every" names no detectors'],
    [{ reason: ' ' }, '--reason is blank'],
    [{ by: ' ' }, '--by is blank'],
    [{ for: '2 hours' }, '--for is "2 hours"; allowed are 90s'],
    [{ for: '0s' }, 'had ended before it was ordered'],
    [{ until: '2026-02-25T04:30:00' }, '--until is "2026-02-25T04:30:00"; a time with its zone'],
    [{ until: '2027-02-30T04:30:00Z' }, '--until is "2027-02-30T04:30:00Z"'],
    [{ until: '2027-02-29T23:30:00-03:00' }, '--until is "2027-02-29'],
    [{ until: 'soonZ' }, '--until is "soonZ"'],
    [{ until: '2026-02-25T03:59:59Z' }, 'had ended before it was ordered'],
    [{ until: '2026-02-25T04:30:00Z', for: '1h' }, 'give one'],
  ])('with %j is refused before anything is written', (more, sentence) => {
    expect(() => ordersOf(order(more), NIGHT)).toThrow(ConfigError)
    expect(() => ordersOf(order(more), NIGHT)).toThrow(sentence)
  })
  it('is given by who is logged in, where --by is not said, and needs --by where that has no name', () => {
    const { by: _, ...unsaid } = order()
    expect(ordersOf(unsaid, NIGHT, () => 'bob')[0]!.by).toBe('bob')
    const nameless = () => {
      throw new Error('uv_os_get_passwd returned ENOENT')
    }
    for (const login of [nameless, () => ' '])
      expect(() => ordersOf(unsaid, NIGHT, login)).toThrow('nobody is logged in; say --by')
  })
})
