import { earlierRow, readRows, type Format } from '../../files/index.ts'
import { given } from '../flags/given.ts'
import { Contents } from './contents.ts'

/** Reads the rows of an output. */
export async function readContents(
  file: string,
  format: Format | undefined,
  resultColumns: readonly string[] | undefined,
): Promise<Contents> {
  const contents = new Contents(resultColumns)
  const options = { ...given({ format }), maxRecordBytes: Number.MAX_SAFE_INTEGER, exactNumbers: true }
  for await (const { record, error } of readRows([file], options)) {
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
