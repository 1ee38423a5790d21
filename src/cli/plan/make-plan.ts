import { defaults } from '../../options/index.ts'
import { estimate } from '../estimate/estimate.ts'
import { MOST_RECORDS } from '../estimate/forecast.ts'
import type { PlanRecord } from '../estimate/input.ts'
import type { PlanOptions } from '../estimate/options.ts'
import { rowOf, type PlanRow, type Terms, type Totals } from '../estimate/row.ts'
import { questionsOf } from '../ways/questions.ts'
import { waysOf, type Ways } from '../ways/ways.ts'
import { checksOf } from './checks.ts'
import { best, choose } from './choose.ts'
import { explain } from './explain.ts'
import { SHOWN } from './flags.ts'
import { bestInFlight, type InFlight } from './in-flight.ts'
import type { Plan } from './plan-report.ts'

/**
 * Reads the input once, sends nothing, and plans a run for each pack size.
 *
 * @param items The records; `undefined` for a row that is no record.
 * @throws {TypeError | RangeError} For a bad option: the message names it.
 */
export async function makePlan(
  items: AsyncIterable<PlanRecord | undefined>,
  options: PlanOptions,
): Promise<Plan> {
  const { model, encoding = defaults.encoding, keepsResults = false, pricing, price, measured } = options
  const { maxPackTokens = defaults.maxPackTokens, maxPackRecords = MOST_RECORDS } = options
  const { requestsPerMinute, tokensPerMinute, maxOutputTokens, contextTokens, hoist = [] } = options
  const isCounted = options.encoding !== undefined
  const { input, prompts, results, maxRecords, terms, plain, packed } = await estimate(items, options)
  const { pace, maxInFlight } = terms
  const sizes = input.asked === 0 ? [] : Array.from({ length: MOST_RECORDS }, (_, i) => i + 1)
  const totals = sizes.map((size) => (size === 1 ? plain() : packed(size)))
  const rows = totals.map((all) => rowOf(all, terms))
  const possible = possibleOf(rows.filter(({ size }) => size <= maxPackRecords))
  const choice = possible.length === 0 ? undefined : choose(possible)
  const facts = {
    ...{ model, encoding, isCounted, keepsResults, pricing, price, records: input.records, results, pace },
    measuredRequests: measured?.requests,
    measuredPackRecords: measured && measured.records / measured.requests,
    tokens: { packed: input.packedTokens, plain: input.plainTokens },
    hoist,
    prompts: { packed: prompts.packed, plain: prompts.plain },
    limits: {
      ...{ maxInFlight, maxPackTokens, maxPackRecords, maxOutputTokens, requestsPerMinute, tokensPerMinute },
      recordsUnderCap: maxRecords === Infinity ? undefined : maxRecords,
      contextTokens,
      overContextFrom: rows.find(({ overContext }) => overContext > 0)?.size,
    },
    rows: rows.filter(({ size }) => SHOWN.includes(size) || size === choice?.row.size),
  }
  const chosen = choice && {
    ...{ size: choice.row.size, boundBy: choice.row.boundBy },
    why: explain(choice, possible, { ...facts, asked: input.asked }),
    inFlight: inFlightOf(totals[choice.row.size - 1], terms),
  }
  const alone = choice && rowOf(packed(1), terms)
  const once = choice?.row.isPacked === false ? alone : choice?.row
  return {
    ...{ ...facts, chosen },
    checks: once && alone && checksOf(once, alone, options),
    ways: choice && otherWays(rows, possible, choice.row, options),
  }
}

/** The same job in other ways: the chosen packs, or the best packs if plain requests are chosen. */
function otherWays(
  rows: readonly PlanRow[],
  possible: readonly PlanRow[],
  chosen: PlanRow,
  { schema, pricing, lanes = [], maxInFlight = defaults.maxInFlight }: PlanOptions,
): Ways | undefined {
  const [alone] = rows
  if (!alone) return undefined
  const packs = possible.filter(({ isPacked }) => isPacked)
  const packed = chosen.isPacked
    ? chosen
    : packs.length > 0
      ? best(packs, ({ cost, time }) => cost?.expected ?? time.expected)
      : undefined
  return waysOf({
    ...{ alone, packed, isMeasured: false, pricing, maxInFlight },
    ...{ lanes, questions: questionsOf(schema) },
  })
}

/** How many requests at once are worth it. */
function inFlightOf(all: Totals | undefined, terms: Terms): InFlight | undefined {
  if (!all || all.size === 1) return undefined
  const isLimited = (terms.requestsPerMinute ?? terms.tokensPerMinute) !== undefined
  return bestInFlight((maxInFlight) => rowOf(all, { ...terms, maxInFlight }), isLimited)
}

/**
 * The sizes whose packs fit into the context. Among them, the sizes with the fewest requests over
 * the limit of tokens.
 */
function possibleOf(rows: readonly PlanRow[]): PlanRow[] {
  const fitting = rows.filter(({ overContext }) => overContext === 0)
  const least = Math.min(...fitting.map(({ overLimit }) => overLimit))
  return fitting.filter(({ overLimit, requests }) => overLimit === least && overLimit < requests)
}
