/**
 * FITS files (FITS standard 4.0): headers and uncompressed images, several HDUs, big-endian, in blocks of 2880 bytes.
 * Written here because no package reads and writes them in Node; tables, compression and long strings are not needed.
 */
export type HeaderValue = string | number | boolean
/** Cards in file order; COMMENT, HISTORY and cards without a value are left out. */
export type Header = ReadonlyMap<string, HeaderValue>

/** Pixels row by row from the bottom, `data[y * width + x]`; x and y count from 0 (FITS counts from 1). */
export interface Plane<Pixels = Float32Array> {
  readonly width: number
  readonly height: number
  readonly data: Pixels
}

export interface Hdu {
  readonly header: Header
  /** The raw data bytes without padding; length 0 where the HDU has no data. */
  readonly data: Uint8Array
}

export type PixelArray = Uint8Array | Int16Array | Uint16Array | Int32Array | Float32Array | Float64Array

/** What `writeFits` takes: the writer adds SIMPLE/XTENSION, BITPIX, NAXISn, BZERO for itself and ignores them in `header`. */
export interface HduContent {
  readonly header: Readonly<Record<string, HeaderValue>>
  readonly image?: Plane<PixelArray>
}

/** The bytes are not FITS as we need it; the message says what is wrong and where. */
export class FitsError extends Error {
  override readonly name = 'FitsError'
}

const BLOCK = 2880
const CARD = 80
const padded = (length: number) => Math.ceil(length / BLOCK) * BLOCK

/**
 * Parses every HDU. Nothing is allocated from a number in a header: sizes are held against the bytes that are there.
 * @throws FitsError with the HDU's number (1 is the primary), for example "FITS ends after 5760 of 13520 bytes in HDU 2".
 */
export function readFits(bytes: Uint8Array): Hdu[] {
  const hdus: Hdu[] = []
  for (let offset = 0; offset < bytes.length || hdus.length === 0;) {
    const number = hdus.length + 1
    const { header, end } = readHeader(bytes, offset, number)
    const size = dataSize(header, number)
    if (end + size > bytes.length)
      throw new FitsError(`FITS ends after ${bytes.length - end} of ${size} data bytes in HDU ${number}`)
    hdus.push({ header, data: bytes.subarray(end, end + size) })
    offset = end + padded(size)
  }
  return hdus
}

/** The cards of the primary HDU alone, whatever comes after them. @throws FitsError */
export const primaryHeader = (bytes: Uint8Array): Header => readHeader(bytes, 0, 1).header

function readHeader(bytes: Uint8Array, start: number, number: number): { header: Header; end: number } {
  const header = new Map<string, HeaderValue>()
  for (let at = start; ; at += CARD) {
    if (at + CARD > bytes.length)
      throw new FitsError(`FITS ends after ${bytes.length} bytes inside the header of HDU ${number}`)
    const card = text(bytes, at, CARD)
    if (!PRINTABLE.test(card)) throw new FitsError(`card ${(at - start) / CARD + 1} of HDU ${number} is not ASCII text`)
    const key = card.slice(0, 8).trimEnd()
    if (at === start && key !== (number === 1 ? 'SIMPLE' : 'XTENSION'))
      throw new FitsError(`HDU ${number} begins with '${key}', not ${number === 1 ? 'SIMPLE' : 'XTENSION'}`)
    if (key === 'END') return { header, end: start + padded(at + CARD - start) }
    if (card.slice(8, 10) !== '= ') continue
    const value = readValue(card.slice(10))
    if (value !== undefined) header.set(key, value)
  }
}

const text = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, Math.min(at + length, bytes.length)))
/** All that a header may hold (FITS standard §3.3.1). */
const PRINTABLE = /^[ -~]*$/

const STRING = /^ *'((?:[^']|'')*)'/
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?$/

/** A value as the standard writes it; undefined where the card has none or it is not well formed. */
function readValue(field: string): HeaderValue | undefined {
  const quoted = STRING.exec(field)
  if (quoted) return quoted[1]!.replaceAll("''", "'").trimEnd()
  const word = field.split('/', 1)[0]!.trim()
  if (word === 'T' || word === 'F') return word === 'T'
  if (!NUMBER.test(word)) return undefined
  const value = Number(word.replace(/[Dd]/, 'E'))
  return Number.isFinite(value) ? value : undefined
}

const BYTES_PER_PIXEL: Readonly<Record<number, number>> = { 8: 1, 16: 2, 32: 4, 64: 8, [-32]: 4, [-64]: 8 }

