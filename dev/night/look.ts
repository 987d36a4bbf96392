import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { imageOf, readFits, stringOf, type Hdu, type Header, type Plane } from '../../pipeline/images/fits.ts'
import { pixelOfSky, type TanWcs } from '../../topology/camera.ts'
import { detectorNamed, instrumentOf } from '../../topology/instruments.ts'
import type { Injected } from './pixels.ts'
import { drawRing, pngBytes, setPixel, type Colour, type Picture } from './png.ts'
import { readTruth, type TruthOfUnit } from './truth.ts'

/**
 * Turns a FITS file into a picture: a raw (its amplifiers side by side, bias levels evened out), a calibration, a template, or an image
 * product. North is where the file has it; the first row is at the bottom. With the truth, transients are ringed yellow, variables
 * blue and bodies of the solar system pink; those above SNR 10 and isolated have a double ring.
 */
const USAGE = 'npm run look -- FILE.fits PICTURE.png [--truth TRUTH.json]'

/** The pixels of a file as one plane. */
export function planeOf(hdus: readonly Hdu[]): Plane {
  const [primary, ...extensions] = hdus
  if (primary!.data.length > 0) return imageOf(primary!)
  const stripes = extensions.filter(it => it.header.has('DETSEC')).map(stripeOf)
  if (stripes.length === 0) throw new Error('The file has neither a primary image nor amplifiers.')
  const height = stripes[0]!.height
  const width = stripes.reduce((sum, stripe) => sum + stripe.width, 0)
  const data = new Float32Array(width * height)
  let x0 = 0
  for (const stripe of stripes) {
    for (let y = 0; y < height; y++)
      data.set(stripe.data.subarray(y * stripe.width, (y + 1) * stripe.width), y * width + x0)
    x0 += stripe.width
  }
  return { width, height, data }
}

/** An amplifier's light in electrons: overscan columns cut off, their mean taken away. */
function stripeOf(hdu: Hdu): Plane {
  const { width, height, data } = imageOf(hdu)
  const columns = Number(/:(\d+),/.exec(stringOf(hdu.header, 'DATASEC'))?.[1])
  const overscan = data.filter((_, i) => i % width >= columns)
  const level = overscan.reduce((sum, adu) => sum + adu, 0) / overscan.length
  const gain = Number(hdu.header.get('GAIN') ?? 1)
  return { width: columns, height, data: data.filter((_, i) => i % width < columns).map(adu => (adu - level) * gain) }
}

/** Grey from the sky up: linear around the median, then like an inverse hyperbolic sine, so that faint and bright both show. */
export function pictureOf({ width, height, data }: Plane): Picture {
  const sorted = data.filter(Number.isFinite).sort()
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0
  const sky = at(0.5)
  const sigma = at(0.5) - at(0.16) || 1
  const picture = { width, height, rgb: new Uint8Array(3 * width * height) }
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = (data[(height - 1 - y) * width + x]! - sky) / sigma
      const grey = Math.round(70 + 40 * Math.asinh(value / 2))
      const level = Math.min(255, Math.max(0, grey))
      setPixel(picture, x, y, Number.isNaN(value) ? [60, 0, 0] : [level, level, level])
    }
  return picture
}

const COLOURS = {
  transient: [255, 220, 0],
  variable: [80, 170, 255],
  body: [255, 90, 200],
} as const satisfies Readonly<Record<Injected['kind'], Colour>>

/** Rings what was injected into the visit and detector that the header names. */
function ring(picture: Picture, header: Header, unit: TruthOfUnit): void {
  const wcs = wcsOf(header)
  for (const source of unit.sources) {
    const at = pixelOfSky(wcs, source)
    if (!at) continue
    const [x, y] = [at.x - 1, picture.height - at.y]
    drawRing(picture, x, y, 12, COLOURS[source.kind])
    if (source.isolated && Math.abs(source.snr) > 10) drawRing(picture, x, y, 15, COLOURS[source.kind])
  }
}

function wcsOf(header: Header): TanWcs {
  const [a, b, c, d, e, f, g, h] = ['CRVAL1', 'CRVAL2', 'CRPIX1', 'CRPIX2', 'CD1_1', 'CD1_2', 'CD2_1', 'CD2_2'].map(
    key => Number(header.get(key)),
  ) as [number, number, number, number, number, number, number, number]
  return { crval: [a, b], crpix: [c, d], cd: [[e, f], [g, h]] } // prettier-ignore
}

async function unitOf(path: string, header: Header): Promise<TruthOfUnit> {
  const [group, name] = [header.get('GROUPID'), `${String(header.get('RAFTBAY'))}_${String(header.get('CCDSLOT'))}`]
  const detector = detectorNamed(instrumentOf(stringOf(header, 'INSTRUME'))!, name)?.id
  const unit = (await readTruth(path)).units.find(it => it.group === group && it.detector === detector)
  if (unit) return unit
  throw new Error(`${path} knows nothing of group ${String(group)}, detector ${name}: it is of another night.`)
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { truth: { type: 'string' } } })
  const [from, to] = positionals
  if (from === undefined || to === undefined) throw new Error(`Usage: ${USAGE}`)
  const hdus = readFits(await readFile(from))
  const picture = pictureOf(planeOf(hdus))
  const { header } = hdus[0]!
  if (values.truth !== undefined) ring(picture, header, await unitOf(values.truth, header))
  await writeFile(to, pngBytes(picture))
  console.log(`${to}: ${picture.width} × ${picture.height} pixels`)
}

const [, script] = process.argv
if (script !== undefined && resolve(script) === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
