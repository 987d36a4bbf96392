import { inflateSync, crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readFits } from '../../pipeline/images/fits.ts'
import { pictureOf, planeOf } from './look.ts'
import { chipOfDetector, renderExposure } from './pixels.ts'
import { planNight } from './plan.ts'
import { pngBytes } from './png.ts'
import { primaryHeader, rawFits } from './raw.ts'

/** Chunks of a PNG, their checksums held against their bytes. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    chunks.set(type, png.subarray(at + 8, at + 8 + length))
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)))
    at += length + 12
  }
  return chunks
}

describe('looking at an image', () => {
  it('makes a PNG whose pixels are the picture', () => {
    const picture = { width: 3, height: 2, rgb: Uint8Array.from({ length: 18 }, (_, i) => i) }
    const chunks = chunksOf(pngBytes(picture))
    expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND'])
    expect([...chunks.get('IHDR')!]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0])
    const rows = inflateSync(chunks.get('IDAT')!)
    expect([...rows]).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 10, 11, 12, 13, 14, 15, 16, 17])
  })

  it('puts the amplifiers of a raw side by side, without bias and overscan, the first row at the bottom', () => {
    const plan = planNight({ seed: 2, instrument: 'LATISS', visits: 1, size: 128, start: Date.UTC(2026, 10, 22) })
    const [visit, detector] = [plan.visits[0]!, plan.detectors[0]!]
    const chip = chipOfDetector(plan, detector)
    const dark = { ...detector, field: { stars: [], changing: [] } }
    const { raws } = renderExposure(plan, visit, dark, 0, chip)
    const plane = planeOf(readFits(rawFits(primaryHeader(plan, visit, visit.exposures[0]!, detector), chip, raws)))
    expect([plane.width, plane.height]).toEqual([128, 128])
    const mean = plane.data.reduce((sum, light) => sum + light, 0) / plane.data.length
    expect(mean / visit.conditions.sky).toBeCloseTo(1, 1)
    plane.data.set(new Float32Array(128).fill(1e6), 0)
    const { rgb } = pictureOf(plane)
    expect([...rgb.subarray(3 * 127 * 128, 3 * 127 * 128 + 3)]).toEqual([255, 255, 255])
    expect(rgb[0]).toBeLessThan(200)
  })
})
