import { capFor, largestCap, offlineClient, recordsUnder } from '../../engine/index.ts'
import { exactTokenCounter } from '../../exact-tokens.ts'
import { PackStream, RateLimiter, type TokenCounter } from '../../index.ts'
import { defaults, finite, outOfRange } from '../../options/index.ts'
import { given } from '../flags/given.ts'
import { atEachEnd, mapRange, type Range } from '../measure/range.ts'
import { Forecast, LEARNED, MOST_RECORDS } from './forecast.ts'
import { readInput, type Input, type PlanRecord } from './input.ts'
import type { PlanOptions } from './options.ts'
import { readPrompts, type Prompts } from './plain-request.ts'
import { resultTokens, type ResultTokens } from './results.ts'
import type { Terms, Totals } from './row.ts'
import { paceOf } from './server-model.ts'

/** What an input needs in requests of each size. */
export interface Estimate {
  readonly input: Input
  readonly prompts: Prompts
  readonly results: ResultTokens
  /** Number of records whose results fit under the output cap. `Infinity`: any number. */
  readonly maxRecords: number
  readonly terms: Terms
  /** The sums over plain requests of one record each, without packing. */
  readonly plain: () => Totals
  /** The sums over packs of up to `size` records, from 1 on. */
  readonly packed: (size: number) => Totals
}

/**
 * Reads the input once, and sends nothing.
 *
 * @param items The records; `undefined` for a row that is no record.
 * @throws {TypeError | RangeError} For a bad option: the message names it.
 */
export async function estimate(
  items: AsyncIterable<PlanRecord | undefined> | Iterable<PlanRecord | undefined>,
  options: PlanOptions,
): Promise<Estimate> {
  const { encoding = defaults.encoding, keepsResults = false, pricing } = options
  const { maxInFlight = defaults.maxInFlight, maxPackTokens = defaults.maxPackTokens } = options
  const { requestsPerMinute, tokensPerMinute, maxOutputTokens, contextTokens, mix = 0 } = options
  const isCounted = options.encoding !== undefined
  const count = await exactTokenCounter(encoding)
  check(options, count)

  const prompts = readPrompts(options, count)
  const results = resultTokens(prompts.jsonSchema, options, count)
  const { element, frame } = results
  const pace = paceOf(options)
  const fitting = (tokens: number) => recordsUnder(maxOutputTokens ?? Infinity, frame, tokens)
  const maxRecords = fitting(element.expected)
  const largestRequest = tokensPerMinute ?? Infinity
  // Also for long results: if the context cuts an answer off, it is paid for, and asked again.
  const roomFor = (records: number) =>
    (contextTokens ?? Infinity) - prompts.packed.tokens - frame - records * element.high
  const forecast = new Forecast({
    ...{ maxPackTokens, maxInFlight, mix, maxRecords, largestRequest, roomFor },
    surelyFit: fitting(Math.max(element.high, LEARNED * element.expected)),
    ...{ charactersAround: prompts.charactersAround, tagTokens: prompts.tagTokens },
    capFor: (records) => learnedCap(records, results, options),
  })
  const plainRoom = (contextTokens ?? Infinity) - prompts.plain.tokens - results.plain.high
  const input = await readInput(items, {
    ...{ prompts, count, isCounted, forecast, maxPackTokens, largestRequest, keepsResults },
    ...{ room: roomFor(1), plainRoom },
  })
  return {
    ...{ input, prompts, results, maxRecords },
    terms: { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute },
    plain: () => plainTotals(input, prompts, results),
    packed: (size) => packedTotals(size, forecast, input, prompts, results, options),
  }
}

/**
 * The output cap of a request after the stream has learned the size of results: short, expected and
 * long results.
 */
export function learnedCap(records: number, { element }: ResultTokens, options: PlanOptions): Range {
  const { maxOutputTokens = Infinity, tokensPerMinute = Infinity } = options
  const most = Math.min(maxOutputTokens, largestCap(tokensPerMinute))
  return atEachEnd((end) => {
    const longest = end === 'low' ? element.low : element.high
    return Math.min(capFor(records * element[end] + longest), most)
  })
}

/** The output cap of a request before the first answer. 0: the request has no cap. */
function firstCap({ maxOutputTokens = 0, tokensPerMinute = Infinity }: PlanOptions): number {
  return Math.min(maxOutputTokens, largestCap(tokensPerMinute))
}

/** Lets the library check its own options. */
function check(options: PlanOptions, countTokens: TokenCounter): void {
  const { model, instructions, schema, api, request, examples, pricing } = options
  const { maxPackRecords, maxPackTokens, maxInFlight, maxOutputTokens, contextTokens, mix } = options
  const { requestsPerMinute, tokensPerMinute, votes, audit } = options
  new PackStream({
    ...{ client: offlineClient, model, instructions, schema, countTokens },
    ...given({ api, request, examples, pricing }),
    ...given({ maxPackRecords, maxPackTokens, maxInFlight, maxOutputTokens, mix, votes, audit }),
  }).destroy()
  new RateLimiter(given({ requestsPerMinute, tokensPerMinute }))
  finite('contextTokens', contextTokens)
  if (maxPackRecords !== undefined && maxPackRecords > MOST_RECORDS) {
    throw outOfRange('maxPackRecords', `at most ${MOST_RECORDS} in a plan`, maxPackRecords)
  }
}

/** The sums over all plain requests. */
function plainTotals(input: Input, { plain }: Prompts, results: ResultTokens): Totals {
  const { asked, plainTokens, plainCharged, plainOverLimit, plainOverContext } = input
  return {
    ...{ size: 1, requests: asked, full: asked, firstCap: 0, loose: [], overLimit: plainOverLimit },
    savedTokens: 0,
    charged: mapRange(results.plain, () => plainCharged),
    ...{ prefixTokens: plain.prefixTokens, fullPrefixTokens: plain.prefixTokens },
    // Single records that are too long are rejected, and rule out no size.
    overContext: plainOverContext === asked ? asked : 0,
    inputTokens: asked * plain.tokens + plainTokens,
    outputTokens: mapRange(results.plain, (tokens) => asked * tokens),
    largestOutput: results.plain,
  }
}

/** The sums over all requests with packs of up to `size` records. */
function packedTotals(
  size: number,
  forecast: Forecast,
  { asked, records, packedTokens, sharedTokens: inEach }: Input,
  { packed }: Prompts,
  { element, frame }: ResultTokens,
  options: PlanOptions,
): Totals {
  const { tagTokens, sharedTokens, largest, ...counted } = forecast.end(size)
  const { requests } = counted
  return {
    ...{ size, firstCap: firstCap(options), ...counted },
    overContext: records.overContext === asked ? requests : counted.overContext,
    loose: [...counted.loose, ...(records.repeated > 0 ? (['cache'] as const) : [])],
    prefixTokens: packed.prefixTokens,
    // Shared fields differ, and stand before the rest of the message.
    fullPrefixTokens: options.hoist?.length ? packed.prefixTokens : packed.fullPrefixTokens,
    inputTokens: requests * packed.tokens + packedTokens + tagTokens + sharedTokens,
    savedTokens: inEach - sharedTokens,
    outputTokens: mapRange(element, (tokens) => asked * tokens + requests * frame),
    largestOutput: mapRange(element, (tokens) => largest * tokens + frame),
  }
}
