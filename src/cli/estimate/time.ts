import { burstOf } from '../../engine/index.ts'
import { addRanges, atEachEnd, mapRange, mostOf, type Range } from '../measure/range.ts'
import { requestTime, type Pace, type Work } from './server-model.ts'

export type Bound = 'latency × max-in-flight' | 'requests per minute' | 'tokens per minute'

/** Milliseconds by each limit alone; `undefined`: there is no such limit. */
export type Bounds = Readonly<Record<Bound, Range | undefined>>

/** How much of a limit per minute the requests use. */
export interface Toll {
  readonly perMinute: number
  /** For one request: short, expected and long. */
  readonly each: Range
  /** For a request that starts before an answer has told the size of results. At least `each`. */
  readonly unlearned: Range
}

interface Tolls {
  readonly requests: Toll | undefined
  readonly tokens: Toll | undefined
}

const MINUTE_MS = 60_000

/**
 * The time of all requests: the time until the last request starts, and the time of that request.
 *
 * @param longest The same work, if each request took as long as the last request may take.
 */
export function timeOf(
  work: Work,
  longest: Work,
  pace: Pace,
  { requests, tokens }: Tolls,
): { time: Range; bounds: Bounds } {
  const one = requestTime(pace, work)
  const roundsBefore = Math.ceil(work.requests / work.maxInFlight) - 1
  const inLastRound = work.requests - roundsBefore * work.maxInFlight
  const tolls = [requests, tokens].filter((toll) => toll !== undefined)
  const starts = tolls.map((toll) => startsWithin(toll, one))
  const unlearned = atEachEnd((end) =>
    Math.min(work.requests, work.maxInFlight, ...starts.map((range) => range[end])),
  )
  const last = { ...one, high: requestTime(pace, longest).high }
  // If a limit holds the other requests back, the last request may run alone.
  const alone = { ...last, low: requestTime(pace, { ...work, maxInFlight: 1 }).low }
  const heldBy = (toll: Toll | undefined) =>
    toll && addRanges(lastStart(toll, work.requests, unlearned), alone)
  const before = mapRange(one, (time) => time * roundsBefore)
  const latency = addRanges(before, last)
  const bounds: Bounds = {
    'latency × max-in-flight': latency,
    'requests per minute': heldBy(requests),
    'tokens per minute': heldBy(tokens),
  }
  // The limits spread the starts of a round, and so the starts of the next round.
  const none = mapRange(one, () => 0)
  const spread = tolls.map((toll) => addRanges(latency, lastStart(toll, inLastRound, none)))
  const all = [...Object.values(bounds).filter((bound) => bound !== undefined), ...spread]
  return { time: mostOf(all), bounds }
}

/**
 * Milliseconds until the last request may start. A stream's limiter lets a burst through at once,
 * and at least one request. `high` is for a provider that lets one request through at a time.
 *
 * @param unlearned Number of requests that start before the first answer, at each end.
 */
function lastStart({ perMinute, ...toll }: Toll, requests: number, unlearned: Range): Range {
  return atEachEnd((end) => {
    const early = unlearned[end]
    const amount = early * toll.unlearned[end] + (requests - early) * toll.each[end]
    const last = early < requests ? toll.each[end] : toll.unlearned[end]
    const burst = end === 'high' ? 0 : burstOf(perMinute)
    return (Math.max(0, amount - Math.max(burst, last)) / perMinute) * MINUTE_MS
  })
}

/** Number of requests that may start within some milliseconds, before any answer. */
function startsWithin({ perMinute, unlearned }: Toll, milliseconds: Range): Range {
  return atEachEnd((end) => {
    const atOnce = Math.max(burstOf(perMinute), unlearned[end])
    return Math.floor((atOnce + (perMinute / MINUTE_MS) * milliseconds[end]) / unlearned[end])
  })
}
