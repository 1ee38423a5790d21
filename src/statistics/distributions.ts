/*
 * The distributions that this room needs. Only this file knows stdlib. The build bundles it, so
 * users do not install it.
 */
import stdlib from '@stdlib/dist-stats-base-dists-flat'

const { normal, t, binomial } = stdlib.base.dists

/** Returns the value that a standard normal variable stays below with `probability`. */
export function normalQuantile(probability: number): number {
  return normal.quantile(probability, 0, 1)
}

/** Returns the value that Student's t with `degrees` of freedom stays below with `probability`. */
export function studentQuantile(probability: number, degrees: number): number {
  return t.quantile(probability, degrees)
}

/** Returns the probability of at most `successes`, if a `share` of all trials succeeds. */
export function binomialCdf(successes: number, trials: number, share: number): number {
  return binomial.cdf(successes, trials, share)
}
