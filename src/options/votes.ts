import { expected, isPlainObject, knownOptions, optionalFunction, outOfRange } from '../base/option-checks.ts'
import { FIRST_BALLOTS, type VoteRules } from '../panel/tally.ts'
import type { VoteOptions } from './options.ts'

/**
 * Number of packs of records whose ballots are drawn together by default. With four, a quarter of a
 * record's neighbours is the same in both its packs.
 */
const MIXED_PACKS = 4

export function checkVotes<T>(votes: number | VoteOptions<T> | undefined): VoteRules<T> | undefined {
  if (votes === undefined) return undefined
  const isNumber = typeof votes === 'number'
  if (!isNumber && !isPlainObject(votes)) {
    throw expected('votes', 'a number of ballots, or an object with `ballots`', votes)
  }
  if (!isNumber) knownOptions(votes, { ballots: true, by: true, merge: true }, 'votes')
  const name = isNumber ? 'votes' : 'votes.ballots'
  const { ballots, by, merge }: VoteOptions<T> = isNumber ? { ballots: votes } : votes
  const what = `a whole number of at least ${FIRST_BALLOTS}`
  if (typeof ballots !== 'number') throw expected(name, what, ballots)
  if (!Number.isSafeInteger(ballots) || ballots < FIRST_BALLOTS) throw outOfRange(name, what, ballots)
  return {
    ballots,
    by: optionalFunction('votes.by', by),
    merge: optionalFunction('votes.merge', merge),
  }
}

/** The window that gives the ballots of a record other neighbours. 0 without ballots. */
export function mixFor(votes: object | undefined, maxPackRecords: number): number {
  return votes ? FIRST_BALLOTS * MIXED_PACKS * maxPackRecords : 0
}
