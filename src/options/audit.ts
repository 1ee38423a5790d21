import { isDeepStrictEqual } from 'node:util'
import type { AuditRules } from '../audit/rules.ts'
import { boolean, expected, knownOptions, optionalFunction, outOfRange } from '../base/option-checks.ts'
import { defaults } from './defaults.ts'
import type { AuditOptions } from './options.ts'

/** Checks the option `audit` and fills in its defaults. */
export function auditRules<T>(audit: AuditOptions<T>, byOfVotes: AuditOptions<T>['by']): AuditRules<T> {
  knownOptions(audit, { share: true, margin: true, guard: true, seed: true, by: true }, 'audit')
  const { share, margin = defaults.auditMargin, seed = 1 } = audit
  checkNumber('audit.share', share, 'a share from 0 to 1', share >= 0 && share <= 1)
  checkNumber('audit.margin', margin, 'a share from 0 to below 1', margin >= 0 && margin < 1)
  checkNumber('audit.seed', seed, 'a whole number', Number.isSafeInteger(seed))
  const guard = boolean('audit.guard', audit.guard, false)
  const by = optionalFunction('audit.by', audit.by) ?? byOfVotes ?? ((value: T) => value)
  const same = (one: T, other: T): boolean => isDeepStrictEqual(by(one), by(other))
  return { share, margin, guard, seed, same }
}

function checkNumber(name: string, value: unknown, what: string, isGood: boolean): void {
  if (typeof value !== 'number') throw expected(name, what, value)
  if (!isGood) throw outOfRange(name, what, value)
}
