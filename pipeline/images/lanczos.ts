/** Lanczos-3 interpolation: six neighbours. For whole images the weights are tabulated at 1/1024 pixel, 0.0005 px off at most; resample.wat counts in these steps too. */
export const STEPS = 1024

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const lanczos = (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)

/**
 * Weights of the neighbours at floor(x) − 2 … floor(x) + 3 for a fraction in [0, 1]. Scaled to the sum 1 they would still move a source by up to
 * 0.02 px (at a fraction of a quarter); two small corrections make slopes and curvatures exact as well, so that places and widths stay.
 */
function weightsAt(fraction: number): number[] {
  const raw = [0, 1, 2, 3, 4, 5].map(k => lanczos(k - 2 - fraction))
  const sum = raw.reduce((a, b) => a + b)
  const weights = raw.map(weight => weight / sum)
  const moment = (power: number) =>
    weights.reduce((total, weight, k) => total + weight * (k - 2 - fraction) ** power, 0)
  const shift = moment(1)
  weights[2]! += shift
  weights[3]! -= shift
  const width = moment(2) / 4
  for (const [k, sign] of [
    [1, -1],
    [2, 1],
    [3, 1],
    [4, -1],
  ] as const)
    weights[k]! += sign * width
  return weights
}

/** `TABLE[6 * step + k]` is the k-th of those weights for the fraction step / 1024. */
export const TABLE: Float64Array = (() => {
  const table = new Float64Array(6 * STEPS)
  for (let step = 0; step < STEPS; step++) table.set(weightsAt(step / STEPS), 6 * step)
  return table
})()

/** A square stamp of odd side moved by (dx, dy); outside the stamp is 0. Exact, since fits that move
 * a stamp in ever smaller steps would never settle between the entries of a table. */
export function shifted(data: Float64Array, half: number, dx: number, dy: number): Float64Array {
  const n = 2 * half + 1
  return along(along(data, n, dx, 1, n), n, dy, n, 1)
}

/** Moves along one axis: stride `step` inside a line, `next` between lines. */
function along(data: Float64Array, n: number, shift: number, step: number, next: number): Float64Array {
  if (shift === 0) return data.slice()
  const out = new Float64Array(data.length)
  const whole = Math.floor(-shift)
  const weights = weightsAt(-shift - whole)
  for (let line = 0; line < n; line++)
    for (let i = 0; i < n; i++) {
      let sum = 0
      for (let k = 0; k < 6; k++) {
        const j = i + whole - 2 + k
        if (j >= 0 && j < n) sum += weights[k]! * data[line * next + j * step]!
      }
      out[line * next + i * step] = sum
    }
  return out
}
