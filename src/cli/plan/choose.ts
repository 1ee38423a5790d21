import type { PlanRow } from './row.ts'

/** A row this near to the best is as good. */
export const NEAR = 1.05

/** The row to take, and what it was measured by. */
export interface Choice {
  readonly row: PlanRow
  /** Of all rows: those of the least cost and time. */
  readonly cheapest: PlanRow | undefined
  readonly fastest: PlanRow
  /** Whether it is near to both of these; otherwise none is, and this one comes nearest. */
  readonly isNear: boolean
}

/** The smallest size that is near to the least cost and the least time; if there is none, the one that comes nearest. */
export function choose(rows: readonly PlanRow[]): Choice {
  const cost = (row: PlanRow) => row.cost?.expected
  const cheapest = rows.every((row) => row.cost) ? best(rows, (row) => cost(row) ?? 0) : undefined
  const fastest = best(rows, ({ time }) => time.expected)
  const excess = (row: PlanRow) =>
    Math.max(
      ratio(row.time.expected, fastest.time.expected),
      cheapest ? ratio(cost(row) ?? 0, cost(cheapest) ?? 0) : 1,
    )
  const near = rows.find((row) => excess(row) <= NEAR)
  return { row: near ?? best(rows, excess), cheapest, fastest, isNear: near !== undefined }
}

/** How many times as much; both may be nothing. */
export function ratio(value: number, least: number): number {
  return value === least ? 1 : value / least
}

/** The first of the least. */
export function best<T>(items: readonly T[], measure: (item: T) => number): T {
  return items.reduce((least, item) => (measure(item) < measure(least) ? item : least))
}
