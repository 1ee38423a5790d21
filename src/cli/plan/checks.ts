import type { PlanRow } from '../estimate/row.ts'
import type { Range } from '../measure/range.ts'
import { dollarRange, durationRange, span, whole } from '../terminal/words.ts'

/** Requests, cost and time. */
export interface Effort {
  readonly requests: Range
  /** US dollars. */
  readonly cost: Range | undefined
  readonly time: Range
}

/** What the checks of a run take: the row of the chosen size asks each record once. */
export interface Checks {
  readonly votes: Effort & { readonly least: number; readonly most: number }
}

/** Ballots of a record whose first two ballots agree. */
const LEAST_VOTES = 2

/**
 * @param once The row in which each record is asked once.
 * @param votes The most ballots of a record.
 */
export function checksOf(once: PlanRow, votes: number | undefined): Checks | undefined {
  if (votes === undefined) return undefined
  return { votes: { ...effortOf(once, LEAST_VOTES, votes), least: LEAST_VOTES, most: votes } }
}

/** From `least` times a row to `most` times. Expected is `least`: most ballots agree. */
function effortOf({ requests, cost, time }: PlanRow, least: number, most: number): Effort {
  const spread = ({ low, expected, high }: Range): Range => ({
    ...{ low: low * least, expected: expected * least, high: high * most },
  })
  return {
    requests: spread({ low: requests, expected: requests, high: requests }),
    ...{ cost: cost && spread(cost), time: spread(time) },
  }
}

/** The checks for a person. */
export function checkTexts({ votes: { least, most, ...effort } }: Checks): string[] {
  const times = least === most ? `${least}` : `${least} to ${most}`
  return [`Votes (--votes ${most}): ${times} requests with each record, in all ${said(effort)}.`]
}

function said({ requests, cost, time }: Effort): string {
  return [
    `${span(requests, whole)} requests`,
    ...(cost ? [dollarRange(cost)] : []),
    durationRange(time),
  ].join(', ')
}
