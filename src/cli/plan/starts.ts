import type { Range } from './range.ts'

const MINUTE = 60_000
/** How often in a minute a stream's limiter lets go what it lets go at once. */
const BURSTS = 6

/** What requests take of one limit per minute. */
export interface Toll {
  readonly perMinute: number
  /** Of one request. */
  readonly each: number
  /** Of one that starts before an answer has told how long results are; no less than `each`. */
  readonly unlearned: number
}

/**
 * Milliseconds until the last of some requests may start. A stream's limiter lets 10 s worth of a limit go at once, and at
 * least one request; `high` is for a provider that lets one go at a time.
 *
 * @param unlearned How many start before the first answer has come, at each end.
 */
export function lastStart({ perMinute, ...toll }: Toll, requests: number, unlearned: Range): Range {
  const at = (early: number, burst: number) => {
    const amount = early * toll.unlearned + (requests - early) * toll.each
    const last = early < requests ? toll.each : toll.unlearned
    return (Math.max(0, amount - Math.max(burst, last)) / perMinute) * MINUTE
  }
  const burst = perMinute / BURSTS
  return {
    low: at(unlearned.low, burst),
    expected: at(unlearned.expected, burst),
    high: at(unlearned.high, 0),
  }
}

/** How many requests may start within so many milliseconds, before anything is learned. */
export function startsWithin({ perMinute, unlearned }: Toll, milliseconds: number): number {
  const atOnce = Math.max(perMinute / BURSTS, unlearned)
  return Math.floor((atOnce + (perMinute / MINUTE) * milliseconds) / unlearned)
}
