/**
 * Solves A·x = b for a symmetric positive definite A (n × n, row by row) by Cholesky decomposition. The unknowns are scaled to a
 * unit diagonal first, and `ridge` is added to it, so that nearly degenerate unknowns stay near 0 instead of cancelling.
 * Returns undefined when A is not positive definite.
 */
export function solveSymmetric(a: Float64Array, b: Float64Array, ridge = 0): Float64Array | undefined {
  const n = b.length
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) scale[i] = 1 / Math.sqrt(a[i * n + i]!)
  const l = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]! * scale[i]! * scale[j]! + (i === j ? ridge : 0)
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!
      if (i !== j) l[i * n + j] = sum / l[j * n + j]!
      else if (sum > 1e-14) l[i * n + i] = Math.sqrt(sum)
      else return undefined
    }
  }
  const x = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = b[i]! * scale[i]!
    for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k]!
    x[i] = sum / l[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * x[k]!
    x[i] = sum / l[i * n + i]!
  }
  for (let i = 0; i < n; i++) x[i]! *= scale[i]!
  return x.every(Number.isFinite) ? x : undefined
}

/** Eigenvalues and eigenvectors (column k belongs to value k) of a symmetric matrix, by cyclic Jacobi rotations. */
export function eigenSymmetric(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice()
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1
  let trace = 0
  for (let i = 0; i < n; i++) trace += Math.abs(a[i * n + i]!)
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q]! ** 2
    if (off <= (1e-13 * trace) ** 2) break
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q)
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), vectors }
}

function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!
  if (apq === 0) return
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq)
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1))
  const c = 1 / Math.hypot(t, 1)
  const s = t * c
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p]!
    const kq = a[k * n + q]!
    a[k * n + p] = c * kp - s * kq
    a[k * n + q] = s * kp + c * kq
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k]!
    const qk = a[q * n + k]!
    a[p * n + k] = c * pk - s * qk
    a[q * n + k] = s * pk + c * qk
    const vp = vectors[k * n + p]!
    const vq = vectors[k * n + q]!
    vectors[k * n + p] = c * vp - s * vq
    vectors[k * n + q] = s * vp + c * vq
  }
}
