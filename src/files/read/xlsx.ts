import { open, type FileHandle } from 'node:fs/promises'
import { FileError, MOST_ROWS, RowError, type Row } from '../row.ts'
import { columnNames } from './column-names.ts'
import { unreadable } from './file-bytes.ts'
import { load, sizeOnDisk, tableRow, type TableBatch, type TableOptions } from './table.ts'
import { chooseSheet } from './xlsx-sheets.ts'
import { partOf, sheetsLast } from './xlsx-zip.ts'

/**
 * The rows of a sheet. The first row that is not empty names the columns. Of the file, it keeps the
 * texts of all cells, which XLSX has in a part of their own, and some rows.
 */
export async function* readXlsx(
  file: string,
  { sheet, onNote }: TableOptions,
): AsyncGenerator<TableBatch, void> {
  const size = sizeOnDisk(file, 'XLSX')
  const hucre = await load('hucre', Promise.all([import('hucre/xlsx'), import('hucre/xml')]), file, 'XLSX')
  const [{ streamXlsxRows }, { readXml }] = hucre
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  const progress = { bytes: 0 }
  let columns: readonly string[] | undefined
  let rows: Row[] = []
  try {
    const { name, note } = await chooseSheet(sheet, (part) => partOf(handle, size, part), readXml)
    if (note !== undefined) onNote?.(`${file}: ${note}`)
    for await (const { index, values } of paced(streamXlsxRows, handle, size, name, progress)) {
      const cells = withoutEmptyEnd(values.map(textOf))
      if (cells.length === 0) continue
      if (columns) rows.push(rowOf(file, index + 1, columns, cells))
      else columns = Object.freeze(columnNames(cells))
      if (rows.length < MOST_ROWS) continue
      yield { rows, columns, bytes: progress.bytes }
      rows = []
    }
  } catch (error) {
    // Rows that were read before the damage.
    yield { rows, columns, bytes: progress.bytes }
    if (error instanceof Error && 'syscall' in error) throw unreadable(file, error)
    const what = `it can't be read as XLSX: ${(error as Error).message}`
    throw new FileError('cannot_read', file, what, error)
  } finally {
    await handle.close()
  }
  yield { rows, columns, bytes: size }
}

type Stream = typeof import('hucre/xlsx').streamXlsxRows

/**
 * The rows of hucre, which reads ahead without a limit if it gets all bytes at once. So it gets the
 * next bytes only after the consumer has taken all rows.
 */
async function* paced(
  streamRows: Stream,
  handle: FileHandle,
  size: number,
  sheet: string | undefined,
  progress: { bytes: number },
): ReturnType<Stream> {
  let isWanted = false
  let wake: (() => void) | undefined
  const bytes = sheetsLast(handle, size, async () => {
    if (!isWanted) await new Promise<void>((resolve) => (wake = resolve))
  })
  const source = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await bytes.next()
        if (done) {
          controller.close()
          return
        }
        progress.bytes = Math.min(size, progress.bytes + value.length)
        controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
  const rows = streamRows(source, sheet === undefined ? {} : { sheet })
  try {
    for (;;) {
      // A row that hucre has already comes before the next turn of the event loop.
      const waiting = setImmediate(() => {
        isWanted = true
        wake?.()
      })
      const { value, done } = await rows.next()
      clearImmediate(waiting)
      isWanted = false
      if (done) return
      yield value
    }
  } finally {
    await rows.return()
  }
}

function rowOf(file: string, line: number, columns: readonly string[], cells: readonly string[]): Row {
  if (cells.length <= columns.length) return tableRow(file, line, columns, (column) => cells[column] ?? '')
  const what = `expected ${columns.length} columns, as in the header, got ${cells.length}`
  const error = new RowError('wrong_column_count', file, line, what)
  return { file, line, error, raw: cells.join('\t'), end: 0, terminated: true }
}

/** Numbers have 15 digits, as in Excel. Dates have no zone. */
function textOf(value: string | number | boolean | Date | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(Number(value.toPrecision(15)))
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'string') return value
  const [date = '', time = ''] = value.toISOString().split('T')
  const clock = time.replace(/(?:\.0+)?Z$/, '')
  // A time without a date has day 0.
  if (date < '1900') return clock
  return clock === '00:00:00' ? date : `${date}T${clock}`
}

function withoutEmptyEnd(cells: readonly string[]): readonly string[] {
  return cells.slice(0, cells.findLastIndex((cell) => cell !== '') + 1)
}
