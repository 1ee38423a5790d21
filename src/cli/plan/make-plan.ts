import {
  exactTokenCounter,
  PackStream,
  RateLimiter,
  type Encoding,
  type Pricing,
  type TokenCounter,
} from '../../index.ts'
import { given } from '../flags/given.ts'
import { choose } from './choose.ts'
import { explain } from './explain.ts'
import { readInput, type Input, type PlanRecord, type Records } from './input.ts'
import type { PlanOptions } from './options.ts'
import { capFor, firstCap, recordsSurelyUnderCap, recordsUnderCap } from './output-cap.ts'
import { paceOf, type Pace } from './server-model.ts'
import { MOST_RECORDS, Packs } from './packs.ts'
import { readPrompts, type FixedPrompt, type Prompts } from './plain-request.ts'
import { checkNumber, mapRange } from '../measure/range.ts'
import { resultTokens, type ResultTokens } from './results.ts'
import { rowOf, type PlanRow, type Totals } from './row.ts'

/** The sizes that are always shown. */
const SHOWN = [1, 5, 10, 25, 50]

/** What a run would take. JSON. */
export interface Plan {
  readonly model: string
  readonly encoding: Encoding
  /** Whether the stream counts by it as well. Otherwise it packs by an estimate that corrects itself. */
  readonly isCounted: boolean
  readonly records: Records
  /** Whether each text is asked only once. */
  readonly keepsResults: boolean
  /** Input tokens of all records, in packs and alone. */
  readonly tokens: { readonly packed: number; readonly plain: number }
  /** What is the same in each request. */
  readonly prompts: { readonly packed: FixedPrompt; readonly plain: FixedPrompt }
  readonly results: ResultTokens
  readonly pace: Pace
  readonly pricing: Pricing | undefined
  /** Requests that the figures of an earlier run come from. */
  readonly measuredRequests: number | undefined
  /** Records in each of them, on average. */
  readonly measuredPackRecords: number | undefined
  readonly limits: {
    readonly maxInFlight: number
    readonly maxPackTokens: number
    readonly maxPackRecords: number
    readonly maxOutputTokens: number | undefined
    /** Records whose results fit under it; `undefined`: any number. */
    readonly recordsUnderCap: number | undefined
    readonly requestsPerMinute: number | undefined
    readonly tokensPerMinute: number | undefined
    readonly contextTokens: number | undefined
    /** The smallest size of which a pack does not fit into it; `undefined`: all fit. */
    readonly overContextFrom: number | undefined
  }
  /** The sizes that are shown, the chosen one among them. Empty: there is no record. */
  readonly rows: readonly PlanRow[]
  /** `undefined`: there is no record, or none that `tokensPerMinute` lets through or `contextTokens` has room for. */
  readonly chosen: Chosen | undefined
}

export interface Chosen {
  /** What to set `maxPackRecords` to; 1: do not pack. */
  readonly size: number
  readonly boundBy: PlanRow['boundBy']
  readonly why: string
}

/**
 * Reads the input once, sends nothing, and tells what a run would take by the size of its packs.
 *
 * @param items The records; `undefined` for a row that cannot be asked.
 * @throws {TypeError | RangeError} For a bad option: the message names it.
 */
export async function makePlan(
  items: AsyncIterable<PlanRecord | undefined>,
  options: PlanOptions,
): Promise<Plan> {
  const { model, encoding = 'o200k_base', maxInFlight = 4, maxPackTokens = 4_000, maxOutputTokens } = options
  const { maxPackRecords = MOST_RECORDS, requestsPerMinute, tokensPerMinute, contextTokens } = options
  const { pricing, measured, keepsResults = false } = options
  const isCounted = options.encoding !== undefined
  const count = await exactTokenCounter(encoding)
  check(options, count)

  const prompts = await readPrompts(options, count)
  const results = resultTokens(prompts.jsonSchema, options, count)
  const pace = paceOf(options)
  const maxRecords = recordsUnderCap(results, maxOutputTokens)
  const largestRequest = tokensPerMinute ?? Infinity
  // Long results included: an answer that the context cuts off is paid for, and asked again.
  const roomFor = (records: number) =>
    (contextTokens ?? Infinity) - prompts.packed.tokens - results.frame - records * results.element.high
  const packs = new Packs({
    ...{ maxPackTokens, maxRecords, fixedCharacters: prompts.packed.characters, tagged: prompts.tagged },
    surelyFit: recordsSurelyUnderCap(results, maxOutputTokens),
    ...{ isCounted, maxInFlight, largestRequest, roomFor },
    capFor: (records) => capFor(records, results, options),
  })
  const room = roomFor(1)
  const plainRoom = (contextTokens ?? Infinity) - prompts.plain.tokens - results.plain.high
  const reading = { prompts, count, packs, maxPackTokens, room, plainRoom, largestRequest, keepsResults }
  const input = await readInput(items, reading)

  const terms = { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute }
  const sizes = input.asked === 0 ? [] : Array.from({ length: MOST_RECORDS }, (_, i) => i + 1)
  const rows = sizes.map((size) =>
    rowOf(totals(size, packs, input, prompts, results, firstCap(options)), terms),
  )
  const allowed = rows.filter(({ size }) => size <= maxPackRecords)
  const possible = possibleOf(allowed)
  const choice = possible.length === 0 ? undefined : choose(possible)

  const plan = {
    ...{
      model,
      encoding,
      isCounted,
      keepsResults,
      pricing,
      records: input.records,
      results,
      pace,
      measuredRequests: measured?.requests,
      measuredPackRecords: measured && measured.records / measured.requests,
    },
    tokens: { packed: input.packedTokens, plain: input.plainTokens },
    prompts: { packed: prompts.packed, plain: prompts.plain },
    limits: {
      ...{ maxInFlight, maxPackTokens, maxPackRecords, maxOutputTokens, requestsPerMinute, tokensPerMinute },
      recordsUnderCap: maxRecords === Infinity ? undefined : maxRecords,
      contextTokens,
      overContextFrom: rows.find(({ overContext }) => overContext > 0)?.size,
    },
    rows: rows.filter(({ size }) => SHOWN.includes(size) || size === choice?.row.size),
  }
  if (!choice) return { ...plan, chosen: undefined }
  const { size, boundBy } = choice.row
  return {
    ...plan,
    chosen: { size, boundBy, why: explain(choice, possible, { ...plan, asked: input.asked }) },
  }
}

