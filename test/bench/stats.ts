/** Middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? NaN
  const high = sorted[Math.floor(middle)] ?? NaN
  return (low + high) / 2
}

/**
 * Median of the ratios of values that were measured one right after the other. What a neighbour on the machine slows
 * down, it slows down for both. Rounds in which either was not measured (NaN) do not count.
 */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return median(above.map((value, i) => value / (below[i] ?? NaN)).filter((ratio) => !Number.isNaN(ratio)))
}

/** The smallest value: noise only ever adds. */
export function best(values: readonly number[]): number {
  return Math.min(...values.filter((value) => !Number.isNaN(value)))
}

/** Runs jobs with so many at once. */
export async function atOnce(limit: number, jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const queue = jobs.values()
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const job of queue) await job()
    }),
  )
}
