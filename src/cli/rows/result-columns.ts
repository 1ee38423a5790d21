import { OWN_COLUMNS } from '../../files/index.ts'
import { UsageError } from '../flags/usage-error.ts'

/** The columns of a result in an output. */
export interface ResultColumns {
  readonly names: readonly string[]
  /** Whether each field of the result has a column. Otherwise one column holds the whole result. */
  readonly areFields: boolean
  readonly prefix: string
}

/** @param fields The fields of every result, if they are known. */
export function resultColumns(fields: readonly string[] | undefined, prefix: string): ResultColumns {
  const names = (fields ?? ['result']).map((name) => prefix + name)
  const taken = names.find((name) => OWN_COLUMNS.includes(name))
  if (taken !== undefined) {
    throw new UsageError(
      `The result has a column ${taken}, which has a meaning here: give it another name with --prefix`,
    )
  }
  return { names, areFields: fields !== undefined, prefix }
}
