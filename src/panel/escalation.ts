import { canonical } from '../base/canonical.ts'
import type { Escalated, Outcome, Votes } from '../record/outcome.ts'

/** The rules for which records are asked in the second step. */
export interface EscalationRules<R, T> {
  /** Says whether a value of the first step is not good enough. */
  readonly when: ((record: R, value: T) => boolean) | undefined
}

/** What the second step gained for a record. */
export type Gain = 'changed' | 'rescued' | undefined

/** Why a record needs the second step. `undefined`: its first answer is good enough. */
export function reasonToEscalate<R, T>(
  record: R,
  answer: { readonly value: T; readonly votes?: Votes<T> } | { readonly status: 'rejected' },
  { when }: EscalationRules<R, T>,
): Escalated<T>['because'] | undefined {
  if (!('value' in answer)) return 'rejected'
  const { value, votes } = answer
  if (votes && votes.agreed < votes.count) return 'votes'
  return when?.(record, value) ? 'when' : undefined
}

/**
 * The outcome of both steps. A value of the second step replaces that of the first. If the second
 * step gives no value, the first value stays.
 */
export function outcomeOfBoth<R, T>(
  first: Outcome<R, T>,
  second: Outcome<R, T>,
  because: Escalated<T>['because'],
): { readonly outcome: Outcome<R, T>; readonly gain: Gain } {
  const attempts = first.attempts + second.attempts
  if (second.status === 'rejected') {
    if (first.status === 'rejected') return { outcome: { ...second, attempts }, gain: undefined }
    const escalated = { because, from: first.value, reason: second.reason }
    return { outcome: { ...first, attempts, escalated }, gain: undefined }
  }
  if (first.status === 'rejected') {
    return { outcome: { ...second, attempts, escalated: { because } }, gain: 'rescued' }
  }
  const { value: from, votes } = first
  const gain = canonical(from) === canonical(second.value) ? undefined : 'changed'
  return { outcome: { ...second, attempts, escalated: { because, from, ...(votes && { votes }) } }, gain }
}

/** A value as the cache stores it: the answer of the first step, or that of the second. */
export function storedStep(result: unknown, step: 1 | 2): { step: 1 | 2; result: unknown } {
  return { step, result }
}

type Check<F> = (result: unknown) => F | { issues: unknown }

/** Checks a stored value of either step. */
export function checkSteps<F extends object, S extends object>(first: Check<F>, second: Check<S>) {
  return (stored: unknown): F | (S & { readonly isEscalated: true }) | { issues: unknown } => {
    const { step, result } = (stored ?? {}) as Partial<ReturnType<typeof storedStep>>
    if (step !== 2) return first(result)
    const checked = second(result)
    return 'issues' in checked ? { issues: checked.issues } : { ...checked, isEscalated: true }
  }
}
