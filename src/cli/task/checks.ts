import type { PackStreamOptions } from '../../index.ts'
import type { CheckFlags } from '../flags/check-flags.ts'
import { given } from '../flags/given.ts'
import { UsageError } from '../flags/usage-error.ts'
import { columnList } from './partition.ts'

/**
 * The options of a stream that check its answers.
 *
 * @param fields The fields of each result, if they are known.
 * @throws {UsageError} For a flag that has no effect, or names a field that no result has.
 */
export function checksOf(
  { votes, agreeOn, audit: share, auditMargin: margin, auditGuard: guard }: CheckFlags,
  fields: readonly string[] | undefined,
): Pick<PackStreamOptions<unknown, unknown>, 'votes' | 'audit'> {
  if (share === undefined) {
    if (margin !== undefined) throw new UsageError('Expected --audit with --audit-margin')
    if (guard !== undefined) throw new UsageError('Expected --audit with --audit-guard')
    if (votes === undefined && agreeOn !== undefined)
      throw new UsageError('Expected --votes or --audit with --agree-on')
  }
  const by = agreeOn === undefined ? undefined : partOf(columnList('--agree-on', agreeOn), fields)
  return {
    ...(votes !== undefined && { votes: by ? { ballots: votes, by } : votes }),
    ...(share !== undefined && { audit: { share, ...given({ margin, guard, by }) } }),
  }
}

/** The part of a value in which answers have to agree. */
function partOf(
  columns: readonly string[],
  fields: readonly string[] | undefined,
): (value: unknown) => unknown {
  const unknown = columns.find((name) => fields && !fields.includes(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--agree-on: the result has no field ${JSON.stringify(unknown)}; there are: ${fields?.join(', ')}`,
    )
  }
  return (value) => columns.map((name) => (value as Readonly<Record<string, unknown>> | null)?.[name])
}
