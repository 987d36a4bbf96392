/**
 * Seeded random numbers, fast enough for pixels. A stream is named by what it is for ("visit 3, detector 0, sky"), so that drawing
 * more numbers in one place changes nothing in another, and the same seed gives the same night on every machine.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  readonly uniform: () => number
  /** Normal, mean 0, standard deviation 1. */
  readonly normal: () => number
  /** Poisson of the given mean (≥ 0). */
  readonly poisson: (mean: number) => number
}

/** The stream of a seed and a purpose; equal arguments give equal streams. */
export function randomOf(seed: number, ...purpose: readonly (string | number)[]): Random {
  const uniform = sfc32(seed, purpose.join('/'))
  const normal = normalOf(uniform)
  return { uniform, normal, poisson: mean => (mean < 10 ? smallPoisson(mean, uniform) : poisson(mean, uniform)) }
}

/** Chris Doty-Humphrey's small fast counting generator (PractRand), its state hashed from the name with FNV-1a. */
function sfc32(seed: number, name: string): () => number {
  let hash = 0x811c9dc5 ^ seed
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  let a = hash | 0
  let b = seed | 0
  let c = name.length | 0
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 20; i++) next()
  return next
}

/** Marsaglia's polar method: two numbers a turn, the second is kept. */
function normalOf(uniform: () => number): () => number {
  let kept: number | undefined
  return () => {
    if (kept !== undefined) {
      const value = kept
      kept = undefined
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      kept = v * scale
      return u * scale
    }
  }
}

/** Counts exponential waiting times that fit into the mean (Knuth): exact, and cheap while the mean is small. */
function smallPoisson(mean: number, uniform: () => number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = uniform(); product > limit; product *= uniform()) count++
  return count
}

/** Hörmann's transformed rejection with squeeze (PTRS, Insurance: Mathematics and Economics 12, 1993), exact for a mean ≥ 10. */
function poisson(mean: number, uniform: () => number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean)
  const a = -0.059 + 0.02483 * b
  const squeeze = 0.9277 - 3.6224 / (b - 2)
  for (;;) {
    const u = uniform() - 0.5
    const v = uniform()
    const us = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43)
    if (us >= 0.07 && v <= squeeze) return k
    if (k < 0 || (us < 0.013 && v > us)) continue
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    const accepted = Math.log((v * inverseAlpha) / (a / (us * us) + b))
    if (accepted <= k * Math.log(mean) - mean - logFactorial(k)) return k
  }
}

const SMALL_LOG_FACTORIALS = Array.from({ length: 10 }, (_, n) => {
  let sum = 0
  for (let k = 2; k <= n; k++) sum += Math.log(k)
  return sum
})

/** ln n!, by Stirling's series above 9: relative error below 1e-10 there. */
function logFactorial(n: number): number {
  const small = SMALL_LOG_FACTORIALS[n]
  if (small !== undefined) return small
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n * n * n)
}
