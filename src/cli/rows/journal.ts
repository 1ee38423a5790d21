import { statSync } from 'node:fs'
import { formatOf, type Format } from '../../files/index.ts'
import { real } from './real-path.ts'

/** Where a run keeps the rows of a file that has an end, until it makes the file of them. */
export const journalOf = (path: string): string => `${real(path)}.run.jsonl`

/** A file that has the rows of an output. */
export interface RowsFile {
  readonly path: string
  /** `undefined`: the name tells. */
  readonly format: Format | undefined
  readonly isJournal: boolean
}

/** The file that has the rows of an output: its journal, if a run has not finished the output. */
export function rowsFileOf(output: string, format?: Format): RowsFile {
  const hasEnd = ['json', 'parquet'].includes(format ?? formatOf(output).format ?? '')
  // The shorter name, as the person wrote it, if the output is no link.
  const names = hasEnd ? [`${output}.run.jsonl`, journalOf(output)] : []
  const path = names.find((name) => (statSync(name, { throwIfNoEntry: false })?.size ?? 0) > 0)
  return path === undefined
    ? { path: output, format, isJournal: false }
    : { path, format: 'jsonl', isJournal: true }
}
