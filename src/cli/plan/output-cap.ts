import type { PlanOptions } from './options.ts'
import { LEARNED } from './forecast.ts'
import { mapRange, type Range } from '../measure/range.ts'
import type { ResultTokens } from './results.ts'

// As the stream learns its caps: twice what is expected and one long result, and no more than a quarter of the limit.
const ROOM = 2
const FRAME_TOKENS = 32
const LIMIT_SHARE = 4
/** The share of the largest cap that the results of a pack may be expected to fill. */
const EXPECTED_FILL = 0.7

/**
 * The output cap that a stream sends for so many records, once it has learned what results take: at the ends, that all are
 * short, or long.
 */
export function capFor(records: number, { element }: ResultTokens, options: PlanOptions): Range {
  const { low, expected, high } = element
  const results = {
    low: (records + 1) * low,
    expected: records * expected + high,
    high: (records + 1) * high,
  }
  const { maxOutputTokens = Infinity, tokensPerMinute = Infinity } = options
  const most = Math.min(maxOutputTokens, Math.floor(tokensPerMinute / LIMIT_SHARE))
  return mapRange(results, (tokens) => Math.min(Math.ceil(ROOM * tokens + FRAME_TOKENS), most))
}

/** The output cap that a stream sends before it has learned that; 0: none, as none is stated. */
export function firstCap({ maxOutputTokens = 0, tokensPerMinute = Infinity }: PlanOptions): number {
  return Math.min(maxOutputTokens, Math.floor(tokensPerMinute / LIMIT_SHARE))
}

/** How many records a pack may hold so that its answer fits under the largest cap. */
export function recordsUnderCap({ element, frame }: ResultTokens, maxOutputTokens = Infinity): number {
  return fitting(maxOutputTokens, frame, element.expected)
}

/** The same if results are as long as they may be: what the stream learns of them is in between. */
export function recordsSurelyUnderCap({ element, frame }: ResultTokens, maxOutputTokens = Infinity): number {
  return fitting(maxOutputTokens, frame, Math.max(element.high, LEARNED * element.expected))
}

function fitting(maxOutputTokens: number, frame: number, element: number): number {
  return Math.max(1, Math.floor((maxOutputTokens * EXPECTED_FILL - frame) / element))
}