/** Length of the data without padding: |BITPIX|/8 · GCOUNT · (PCOUNT + ΠNAXISn), FITS standard §4.4.1. */
function dataSize(header: Header, number: number): number {
  const where = ` in HDU ${number}`
  const bytesPerPixel = BYTES_PER_PIXEL[integerOf(header, 'BITPIX', where)]
  if (bytesPerPixel === undefined)
    throw new FitsError(`BITPIX is ${header.get('BITPIX')}${where}; allowed are 8, 16, 32, 64, -32, -64`)
  const axes = integerOf(header, 'NAXIS', where)
  if (axes < 0 || axes > 999) throw new FitsError(`NAXIS is ${axes}${where}; allowed are 0 to 999`)
  if (axes === 0) return 0
  let pixels = 1
  for (let axis = 1; axis <= axes; axis++) {
    const length = integerOf(header, `NAXIS${axis}`, where)
    if (length < 0) throw new FitsError(`NAXIS${axis} is ${length}${where}; a length cannot be negative`)
    pixels *= length
  }
  const groups = header.has('GCOUNT') ? integerOf(header, 'GCOUNT', where) : 1
  const parameters = header.has('PCOUNT') ? integerOf(header, 'PCOUNT', where) : 0
  const size = bytesPerPixel * groups * (parameters + pixels)
  if (!(size >= 0) || groups < 0 || parameters < 0) throw new FitsError(`GCOUNT or PCOUNT is negative${where}`)
  return size
}

/** @throws FitsError naming the keyword when it is absent or no finite number. */
export function numberOf(header: Header, key: string, where = ''): number {
  const value = header.get(key)
  if (typeof value === 'number') return value
  throw new FitsError(`${key} is ${value === undefined ? 'missing' : `'${String(value)}'`}${where}; a number is needed`)
}

/** @throws FitsError naming the keyword when it is absent or no integer that a double holds exactly. */
export function integerOf(header: Header, key: string, where = ''): number {
  const value = numberOf(header, key, where)
  if (Number.isSafeInteger(value)) return value
  throw new FitsError(`${key} is ${value}${where}; an integer is needed`)
}

/** @throws FitsError naming the keyword when it is absent or no string. */
export function stringOf(header: Header, key: string, where = ''): string {
  const value = header.get(key)
  if (typeof value === 'string') return value
  throw new FitsError(`${key} is ${value === undefined ? 'missing' : String(value)}${where}; a string is needed`)
}

/** The HDU's image as float32, BSCALE and BZERO applied, BLANK as NaN. @throws FitsError when it is no image. */
export function imageOf(hdu: Hdu, where = ''): Plane {
  const { width, height } = imageSize(hdu.header, where)
  return { width, height, data: decode(hdu, new Float32Array(width * height)) }
}

/** As `imageOf`, but float64, which holds 32-bit integers exactly. */
export function doublesOf(hdu: Hdu, where = ''): Plane<Float64Array> {
  const { width, height } = imageSize(hdu.header, where)
  return { width, height, data: decode(hdu, new Float64Array(width * height)) }
}

/** `readFits` has already held NAXIS1 · NAXIS2 against the bytes, so the result is safe to allocate. */
function imageSize(header: Header, where: string): { width: number; height: number } {
  const extension = header.get('XTENSION')
  if (extension !== undefined && extension !== 'IMAGE')
    throw new FitsError(`the extension is a ${String(extension)}${where}; an IMAGE is needed`)
  if (header.get('NAXIS') !== 2) throw new FitsError(`NAXIS is ${header.get('NAXIS')}${where}; an image has 2`)
  const parameters = header.get('PCOUNT') ?? 0
  const groups = header.get('GCOUNT') ?? 1
  if (parameters !== 0 || groups !== 1) throw new FitsError(`PCOUNT or GCOUNT is not that of an image${where}`)
  return { width: numberOf(header, 'NAXIS1', where), height: numberOf(header, 'NAXIS2', where) }
}

function decode<Pixels extends Float32Array | Float64Array>({ header, data }: Hdu, out: Pixels): Pixels {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const bitpix = numberOf(header, 'BITPIX')
  const n = out.length
  if (bitpix === 8) for (let i = 0; i < n; i++) out[i] = data[i]!
  else if (bitpix === 16) for (let i = 0; i < n; i++) out[i] = view.getInt16(2 * i)
  else if (bitpix === 32) for (let i = 0; i < n; i++) out[i] = view.getInt32(4 * i)
  else if (bitpix === 64) for (let i = 0; i < n; i++) out[i] = Number(view.getBigInt64(8 * i))
  else if (bitpix === -32) for (let i = 0; i < n; i++) out[i] = view.getFloat32(4 * i)
  else for (let i = 0; i < n; i++) out[i] = view.getFloat64(8 * i)
  const blank = bitpix > 0 ? header.get('BLANK') : undefined
  const scale = header.has('BSCALE') ? numberOf(header, 'BSCALE') : 1
  const zero = header.has('BZERO') ? numberOf(header, 'BZERO') : 0
  if (scale !== 1 || zero !== 0 || blank !== undefined)
    for (let i = 0; i < n; i++) out[i] = out[i] === blank ? NaN : out[i]! * scale + zero
  return out
}

