import { earlierRow, readRows, type Format } from '../../files/index.ts'
import { given } from '../flags/given.ts'
import { rowsFileOf } from '../rows/journal.ts'
import { Contents } from './contents.ts'

/** Reads the rows of an output, or those of its journal. */
export async function readContents(
  output: string,
  stated: Format | undefined,
  resultColumns: readonly string[] | undefined,
): Promise<Contents> {
  const { path, format, isJournal } = rowsFileOf(output, stated)
  const contents = new Contents(resultColumns)
  contents.isJournal = isJournal
  const options = { ...given({ format }), maxRecordBytes: Number.MAX_SAFE_INTEGER, exactNumbers: true }
  for await (const { record, error } of readRows([path], options)) {
    // A run that was killed may leave an unfinished row at the end.
    if (error) contents.unreadable += 1
    else contents.add(resultRow(record))
  }
  return contents
}

/** A row of an output, or of a file that a person has changed. */
export function resultRow(record: unknown): Parameters<Contents['add']>[0] {
  const isObject = typeof record === 'object' && record !== null
  const columns = isObject ? (record as Readonly<Record<string, unknown>>) : { text: record }
  const { own, reason } = earlierRow(columns) ?? { own: columns, reason: undefined }
  return { columns: own, reason }
}
