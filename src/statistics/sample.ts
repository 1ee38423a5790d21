/**
 * Returns the items in a random order (Fisher and Yates), given random numbers from 0 to below 1.
 * The first n of them are a random sample.
 */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other] as T, order[last] as T]
  }
  return order
}
