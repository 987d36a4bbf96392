import type { Plane } from './fits.ts'
import { STEPS, TABLE } from './lanczos.ts'
import { RESAMPLE_WASM } from './resample.generated.ts'
import { makeRoom, type Memory, routinesOf } from './vectors.ts'

/** Side in pixels of the cells that are resampled at once. Fixed in resample.wat. */
export const CELL = 16
const CELL_BYTES = CELL * CELL * 4
/** Eight float32 for each fraction, six of them used. */
const TABLE_BYTES = STEPS * 32
/** Neighbours of floor(x) that the interpolation takes before it and after it. */
const [BEFORE, AFTER] = [2, 3]

export interface Place {
  readonly x: number
  readonly y: number
}

/** Where the four corners of a cell lie: those of its first pixel, of the first pixels of its neighbours to the right and above, and of the one across. */
export interface Corners {
  readonly first: Place
  readonly right: Place
  readonly up: Place
  readonly across: Place
}

/** Both ends inside. */
interface Box {
  readonly x0: number
  readonly x1: number
  readonly y0: number
  readonly y1: number
}

/** What resample.wat exports. */
interface Routines {
  readonly memory: Memory
  readonly resample: (
    ...parameters: [image: number, variance: number, stride: number, to: number, ...places: number[]]
  ) => void
}
const { memory, resample } = routinesOf<Routines>(RESAMPLE_WASM)

let floats = new Float32Array(memory.buffer)
for (let step = 0; step < STEPS; step++) floats.set(TABLE.subarray(6 * step, 6 * step + 6), 8 * step)

/**
 * The part of an image and its variance that some places need, in the memory of the vector routine (resample.wat), with NaN where it reaches outside.
 * There is one such memory: a source is done with before another is made.
 */
export class Source {
  readonly #box: Box
  readonly #stride: number
  readonly #variance: number

  /** For places inside the polygon around `corners`. Undefined where no neighbour of any of them lies in the image. */
  static around(image: Plane, variance: Plane, corners: readonly Place[]): Source | undefined {
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)]
    // A pixel more on each side for the rounding of the places; and not far outside, since places there are moved to the edge, which is NaN too.
    const box: Box = {
      x0: Math.max(-BEFORE - 1, Math.floor(Math.min(...xs)) - BEFORE - 1),
      x1: Math.min(image.width - 1 + AFTER, Math.floor(Math.max(...xs)) + AFTER + 1),
      y0: Math.max(-BEFORE - 1, Math.floor(Math.min(...ys)) - BEFORE - 1),
      y1: Math.min(image.height - 1 + AFTER, Math.floor(Math.max(...ys)) + AFTER + 1),
    }
    // Narrower than the neighbours of one place: all of it is outside.
    if (box.x1 - box.x0 < BEFORE + AFTER || box.y1 - box.y0 < BEFORE + AFTER) return undefined
    return new Source(image, variance, box)
  }

  private constructor(image: Plane, variance: Plane, box: Box) {
    this.#box = box
    this.#stride = (box.x1 - box.x0 + 1) * 4
    const bytes = (box.y1 - box.y0 + 1) * this.#stride
    const begin = TABLE_BYTES + 2 * CELL_BYTES
    this.#variance = begin + bytes
    // Sixteen bytes more, which a vector at the end may reach over it.
    makeRoom(memory, begin + 2 * bytes + 16)
    floats = new Float32Array(memory.buffer)
    copyBox(image, box, begin / 4)
    copyBox(variance, box, this.#variance / 4)
  }

  /**
   * Interpolates a cell whose places are bilinear between its corners (Lanczos-3); NaN where one of the 36 neighbours is missing. The variance is that of
   * the nearest pixel. Both are [y][x], and valid until the next call.
   */
  cell({ first, right, up, across }: Corners): { image: Float32Array; variance: Float32Array } {
    const { x0, x1, y0, y1 } = this.#box
    const step = STEPS / CELL
    resample(
      TABLE_BYTES + 2 * CELL_BYTES,
      this.#variance,
      this.#stride,
      TABLE_BYTES,
      STEPS * (first.x - x0),
      STEPS * (first.y - y0),
      step * (right.x - first.x),
      step * (right.y - first.y),
      step * (up.x - first.x),
      step * (up.y - first.y),
      (step / CELL) * (across.x - right.x - up.x + first.x),
      (step / CELL) * (across.y - right.y - up.y + first.y),
      STEPS * (x1 - x0 - AFTER),
      STEPS * (y1 - y0 - AFTER),
    )
    const [from, middle] = [TABLE_BYTES / 4, (TABLE_BYTES + CELL_BYTES) / 4]
    return { image: floats.subarray(from, middle), variance: floats.subarray(middle, middle + CELL_BYTES / 4) }
  }
}

function copyBox({ width, height, data }: Plane, { x0, x1, y0, y1 }: Box, to: number): void {
  const stride = x1 - x0 + 1
  const [first, last] = [Math.max(0, x0), Math.min(width - 1, x1)]
  if (x0 < 0 || y0 < 0 || x1 >= width || y1 >= height) floats.fill(NaN, to, to + stride * (y1 - y0 + 1))
  for (let y = Math.max(0, y0); y <= Math.min(height - 1, y1); y++)
    floats.set(data.subarray(y * width + first, y * width + last + 1), to + (y - y0) * stride + first - x0)
}
