import { binomialCdf } from './distributions.ts'

/**
 * Returns the two-sided p-value of McNemar's exact test: how likely a split of the pairs that
 * differ is at least as uneven, if both sides are equally likely (Agresti 2013, section 11.1). It
 * treats pairs as independent, so it is too small if they depend on each other.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  return Math.min(1, 2 * binomialCdf(Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond, 0.5))
}
