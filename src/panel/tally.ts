import { canonical } from '../base/canonical.ts'
import type { Votes } from '../record/outcome.ts'

/** The answer to one ballot. */
export interface Ballot<T> {
  readonly outcome: { readonly status: 'fulfilled'; readonly value: T } | { readonly status: 'rejected' }
  /** The value as the model wrote it, before the schema's transforms. */
  readonly result: unknown
}

export interface VoteRules<T> {
  /** Largest number of ballots of a record. */
  readonly ballots: number
  /** Returns the part of a value in which ballots have to agree. `undefined`: the whole value. */
  readonly by: ((value: T) => unknown) | undefined
  /** Makes one value of the values of a record without a majority. */
  readonly merge: ((values: readonly T[]) => T) | undefined
}

/** Number of ballots that each record has. */
export const FIRST_BALLOTS = 2

export interface Decision<T, B> {
  /** The first ballot with the value. If no ballot has a value, the first ballot. */
  readonly winner: B
  /** The value and the votes for it. `undefined`: the record is rejected. */
  readonly elected: { readonly value: T; readonly votes: Votes<T> } | undefined
}

/**
 * Decides about a record by its ballots. `undefined`: one more ballot is needed.
 *
 * A rejected ballot agrees with other rejected ballots, so two of them end the vote. But a value of
 * any ballot is better than none.
 */
export function decide<T, B extends Ballot<T>>(
  ballots: readonly B[],
  { by, merge, ballots: most }: VoteRules<T>,
): Decision<T, B> | undefined {
  const parties = new Map<string, { readonly winner: B; readonly value: T; agreed: number }>()
  const values: T[] = []
  for (const ballot of ballots) {
    const { outcome, result } = ballot
    if (outcome.status === 'rejected') continue
    const { value } = outcome
    values.push(value)
    const key = canonical(by ? by(value) : result)
    const party = parties.get(key) ?? { winner: ballot, value, agreed: 0 }
    party.agreed += 1
    parties.set(key, party)
  }
  const count = ballots.length
  const isMajority = (agreed: number): boolean => 2 * agreed > count
  // The sort is stable, so of several values with as many ballots the first wins.
  const [first] = Array.from(parties.values()).sort((a, b) => b.agreed - a.agreed)
  const hasMajority = isMajority(first?.agreed ?? 0)
  const isOver = count >= most || hasMajority || isMajority(count - values.length)
  const [winner] = ballots
  if (winner === undefined || count < FIRST_BALLOTS || !isOver) return undefined
  if (!first) return { winner, elected: undefined }
  const { agreed } = first
  const all = { count, hasMajority, ...(agreed < count && { values }) }
  if (hasMajority || !merge || values.length === 1) {
    return { winner: first.winner, elected: { value: first.value, votes: { agreed, ...all } } }
  }
  const value = merge(values)
  const merged = canonical(value)
  const same = values.filter((each) => canonical(each) === merged).length
  return { winner: first.winner, elected: { value, votes: { agreed: same, ...all } } }
}

/** The ballots of a record as a cache stores them. So their decision can be made again. */
export function storedBallots(ballots: readonly Ballot<unknown>[]): unknown[][] {
  return ballots.map(({ outcome, result }) => (outcome.status === 'fulfilled' ? [result] : []))
}

type Check<T> = (result: unknown) => { value: T } | { issues: unknown }

/** Checks stored ballots like a result, and decides about them again. */
export function checkBallots<T>(check: Check<T>, rules: VoteRules<T>) {
  return (stored: unknown): { value: T; votes: Votes<T> } | { issues: string } => {
    const wrong = { issues: 'Other ballots' }
    if (!Array.isArray(stored) || !stored.every((each) => Array.isArray(each))) return wrong
    const ballots: Ballot<T>[] = []
    for (const each of stored as unknown[][]) {
      const [result] = each
      const checked = each.length > 0 ? check(result) : undefined
      if (checked && !('value' in checked)) return wrong
      const outcome = checked ? { status: 'fulfilled' as const, value: checked.value } : REJECTED
      ballots.push({ outcome, result })
    }
    return decide(ballots, rules)?.elected ?? wrong
  }
}

const REJECTED = { status: 'rejected' } as const
