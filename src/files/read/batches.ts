import type { Readable } from 'node:stream'
import { compressionOf } from './compression.ts'
import { decompress } from './decompress.ts'
import { bytesOf, bytesOfStdin, sizeOf, type Progress } from './file-bytes.ts'
import { FileRows } from './file-rows.ts'
import { formatOf, isTableFormat, type Compression, type Format, type TableFormat } from '../format.ts'
import { readParquet } from './parquet.ts'
import type { CheckedOptions } from './read-options.ts'
import { FileError, type Row } from '../row.ts'
import { readSqlite } from './sqlite.ts'
import { withinLimit, type TableBatch, type TableOptions } from './table.ts'
import { readXlsx } from './xlsx.ts'

export interface Batch {
  readonly rows: readonly Row[]
  /** Bytes on the disk of the files before this file. */
  readonly before: number
  /** Bytes on the disk that were read of this file, if its rows do not say so. */
  readonly bytes?: number | undefined
}

/** The rows of files, one after the other. */
export async function* batchesOf(
  files: readonly string[],
  options: CheckedOptions,
  stdin: Readable | undefined,
  stop: AbortSignal,
  onColumns: (columns: readonly string[] | undefined) => void,
): AsyncGenerator<Batch, void> {
  let before = 0
  for (const file of files) {
    const format = formatFor(file, options)
    if (isTableFormat(format)) {
      const { compression } = formatOf(file)
      if (compression) throw compressedTable(file, compression)
      for await (const { rows, columns, bytes } of tables[format](file, options)) {
        onColumns(columns)
        yield { rows: rows.map((row) => withinLimit(row, options.maxRecordBytes)), before, bytes }
      }
      before += sizeOf(file) ?? 0
      continue
    }
    const progress: Progress = { bytes: 0 }
    const onDisk = file === '-' && stdin ? bytesOfStdin(stdin, progress) : bytesOf(file, progress, stop)
    // Only a file on the disk can be read twice.
    const again = sizeOf(file) === undefined ? undefined : () => bytesOf(file, { bytes: 0 }, stop)
    const { compression, bytes: raw } = await compressionOf(onDisk, file)
    const bytes = compression ? decompress(raw, compression, file, again) : raw
    const reader = new FileRows(format, { ...options, file, isGuess: options.format === undefined })
    const isRowExact = compression === undefined && format !== 'json'
    for await (const rows of rowsOf(bytes, reader)) {
      yield { rows, before, bytes: isRowExact && reader.hasOwnEnds ? undefined : progress.bytes }
    }
    onColumns(reader.columns)
    // The whole file, even if it ends with blank lines.
    const size = Math.max(progress.bytes, sizeOf(file) ?? 0)
    yield { rows: [], before, bytes: size }
    before += size
  }
}

const tables: Readonly<
  Record<TableFormat, (file: string, options: TableOptions) => AsyncGenerator<TableBatch>>
> = {
  parquet: readParquet,
  xlsx: readXlsx,
  sqlite: readSqlite,
}

function compressedTable(file: string, compression: Compression): FileError {
  return new FileError('cannot_read', file, `expected a file without ${compression}: decompress it first`)
}

function formatFor(file: string, { format, select }: CheckedOptions): Format {
  const byName = formatOf(file).format
  const ofStdin = select === undefined ? 'jsonl' : 'json'
  const found = byName === 'sqlite' ? byName : (format ?? (file === '-' ? ofStdin : byName))
  if (select !== undefined && found !== undefined && found !== 'json') {
    throw new FileError('unknown_format', file, `\`select\` needs the format json, got ${found}`)
  }
  if (found !== undefined) return found
  const known = 'such as .jsonl, .json, .csv, .tsv or .txt'
  const what = `expected a name with a known ending, ${known}, or a \`format\``
  throw new FileError('unknown_format', file, what)
}

async function* rowsOf(bytes: AsyncIterable<Buffer>, rows: FileRows): AsyncGenerator<readonly Row[], void> {
  for await (const chunk of bytes) {
    yield* rows.read(chunk)
  }
  yield* rows.end()
}
