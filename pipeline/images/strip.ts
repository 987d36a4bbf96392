import type { Plane } from './fits.ts'
import { copyRows } from './image.ts'
import { STRIP_WASM } from './strip.generated.ts'
import { type Memory, makeRoom, routinesOf } from './vectors.ts'

/** Columns that pass the filters together: what a strip needs stays in the cache from the row pass to the column pass. Fixed in strip.wat. */
const STRIP = 64
const ROW_BYTES = STRIP * 4
/** An odd number of cache lines: rows a power of two apart would fight for the same few places in the cache. */
const LINE_BYTES = ROW_BYTES + 64
/** Rows below an image that a pass, rounded up, may touch without anybody reading what comes of it. */
const SLACK = 16

/** What strip.wat exports. */
interface Routines {
  readonly memory: Memory
  readonly alongRows: (
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    rows: number,
    taps: number,
    n: number,
  ) => void
  readonly addColumns: (from: number, fromStride: number, to: number, rows: number, taps: number, n: number) => void
  readonly blend: (from: number, size: number, to: number, v: number) => void
}

const { memory, alongRows, addColumns, blend } = routinesOf<Routines>(STRIP_WASM)

/** The image cut into strips: columns `from` to before `to`. */
export const strips = (width: number): { from: number; to: number }[] =>
  Array.from({ length: Math.ceil(width / STRIP) }, (_, i) => ({
    from: i * STRIP,
    to: Math.min(width, (i + 1) * STRIP),
  }))

const roundedUp = (value: number, to: number) => Math.ceil(value / to) * to

/**
 * One strip of an image on its way through filters of 2 · `half` + 1 taps, in the memory of the vector routines (strip.wat), float32 throughout. There is
 * one such memory: a strip is done with before another begins. For an image of 1000 rows it is a megabyte, whatever the width.
 *
 * `load`, then for each separable term `alongRows` and `addColumns`, then `unload` gives the sum.
 */
export class Strip {
  readonly #plane: Plane
  readonly #half: number
  /** Taps of a filter, and floats of taps for a strip's columns: [k][x]. */
  readonly #n: number
  readonly #tapFloats: number
  readonly #pixels: Float32Array
  readonly #source: number
  readonly #sourceBytes: number
  readonly #lines: number
  readonly #sums: number
  readonly #sumRows: number
  readonly #rowTaps: number
  readonly #columnTaps: number
  readonly #polynomial: number

  /** `rows` of sums are kept: those of the result. */
  constructor(plane: Plane, half: number, rows: number) {
    this.#plane = plane
    this.#half = half
    this.#n = 2 * half + 1
    this.#tapFloats = this.#n * STRIP
    this.#sourceBytes = roundedUp(ROW_BYTES + 8 * half, 16)
    this.#sumRows = roundedUp(rows, 4)
    let end = 0
    const place = (bytes: number) => (end += roundedUp(bytes, 64)) - roundedUp(bytes, 64)
    this.#source = place(plane.height * this.#sourceBytes)
    // `half` rows of zeros above and below, so that the column pass has no edges.
    this.#lines = place((plane.height + 2 * half + SLACK) * LINE_BYTES)
    this.#sums = place(this.#sumRows * ROW_BYTES)
    this.#rowTaps = place(this.#n * 4)
    this.#columnTaps = place(this.#tapFloats * 4)
    this.#polynomial = place(this.#tapFloats * 12)
    makeRoom(memory, end)
    this.#pixels = new Float32Array(memory.buffer)
    this.#view(this.#lines, (plane.height + 2 * half + SLACK) * LINE_BYTES).fill(0)
  }

  #view(at: number, bytes: number): Float32Array {
    return this.#pixels.subarray(at / 4, (at + bytes) / 4)
  }

  /** Takes the columns from `begin` on, with the neighbours that a filter reaches; outside the image is 0. The sums begin at 0. */
  load(begin: number): void {
    const { width, height, data } = this.#plane
    const stride = this.#sourceBytes / 4
    const first = Math.max(0, begin - this.#half)
    const last = Math.min(width, begin + STRIP + this.#half)
    const offset = this.#source / 4 + first - (begin - this.#half)
    if (last - first < stride) this.#view(this.#source, height * this.#sourceBytes).fill(0)
    const size = { width: last - first, height }
    copyRows({ data, at: first, pitch: width }, { data: this.#pixels, at: offset, pitch: stride }, size)
    this.#view(this.#sums, this.#sumRows * ROW_BYTES).fill(0)
  }

  /** Correlates every row with the taps. */
  alongRows(taps: Float64Array): void {
    this.#view(this.#rowTaps, taps.length * 4).set(taps)
    const to = this.#lines + this.#half * LINE_BYTES
    const { height } = this.#plane
    alongRows(this.#source, this.#sourceBytes, to, LINE_BYTES, height, this.#rowTaps, this.#n)
  }

  /** Correlates the columns with taps that are the same for all, and adds that to the sums: row 0 of the sums is row 0 of the image. */
  addColumns(taps: Float64Array): void {
    const all = this.#view(this.#columnTaps, this.#tapFloats * 4)
    for (let k = 0; k < taps.length; k++) all.fill(taps[k]!, k * STRIP, (k + 1) * STRIP)
    addColumns(this.#lines, LINE_BYTES, this.#sums, this.#sumRows, this.#columnTaps, this.#n)
  }

  /** Taps of each column as a polynomial in v for `addBlended`: floats [k][x] of 1, v and v². Valid until the next strip is made. */
  polynomialTaps(): readonly [Float32Array, Float32Array, Float32Array] {
    const of = (power: number) =>
      this.#view(this.#polynomial + power * this.#tapFloats * 4, this.#tapFloats * 4).fill(0)
    return [of(0), of(1), of(2)]
  }

  /** As `addColumns`, with the polynomial taps at `v`, for `rows` rows of the sums from `y`, a multiple of 4 each; row 0 of the sums is row `top` of the image. */
  addBlended(v: number, top: number, y: number, rows: number): void {
    blend(this.#polynomial, this.#tapFloats * 4, this.#columnTaps, v)
    const from = this.#lines + (top + y) * LINE_BYTES
    addColumns(from, LINE_BYTES, this.#sums + y * ROW_BYTES, rows, this.#columnTaps, this.#n)
  }

  /** Puts the first `width` columns of the sums into an image `pitch` wide, from column `at` on. */
  unload(out: Float32Array, at: number, width: number, pitch: number): void {
    const sums = { data: this.#pixels, at: this.#sums / 4, pitch: STRIP }
    copyRows(sums, { data: out, at, pitch }, { width, height: out.length / pitch })
  }
}
