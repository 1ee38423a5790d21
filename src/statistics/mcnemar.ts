import { betaCdf } from './distributions.ts'

/**
 * Returns the two-sided p-value of McNemar's exact test: how likely a split of the pairs that
 * differ is at least as uneven, if both sides are equally likely (Agresti 2013, section 11.1). It
 * treats pairs as independent, so it is too small if they depend on each other.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const least = Math.min(onlyFirst, onlySecond)
  const pairs = onlyFirst + onlySecond
  if (least === pairs - least) return 1
  return Math.min(1, 2 * betaCdf(0.5, pairs - least, least + 1))
}
