import { OWN_COLUMNS } from '../../files/index.ts'
import { UsageError } from '../flags/usage-error.ts'

/** The columns of a result in an output. */
export interface ResultColumns {
  readonly names: readonly string[]
  /** Whether each field of the result has a column. Otherwise one column holds the whole result. */
  readonly areFields: boolean
  readonly prefix: string
  /** Whether the last column says how many ballots agree. */
  readonly hasVotes: boolean
}

/** The column after the fields of the result that says how many ballots agree. */
export const VOTES = '_votes'

/**
 * @param fields The fields of every result, if they are known.
 * @param votes The most ballots of a record, if records have ballots.
 */
export function resultColumns(
  fields: readonly string[] | undefined,
  prefix: string,
  { votes }: { readonly votes?: number } = {},
): ResultColumns {
  const hasVotes = votes !== undefined
  if (hasVotes && fields?.includes(VOTES)) {
    throw new UsageError(`The result has a field ${VOTES}, which has a meaning with --votes`)
  }
  const names = [...(fields ?? ['result']), ...(hasVotes ? [VOTES] : [])].map((name) => prefix + name)
  const taken = names.find((name) => OWN_COLUMNS.includes(name))
  if (taken !== undefined) {
    throw new UsageError(
      `The result has a column ${taken}, which has a meaning here: give it another name with --prefix`,
    )
  }
  return { names, areFields: fields !== undefined, prefix, hasVotes }
}
