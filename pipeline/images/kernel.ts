import { type Basis, combine, convolveBasis, makeBasis } from './basis.ts'
import { AlgorithmError } from './errors.ts'
import type { MaskedImage } from './image.ts'
import { solveSymmetric } from './linear.ts'
import type { Star } from './psf.ts'
import { type KernelFit, polynomials } from './spatial-kernel.ts'
import { normalEquations } from './stamp.ts'
import { median } from './statistics.ts'

/** Half the side of a star's stamp in the fit. */
const REACH = 13
const FEWEST_STARS = 3
const MOST_STARS = 128
/** Fainter stars tell little, and the template's noise in them pulls the kernel's sum down. */
const BRIGHT = 60

interface Stamp {
  readonly x: number
  readonly y: number
  /** Each basis function convolved with the star, and a constant, one behind the other: as many pixels each as the target has. */
  readonly functions: Float32Array
  readonly target: Float32Array
  readonly noise: number
}

/**
 * Fits K with K ⊗ `source` + background ≈ `target` around stars (Alard & Lupton 1998; spatial variation: Alard 2000). Pixels are weighed by the
 * sky's noise and, once a first solution gives a noiseless model, by the Poisson noise of that model and 1 % of it for what no smooth kernel can
 * follow: weights taken from the pixels themselves would bias the scale low. Stars whose χ² stands out (variables, blends) are dropped and the fit repeated.
 * `counted` says which of the two is in electrons: its light has Poisson noise of one electron per electron.
 * @throws AlgorithmError too-few-kernel-stars, kernel-unsolvable
 */
export function fitKernel(
  source: MaskedImage,
  target: MaskedImage,
  stars: readonly Star[],
  sigma: number,
  counted: 'source' | 'target',
): KernelFit {
  const { width, height } = target
  const basis = makeBasis(sigma)
  const chosen = chooseStars(source, target, stars, REACH + basis.half + 1)
  let stamps = chosen.map(star => cutStamp(source, target, basis, star))
  let solution: Solution | undefined
  let weighing: Float64Array[] | undefined
  let chi2: number[] = []
  for (let round = 0; round < 4; round++) {
    if (stamps.length < FEWEST_STARS)
      throw new AlgorithmError(
        'too-few-kernel-stars',
        `${stamps.length} stars with template coverage are fit for the kernel; at least ${FEWEST_STARS} are needed`,
      )
    const shape = { basis, order: orderFor(stamps.length), width, height }
    const fitted = solve(shape, stamps, weighing)
    solution = fitted
    const poisson = counted === 'target' ? 1 : Math.abs(fitted.values[0]!)
    const models = stamps.map(stamp => modelOf(shape, fitted, stamp))
    chi2 = stamps.map((stamp, i) => chiSquare(stamp, models[i]!, poisson))
    const middle = median(chi2)
    const limit = middle + Math.max(0.3 * middle, 4 * 1.4826 * median(chi2.map(c => Math.abs(c - middle))))
    const kept = [...stamps.keys()].filter(i => chi2[i]! <= limit)
    if (round > 0 && kept.length === stamps.length) break
    if (round === 3) break
    weighing = kept.map(i => weights(stamps[i]!, models[i]!, poisson))
    stamps = kept.map(i => stamps[i]!)
  }
  return describe(basis, solution!, stamps.length, median(chi2), width, height)
}

const orderFor = (stars: number) => (stars >= 90 ? 2 : stars >= 20 ? 1 : 0)

/** The bright stars of each cell of a 4 × 4 grid, or else its two brightest, so that the whole chip has its say. */
function chooseStars(source: MaskedImage, target: MaskedImage, stars: readonly Star[], margin: number): Star[] {
  const { width, height } = target
  const cells = new Map<number, Star[]>()
  for (const star of stars) {
    const [x, y] = [Math.round(star.x), Math.round(star.y)]
    if (x < margin || y < margin || x >= width - margin || y >= height - margin) continue
    if (!clear(source, x, y, margin) || !clear(target, x, y, REACH)) continue
    const cell = Math.floor((4 * y) / height) * 4 + Math.floor((4 * x) / width)
    cells.set(cell, [...(cells.get(cell) ?? []), star])
  }
  return [...cells.values()].flatMap(cell =>
    cell.filter(({ snr }, i) => i < 2 || snr > BRIGHT).slice(0, MOST_STARS / 16),
  )
}

function clear({ width, mask }: MaskedImage, x: number, y: number, reach: number): boolean {
  for (let v = y - reach; v <= y + reach; v++)
    for (let u = x - reach; u <= x + reach; u++) if (mask[v * width + u]! !== 0) return false
  return true
}

function cutStamp(source: MaskedImage, target: MaskedImage, basis: Basis, star: Star): Stamp {
  const [x, y] = [Math.round(star.x), Math.round(star.y)]
  const wide = cut(source.image, source.width, x, y, REACH + basis.half)
  const noise = cut(target.variance, target.width, x, y, REACH)
  const convolved = convolveBasis(basis, wide, REACH)
  const functions = new Float32Array(convolved.length + noise.length).fill(1)
  functions.set(convolved)
  return {
    x,
    y,
    functions,
    target: Float32Array.from(cut(target.image, target.width, x, y, REACH)),
    noise: quantile(noise, 0.2),
  }
}

const quantile = (values: Float64Array, q: number) => values.slice().sort()[Math.floor(q * values.length)]!

