/**
 * Returns the alpha for each of several comparisons, so that all their intervals hold together
 * with 1 - alpha (Bonferroni). Holm's correction finds a little more, but has no intervals: a table
 * could show the margin inside the interval of an arm that passed. Bonferroni's intervals agree
 * with the verdicts, hold for dependent arms, and do not change when another arm stops early.
 */
export function alphaOfEach(alpha: number, comparisons: number): number {
  return alpha / comparisons
}

/**
 * Returns the alpha of the `nth` test (from 1) of a series without a planned end, such as a new
 * test after each change. The whole series gives a false alarm with a probability of at most alpha,
 * because the sum of 1 / (n (n + 1)) is 1.
 */
export function alphaOfNth(alpha: number, nth: number): number {
  return alpha / (nth * (nth + 1))
}