/** The sizes whose packs fit into the context and, of these, those that the limit of tokens lets through best, if at all. */
function possibleOf(rows: readonly PlanRow[]): PlanRow[] {
  const fitting = rows.filter(({ overContext }) => overContext === 0)
  const least = Math.min(...fitting.map(({ overLimit }) => overLimit))
  return fitting.filter(({ overLimit, requests }) => overLimit === least && overLimit < requests)
}

/** Lets the library itself say what is wrong with its own options. */
function check(options: PlanOptions, countTokens: TokenCounter): void {
  const { model, instructions, schema, pricing, requestsPerMinute, tokensPerMinute } = options
  const { maxPackRecords, maxPackTokens, maxInFlight, maxOutputTokens, contextTokens } = options
  const client = {
    chat: { completions: { create: () => Promise.reject(new Error('A plan sends nothing')) } },
  }
  new PackStream({
    ...{ client, model, instructions, schema, countTokens },
    ...given({ pricing, maxPackRecords, maxPackTokens, maxInFlight, maxOutputTokens }),
  }).destroy()
  new RateLimiter(given({ requestsPerMinute, tokensPerMinute }))
  if (contextTokens !== undefined) checkNumber('contextTokens', contextTokens)
  if (maxPackRecords !== undefined && maxPackRecords > MOST_RECORDS) {
    throw new RangeError(
      `Expected \`maxPackRecords\` to be at most ${MOST_RECORDS} in a plan, got ${maxPackRecords}`,
    )
  }
}

/** The sums over all requests with packs of up to this size; of plain requests for 1. */
function totals(
  size: number,
  packs: Packs,
  input: Input,
  prompts: Prompts,
  results: ResultTokens,
  firstCap: number,
): Totals {
  const { asked, records, packedTokens, plainTokens, plainCharged, plainOverLimit, plainOverContext } = input
  const { packed, plain } = prompts
  if (size === 1) {
    return {
      ...{ size, requests: asked, full: asked, firstCap: 0, loose: [] },
      charged: mapRange(results.plain, () => plainCharged),
      ...{ prefixTokens: plain.prefixTokens, fullPrefixTokens: plain.prefixTokens },
      overLimit: plainOverLimit,
      // Some that are too long are rejected, and rule out nothing; so below.
      overContext: plainOverContext === asked ? asked : 0,
      inputTokens: asked * plain.tokens + plainTokens,
      outputTokens: mapRange(results.plain, (tokens) => asked * tokens),
      largestOutput: results.plain,
    }
  }
  const { tagTokens, largest, ...counted } = packs.count(size)
  const { requests } = counted
  return {
    ...{ size, firstCap, ...counted },
    overContext: records.overContext === asked ? requests : counted.overContext,
    loose: [...counted.loose, ...(records.repeated > 0 ? (['cache'] as const) : [])],
    ...{ prefixTokens: packed.prefixTokens, fullPrefixTokens: packed.fullPrefixTokens },
    inputTokens: requests * packed.tokens + packedTokens + tagTokens,
    outputTokens: mapRange(results.element, (tokens) => asked * tokens + requests * results.frame),
    largestOutput: mapRange(results.element, (tokens) => largest * tokens + results.frame),
  }
}
