import type { Vector } from './sphere.ts'

/**
 * More than the rounding of the determinant below can come to for unit vectors: fourteen operations on numbers that sum to 3 at most
 * (the bound of Shewchuk 1997, §4.3, with some room).
 */
const ERROR_BOUND = 2e-15

/**
 * Whether v lies to the left of the arc from a to b, or on it: the sign of det(v, a, b), exact. Where rounding could decide, which it
 * does for a few in ten thousand points and small triangles, it is computed in integers.
 */
export function isLeftOrOn(v: Vector, a: Vector, b: Vector): boolean {
  const determinant =
    v[0] * (a[1] * b[2] - a[2] * b[1]) + v[1] * (a[2] * b[0] - a[0] * b[2]) + v[2] * (a[0] * b[1] - a[1] * b[0])
  if (determinant > ERROR_BOUND) return true
  if (determinant < -ERROR_BOUND) return false
  return exactDeterminant(v, a, b) >= 0n
}

/** The determinant times a power of two. */
function exactDeterminant(v: Vector, a: Vector, b: Vector): bigint {
  const products = [
    product(v[0], a[1], b[2]),
    product(v[0], -a[2], b[1]),
    product(v[1], a[2], b[0]),
    product(v[1], -a[0], b[2]),
    product(v[2], a[0], b[1]),
    product(v[2], -a[1], b[0]),
  ]
  const least = Math.min(...products.map(({ exponent }) => exponent))
  return products.reduce((sum, { mantissa, exponent }) => sum + (mantissa << BigInt(exponent - least)), 0n)
}

/** mantissa · 2^exponent, exactly. */
interface Binary {
  readonly mantissa: bigint
  readonly exponent: number
}

function product(...factors: readonly number[]): Binary {
  const parts = factors.map(binary)
  return {
    mantissa: parts.reduce((all, { mantissa }) => all * mantissa, 1n),
    exponent: parts.reduce((all, { exponent }) => all + exponent, 0),
  }
}

const view = new DataView(new ArrayBuffer(8))

/** A double taken apart (IEEE 754): 1 bit of sign, 11 of exponent, 52 of fraction behind a one that is not written. */
function binary(x: number): Binary {
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const fraction = bits & ((1n << 52n) - 1n)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n)
  return { mantissa: bits >> 63n === 0n ? magnitude : -magnitude, exponent: Math.max(biased, 1) - 1075 }
}