const STRUCTURE = /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|BZERO|BSCALE|BLANK|END)$/

/**
 * Serialises HDUs, the first as primary. BITPIX follows the array: Uint16Array becomes 16 with BZERO 32768.
 * @param Memory of the file: shared, if another thread is to have it without a copy
 * @throws RangeError on a keyword, value or image size that FITS cannot hold: a fault of the caller, not of any input.
 */
export function writeFits(
  hdus: readonly HduContent[],
  Memory: new (bytes: number) => ArrayBufferLike = ArrayBuffer,
): Uint8Array {
  const headers = hdus.map((hdu, index) => headerBytes(hdu, index === 0, hdus.length > 1))
  const sizes = hdus.map(({ image }) => padded(image?.data.byteLength ?? 0))
  const lengths = [...headers.map(header => header.length), ...sizes]
  const file = new Uint8Array(new Memory(lengths.reduce((sum, length) => sum + length, 0)))
  let at = 0
  for (const [i, { image }] of hdus.entries()) {
    file.set(headers[i]!, at)
    at += headers[i]!.length
    if (image) encode(image, new DataView(file.buffer, at, sizes[i]))
    at += sizes[i]!
  }
  return file
}

function headerBytes({ header, image }: HduContent, primary: boolean, extended: boolean): Uint8Array {
  const cards = [
    primary ? card('SIMPLE', true) : card('XTENSION', 'IMAGE'),
    card('BITPIX', image ? bitpixOf(image.data) : 8),
    card('NAXIS', image ? 2 : 0),
    ...(image ? [card('NAXIS1', image.width), card('NAXIS2', image.height)] : []),
    ...(primary ? (extended ? [card('EXTEND', true)] : []) : [card('PCOUNT', 0), card('GCOUNT', 1)]),
    ...(image?.data instanceof Uint16Array ? [card('BZERO', 32768), card('BSCALE', 1)] : []),
    ...Object.entries(header)
      .filter(([key]) => !STRUCTURE.test(key))
      .map(([key, value]) => card(key, value)),
    'END'.padEnd(CARD),
  ].join('')
  return new TextEncoder().encode(cards.padEnd(padded(cards.length)))
}

function card(key: string, value: HeaderValue): string {
  if (!/^[A-Z0-9_-]{1,8}$/.test(key)) throw new RangeError(`FITS keyword '${key}': 1 to 8 of A-Z 0-9 _ - are allowed`)
  const field = typeof value === 'string' ? quote(key, value) : numeral(key, value).padStart(20)
  return `${key.padEnd(8)}= ${field}`.padEnd(CARD)
}

function quote(key: string, value: string): string {
  const escaped = value.replaceAll("'", "''")
  if (escaped.length > 68 || !PRINTABLE.test(value))
    throw new RangeError(`FITS keyword ${key}: a string has at most 68 printable ASCII characters, not '${value}'`)
  return `'${escaped.padEnd(8)}'`.padEnd(20)
}

function numeral(key: string, value: number | boolean): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F'
  if (!Number.isFinite(value)) throw new RangeError(`FITS keyword ${key}: ${value} cannot be written`)
  return String(value).toUpperCase()
}

function bitpixOf(data: PixelArray): number {
  const bits = 8 * data.BYTES_PER_ELEMENT
  return data instanceof Float32Array || data instanceof Float64Array ? -bits : bits
}

function encode({ width, height, data }: Plane<PixelArray>, view: DataView): void {
  if (data.length !== width * height)
    throw new RangeError(`image of ${width}×${height} has ${data.length} pixels, not ${width * height}`)
  const n = data.length
  if (data instanceof Uint8Array) for (let i = 0; i < n; i++) view.setUint8(i, data[i]!)
  else if (data instanceof Uint16Array) for (let i = 0; i < n; i++) view.setInt16(2 * i, data[i]! - 32768)
  else if (data instanceof Int16Array) for (let i = 0; i < n; i++) view.setInt16(2 * i, data[i]!)
  else if (data instanceof Int32Array) for (let i = 0; i < n; i++) view.setInt32(4 * i, data[i]!)
  else if (data instanceof Float32Array) for (let i = 0; i < n; i++) view.setFloat32(4 * i, data[i]!)
  else for (let i = 0; i < n; i++) view.setFloat64(8 * i, data[i]!)
}
