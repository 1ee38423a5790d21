import { atEachEnd, type Range } from '../measure/range.ts'

const MINUTE = 60_000
/** How often in a minute a stream's limiter lets go what it lets go at once. */
const BURSTS = 6

/** What requests take of one limit per minute. */
export interface Toll {
  readonly perMinute: number
  /** Of one request: at the ends, as all are short, or long. */
  readonly each: Range
  /** Of one that starts before an answer has told how long results are; no less than `each`. */
  readonly unlearned: Range
}

/**
 * Milliseconds until the last of some requests may start. A stream's limiter lets 10 s worth of a limit go at once, and at
 * least one request; `high` is for a provider that lets one go at a time.
 *
 * @param unlearned How many start before the first answer has come, at each end.
 */
export function lastStart({ perMinute, ...toll }: Toll, requests: number, unlearned: Range): Range {
  return atEachEnd((end) => {
    const early = unlearned[end]
    const amount = early * toll.unlearned[end] + (requests - early) * toll.each[end]
    const last = early < requests ? toll.each[end] : toll.unlearned[end]
    const burst = end === 'high' ? 0 : perMinute / BURSTS
    return (Math.max(0, amount - Math.max(burst, last)) / perMinute) * MINUTE
  })
}

/** How many requests may start within so many milliseconds, before anything is learned. */
export function startsWithin({ perMinute, unlearned }: Toll, milliseconds: Range): Range {
  return atEachEnd((end) => {
    const atOnce = Math.max(perMinute / BURSTS, unlearned[end])
    return Math.floor((atOnce + (perMinute / MINUTE) * milliseconds[end]) / unlearned[end])
  })
}
