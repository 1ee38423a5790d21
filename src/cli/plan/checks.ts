import type { PlanOptions } from '../estimate/options.ts'
import type { PlanRow } from '../estimate/row.ts'
import { addRanges, mapRange, type Range } from '../measure/range.ts'
import { dollarRange, durationRange, span, tenths, whole } from '../terminal/words.ts'

/** Requests, cost and time. */
export interface Effort {
  readonly requests: Range
  /** US dollars. */
  readonly cost: Range | undefined
  readonly time: Range
}

/** What the checks of a run take: the row of the chosen size asks each record once. */
export interface Checks {
  /** All ballots. */
  readonly votes: (Effort & { readonly least: number; readonly most: number }) | undefined
  /** The questions with a record alone. */
  readonly audit: (Effort & { readonly share: number }) | undefined
  /** The whole run. */
  readonly all: Effort
}

/** Ballots of a record whose first two ballots agree. */
const LEAST_VOTES = 2
/** Questions about an audited record. */
const QUESTIONS = 2

/**
 * @param once The row in which each record is asked once.
 * @param alone The row of packs of one record.
 */
export function checksOf(
  once: PlanRow,
  alone: PlanRow,
  { votes, audit }: Pick<PlanOptions, 'votes' | 'audit'>,
): Checks | undefined {
  if (votes === undefined && audit === undefined) return undefined
  const ballots = effortOf(once, votes === undefined ? 1 : LEAST_VOTES, votes ?? 1)
  // The answer of a record in a pack of one is not audited.
  const times = audit === undefined || once.size === 1 ? 0 : QUESTIONS * audit.share
  const questions = effortOf(alone, times, times)
  return {
    votes: votes === undefined ? undefined : { ...ballots, least: LEAST_VOTES, most: votes },
    audit: audit && { ...questions, share: audit.share },
    all: {
      requests: addRanges(ballots.requests, questions.requests),
      cost: ballots.cost && questions.cost && addRanges(ballots.cost, questions.cost),
      time: addRanges(ballots.time, questions.time),
    },
  }
}

/** From `least` times a row to `most` times. Expected is `least`: most ballots agree. */
function effortOf({ requests, cost, time }: PlanRow, least: number, most: number): Effort {
  const spread = ({ low, expected, high }: Range): Range => ({
    ...{ low: low * least, expected: expected * least, high: high * most },
  })
  return {
    requests: mapRange(spread({ low: requests, expected: requests, high: requests }), Math.round),
    ...{ cost: cost && spread(cost), time: spread(time) },
  }
}

/** The checks for a person. */
export function checkTexts({ votes, audit, all }: Checks): string[] {
  return [
    ...(votes ? [votesText(votes)] : []),
    ...(audit ? [auditText(audit)] : []),
    ...(audit && audit.requests.high > 0 ? [`With the audit, in all ${said(all)}.`] : []),
  ]
}

function votesText({ least, most, ...effort }: NonNullable<Checks['votes']>): string {
  const times = least === most ? `${least}` : `${least} to ${most}`
  return `Votes (--votes ${most}): ${times} requests with each record, in all ${said(effort)}.`
}

function auditText({ share, ...effort }: NonNullable<Checks['audit']>): string {
  const name = `Audit (--audit ${tenths(share * 100)}%):`
  if (effort.requests.high === 0) return `${name} asks nothing, because no record shares a request.`
  return `${name} two more requests for each audited record, ${said(effort)}.`
}

function said({ requests, cost, time }: Effort): string {
  return [
    `${span(requests, whole)} requests`,
    ...(cost ? [dollarRange(cost)] : []),
    durationRange(time),
  ].join(', ')
}
