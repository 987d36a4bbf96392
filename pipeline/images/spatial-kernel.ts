import { type Kernel, convolve, separate, strength } from './convolve.ts'
import type { Plane } from './fits.ts'

/** The kernel that makes one image look like the other, as polynomials over the chip, and the differential background. */
export interface KernelFit {
  readonly width: number
  readonly height: number
  /** Order of the kernel's polynomials in x and y: 0, 1 or 2. */
  readonly order: number
  /** One kernel per polynomial term (see `polynomials`); all but the first sum to 0. */
  readonly kernels: readonly Kernel[]
  /** Coefficients of 1, x, y. */
  readonly background: readonly [number, number, number]
  /** Target units per unit of the convolved image: the photometric scale. */
  readonly sum: number
  readonly stars: number
  /** Median over the stars used, per degree of freedom. */
  readonly chi2: number
}

/** 1, x, y, x², xy, y² up to an order, of coordinates from −1 to 1 over the chip. */
export function polynomials(order: number, x: number, y: number, width: number, height: number): number[] {
  const [u, v] = [(2 * x) / width - 1, (2 * y) / height - 1]
  return [1, ...(order > 0 ? [u, v] : []), ...(order > 1 ? [u * u, u * v, v * v] : [])]
}

/** The kernel at a pixel. */
export function kernelAt({ kernels, order, width, height }: KernelFit, x: number, y: number): Kernel {
  const terms = polynomials(order, x, y, width, height)
  const data = kernels[0]!.data.map((_, i) => kernels.reduce((sum, kernel, k) => sum + terms[k]! * kernel.data[i]!, 0))
  return { half: kernels[0]!.half, data }
}

/**
 * K ⊗ image with the kernel of each pixel (no background): one convolution per polynomial term, weighed by the polynomial. The image reaches
 * `pad` pixels over the chip on each side, so that the kernel finds light there too; the result is the chip.
 */
export function applyKernel(fit: KernelFit, padded: Plane, pad: number): Float32Array {
  const { width, height } = fit
  const reference = strength(fit.kernels[0]!)
  const out = new Float32Array(width * height)
  fit.kernels.forEach((kernel, k) => {
    const terms = separate(kernel, 1e-3, reference)
    if (terms.length === 0) return
    const part = convolve(padded, terms)
    for (let y = 0; y < height; y++) {
      const from = (y + pad) * padded.width + pad
      for (let x = 0; x < width; x++) out[y * width + x]! += term(k, x, y, width, height) * part[from + x]!
    }
  })
  return out
}

/** The k-th of `polynomials`, without making the others. */
function term(k: number, x: number, y: number, width: number, height: number): number {
  const u = (2 * x) / width - 1
  const v = (2 * y) / height - 1
  return k === 0 ? 1 : k === 1 ? u : k === 2 ? v : k === 3 ? u * u : k === 4 ? u * v : v * v
}