function cut(data: Float32Array, width: number, x: number, y: number, reach: number): Float64Array {
  const n = 2 * reach + 1
  const out = new Float64Array(n * n)
  for (let v = 0; v < n; v++)
    for (let u = 0; u < n; u++) out[v * n + u] = data[(y - reach + v) * width + x - reach + u]!
  return out
}

interface Shape {
  readonly basis: Basis
  readonly order: number
  readonly width: number
  readonly height: number
}
/** The function and polynomial term of each unknown, and its value. */
interface Solution {
  readonly order: number
  readonly unknowns: readonly { readonly f: number; readonly term: number }[]
  readonly values: Float64Array
}

/** The first function and the constant: scale does not vary, the background is linear; all others vary as `order` says. */
function unknownsOf(shape: Shape): { f: number; term: number }[] {
  const functions = shape.basis.terms.length
  const terms = polynomials(shape.order, 0, 0, 1, 1).length
  const varying = Array.from({ length: functions - 1 }, (_, i) =>
    Array.from({ length: terms }, (_, term) => ({ f: i + 1, term })),
  )
  return [{ f: 0, term: 0 }, ...varying.flat(), ...[0, 1, 2].map(term => ({ f: functions, term }))]
}

const termsAt = (shape: Shape, { x, y }: Stamp) =>
  polynomials(Math.max(1, shape.order), x, y, shape.width, shape.height)

function solve(shape: Shape, stamps: readonly Stamp[], weighing?: readonly Float64Array[]): Solution {
  const unknowns = unknownsOf(shape)
  const n = unknowns.length
  const [matrix, vector] = [new Float64Array(n * n), new Float64Array(n)]
  for (const [k, stamp] of stamps.entries()) {
    const weight = weighing?.[k] ?? new Float64Array(stamp.target.length).fill(1 / stamp.noise)
    const { gram, right } = normalEquations(stamp.functions, stamp.target, weight)
    const terms = termsAt(shape, stamp)
    const functions = right.length
    for (let i = 0; i < n; i++) {
      const a = unknowns[i]!
      vector[i]! += terms[a.term]! * right[a.f]!
      for (let j = 0; j <= i; j++) {
        const b = unknowns[j]!
        matrix[i * n + j]! += terms[a.term]! * terms[b.term]! * gram[a.f * functions + b.f]!
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!
  const values = solveSymmetric(matrix, vector, 1e-9)
  if (!values)
    throw new AlgorithmError('kernel-unsolvable', `the kernel's ${n} unknowns are not fixed by ${stamps.length} stars`)
  return { order: shape.order, unknowns, values }
}

/** What a solution says this stamp looks like; the second plane is without the background, for the Poisson noise. */
function modelOf(shape: Shape, solution: Solution, stamp: Stamp): { full: Float64Array; light: Float64Array } {
  const terms = polynomials(Math.max(1, solution.order), stamp.x, stamp.y, shape.width, shape.height)
  const { functions, target } = stamp
  const pixels = target.length
  const constant = functions.length / pixels - 1
  const weights = new Float64Array(constant + 1)
  solution.unknowns.forEach(({ f, term }, i) => (weights[f]! += solution.values[i]! * terms[term]!))
  const light = new Float64Array(pixels)
  // Four pixels at once: their sums do not wait for each other, and a weight once read serves all. The last four may do some again.
  for (let p = 0; p < pixels; p += 4) {
    const begin = Math.min(p, pixels - 4)
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let f = 0, i = begin; f < constant; f++, i += pixels) {
      const weight = weights[f]!
      a += weight * functions[i]!
      b += weight * functions[i + 1]!
      c += weight * functions[i + 2]!
      d += weight * functions[i + 3]!
    }
    light[begin] = a
    light[begin + 1] = b
    light[begin + 2] = c
    light[begin + 3] = d
  }
  const full = light.slice()
  for (let p = 0; p < pixels; p++) full[p]! += weights[constant]!
  return { full, light }
}

/** Per pixel: sky noise, Poisson noise of the model and 1 % of it. */
const varianceOf = (noise: number, light: number, poisson: number) =>
  noise + poisson * Math.max(0, light) + (0.01 * light) ** 2

function weights({ noise }: Stamp, { light }: { light: Float64Array }, poisson: number): Float64Array {
  const out = new Float64Array(light.length)
  for (let p = 0; p < out.length; p++) out[p] = 1 / varianceOf(noise, light[p]!, poisson)
  return out
}

function chiSquare(
  { target, noise }: Stamp,
  model: { full: Float64Array; light: Float64Array },
  poisson: number,
): number {
  let sum = 0
  for (let p = 0; p < target.length; p++)
    sum += (target[p]! - model.full[p]!) ** 2 / varianceOf(noise, model.light[p]!, poisson)
  return sum / target.length
}

function describe(
  basis: Basis,
  solution: Solution,
  stars: number,
  chi2: number,
  width: number,
  height: number,
): KernelFit {
  const functions = basis.terms.length
  const terms = polynomials(solution.order, 0, 0, 1, 1).length
  const coefficients = Array.from({ length: terms }, () => new Array<number>(functions).fill(0))
  const background: [number, number, number] = [0, 0, 0]
  solution.unknowns.forEach(({ f, term }, i) => {
    if (f === functions) background[term] = solution.values[i]!
    else coefficients[term]![f] = solution.values[i]!
  })
  const sum = solution.values[0]!
  if (!(sum > 0))
    throw new AlgorithmError('kernel-unsolvable', `the kernel sums to ${sum}: the images show different skies`)
  return {
    width,
    height,
    order: solution.order,
    kernels: coefficients.map(c => combine(basis, c)),
    background,
    sum,
    stars,
    chi2,
  }
}
