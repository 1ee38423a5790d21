import { OWN_COLUMNS } from '../../files/index.ts'
import { UsageError } from '../flags/usage-error.ts'

/** The columns that a result has in an output. */
export interface ResultColumns {
  readonly names: readonly string[]
  /** Whether the result's own fields are these; otherwise it stands in the only one, whole. */
  readonly areFields: boolean
  readonly prefix: string
}

/** @param fields Those that every result has, where they are known. */
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
