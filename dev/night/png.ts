import { crc32, deflateSync } from 'node:zlib'

export type Colour = readonly [red: number, green: number, blue: number]

/** An 8-bit RGB picture; rows run downwards. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Sets a pixel; outside of the picture nothing happens. */
export function setPixel({ width, height, rgb }: Picture, x: number, y: number, colour: Colour): void {
  if (x >= 0 && y >= 0 && x < width && y < height) rgb.set(colour, 3 * (y * width + x))
}

/** A ring of one pixel's width. */
export function drawRing(picture: Picture, x: number, y: number, radius: number, colour: Colour): void {
  const steps = Math.ceil(8 * radius)
  for (let i = 0; i < steps; i++) {
    const angle = (2 * Math.PI * i) / steps
    setPixel(picture, Math.round(x + radius * Math.cos(angle)), Math.round(y + radius * Math.sin(angle)), colour)
  }
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const RGB_8_BIT = [8, 2, 0, 0, 0]

/** The picture as PNG (ISO/IEC 15948): header, one compressed stream whose rows each begin with filter 0, end. */
export function pngBytes({ width, height, rgb }: Picture): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set(RGB_8_BIT, 8)
  const rows = Buffer.alloc(height * (1 + 3 * width))
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(3 * y * width, 3 * (y + 1) * width), y * (1 + 3 * width) + 1)
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND')])
}

function chunk(type: string, data = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}
