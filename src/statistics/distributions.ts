/*
 * The few distributions that this room needs. The single packages of @stdlib for them come with 234
 * other packages (27 MB), and jstat's values end after 7 to 9 digits. The tests compare these
 * functions with SciPy's.
 */

/**
 * Returns the value that a standard normal variable stays below with `probability` (Wichura 1988,
 * algorithm AS 241, 16 digits).
 */
export function normalQuantile(probability: number): number {
  const q = probability - 0.5
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q)
  const r = Math.sqrt(-Math.log(q < 0 ? probability : 1 - probability))
  if (r === Infinity) return q < 0 ? -Infinity : Infinity
  return Math.sign(q) * (r <= 5 ? ratio(TAIL, r - 1.6) : ratio(FAR_TAIL, r - 5))
}

/** Returns the value that Student's t with `degrees` of freedom stays below with `probability`. */
export function studentQuantile(probability: number, degrees: number): number {
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees)
  const x = betaQuantile(2 * (1 - probability), degrees / 2, 0.5)
  return Math.sqrt((degrees * (1 - x)) / x)
}

/** Returns the value that a beta variable stays below with `probability`, by bisection. */
export function betaQuantile(probability: number, a: number, b: number): number {
  let low = 0
  let high = 1
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
    if (betaCdf(middle, a, b) < probability) low = middle
    else high = middle
  }
  return high
}

/** Returns the probability that a beta variable is at most `x` (DLMF 8.17.22, Lentz's method). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a)
  let [c, d, fraction] = [1, 0, 1]
  for (let k = 1; k < 10_000 && Math.abs(c * d - 1) > 1e-16; k++) {
    const m = Math.floor(k / 2)
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    const term = k % 2 === 0 ? even : odd
    d = 1 / (1 + term * d)
    c = 1 + term / c
    fraction *= c * d
  }
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b)
  return Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta) / a / fraction
}

/** Stirling's series (DLMF 5.11.1), after a shift to where it has 16 digits. */
function logGamma(x: number): number {
  let shift = 0
  let at = x
  for (; at < 15; at++) shift += Math.log(at)
  const s = 1 / (at * at)
  const series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188))))
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series / at - shift
}

type Coefficients = readonly [top: readonly number[], bottom: readonly number[]]

const polynomial = (of: readonly number[], x: number): number => of.reduceRight((sum, c) => sum * x + c, 0)

const ratio = ([top, bottom]: Coefficients, x: number): number => polynomial(top, x) / polynomial(bottom, x)

const CENTRE: Coefficients = [
  [
    ...[3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125],
    ...[45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
  ],
  [
    ...[1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077],
    ...[21213.794301586595867, 39307.89580009271061, 28729.085735721942674, 5226.495278852545925],
  ],
]
const TAIL: Coefficients = [
  [
    ...[1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504],
    ...[1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4],
  ],
  [
    ...[1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455],
    ...[0.14810397642748007459, 0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9],
  ],
]
const FAR_TAIL: Coefficients = [
  [
    ...[6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123],
    ...[
      0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ],
  ],
  [
    ...[1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525],
    ...[
      7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
    ],
  ],
]
