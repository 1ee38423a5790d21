/** The median. For an even number of values, the mean of the two values in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? NaN
  const high = sorted[Math.floor(middle)] ?? NaN
  return (low + high) / 2
}

/**
 * The median of the ratios of values that were measured right after each other. Other work on the
 * machine slows both values of a pair. A round without one of the values (NaN) does not count.
 */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return median(above.map((value, i) => value / (below[i] ?? NaN)).filter((ratio) => !Number.isNaN(ratio)))
}

/** The smallest value, because noise only adds time. */
export function best(values: readonly number[]): number {
  return Math.min(...values.filter((value) => !Number.isNaN(value)))
}

/** Runs jobs, `limit` at once. */
export async function atOnce(limit: number, jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const queue = jobs.values()
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const job of queue) await job()
    }),
  )
}
