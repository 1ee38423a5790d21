import type { PlanRow } from '../estimate/row.ts'

/** A row that exceeds the best row by at most this percentage is as good. */
export const NEAR_PERCENT = 5
export const NEAR = 1 + NEAR_PERCENT / 100

/** The row to take, and the rows that it was compared with. */
export interface Choice {
  readonly row: PlanRow
  /** The rows of the least cost and of the least time. */
  readonly cheapest: PlanRow | undefined
  readonly fastest: PlanRow
  /** Whether `row` is near to both. Otherwise no row is, and this row comes nearest. */
  readonly isNear: boolean
}

/**
 * Chooses the smallest size near to the least cost and the least time, or else the size that comes
 * nearest.
 */
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

/** `value` as a multiple of `least`; both may be 0. */
export function ratio(value: number, least: number): number {
  return value === least ? 1 : value / least
}

/** The first item with the least measure. */
export function best<T>(items: readonly T[], measure: (item: T) => number): T {
  return items.reduce((least, item) => (measure(item) < measure(least) ? item : least))
}
