import { best, NEAR } from './choose.ts'
import type { PlanRow } from '../estimate/row.ts'

/** The plan looks at up to this many requests at once; without a stated limit, at fewer. */
const MOST_IN_FLIGHT = 1_000
const MOST_WITHOUT_LIMIT = 64

/** How many requests at once are worth it. JSON. */
export interface InFlight {
  /** The smallest number within 5% of the least time. */
  readonly requests: number
  readonly time: PlanRow['time']
  /**
   * Why more are not worth it. `requests`: there are no more. `slowdown`: they slow each other.
   * `unknown`: the plan looks no further.
   */
  readonly boundBy: PlanRow['boundBy'] | 'requests' | 'slowdown' | 'unknown'
}

/**
 * @param rowAt The figures of the chosen size with this many requests at once.
 * @param isLimited Whether a limit per minute is stated.
 */
export function bestInFlight(rowAt: (maxInFlight: number) => PlanRow, isLimited: boolean): InFlight {
  const all = rowAt(1).requests
  const most = Math.min(all, isLimited ? MOST_IN_FLIGHT : MOST_WITHOUT_LIMIT)
  const rows = Array.from({ length: most }, (_, i) => rowAt(i + 1))
  const fastest = best(rows, ({ time }) => time.expected)
  const index = rows.findIndex(({ time }) => time.expected <= fastest.time.expected * NEAR)
  const { time } = rows[index] ?? fastest
  const isOfLatency = fastest.boundBy === 'latency × max-in-flight'
  const isLast = fastest === rows.at(-1) && most < all
  const why = index + 1 === all ? 'requests' : isLast ? 'unknown' : 'slowdown'
  return { requests: index + 1, time, boundBy: isOfLatency ? why : fastest.boundBy }
}
