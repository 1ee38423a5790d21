import { statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { decompress } from './decompress.ts'
import { bytesOf, bytesOfStdin, type Progress } from './file-bytes.ts'
import {
  formatOf,
  formats,
  isTableFormat,
  type Compression,
  type Format,
  type TableFormat,
  type TextFormat,
} from '../format.ts'
import { checkDelimiter, checkFormat, maxRecordBytesOf } from '../checks.ts'
import { FileError, type Row } from '../row.ts'
import { FileRows } from './file-rows.ts'
import { readParquet } from './parquet.ts'
import { readSqlite } from './sqlite.ts'
import { readXlsx } from './xlsx.ts'
import type { TableBatch, TableOptions } from './table.ts'

export interface ReadOptions {
  /** Format of the files. Default: by the name of each file. Needed for stdin. */
  readonly format?: Format | undefined
  /** CSV: one ASCII character, such as `;`. Default `,`. */
  readonly delimiter?: string | undefined
  /** Longer rows are bad rows, and stay out of memory. Default 4 MiB. */
  readonly maxRecordBytes?: number | undefined
  /**
   * JSON: keeps a number that JavaScript can't hold, such as `12345678901234567890` or `1e400`, as
   * an object of `JSON.rawJSON`. `JSON.stringify` and the writers here write its original text. See
   * `isExactNumber`. Default false: it becomes the nearest number, as with `JSON.parse`.
   */
  readonly exactNumbers?: boolean | undefined
  /** XLSX: the name of the sheet. Default: the first sheet. */
  readonly sheet?: string | undefined
  /** The stream for `-`. Default `process.stdin`. */
  readonly stdin?: Readable | undefined
}

/** Checked options. */
interface Checked extends ReadOptions {
  readonly maxRecordBytes: number
}

interface Batch {
  readonly rows: readonly Row[]
  /** Bytes on the disk of the files before this file. */
  readonly before: number
  /** Bytes on the disk that were read of this file, if its rows do not say so. */
  readonly bytes?: number | undefined
}

/** Rows of several files, one after the other. See `readRows`. */
export class RowStream extends Readable {
  readonly #files: readonly string[]
  readonly #stdin: Readable | undefined
  readonly #stop = new AbortController()
  readonly #batches: AsyncGenerator<Batch, void>
  #batch: Batch = { rows: [], before: 0 }
  #at = 0
  #isFetching = false
  #bytesRead = 0
  #bytesTotal: { value: number | undefined } | undefined

  /** @internal */
  constructor(files: readonly string[], options: Checked) {
    // With a larger mark, an error would drop waiting rows. This stream reads the next bytes after
    // the consumer has taken all rows.
    super({ objectMode: true, highWaterMark: 1 })
    this.#files = files
    this.#stdin = files.includes('-') ? (options.stdin ?? process.stdin) : undefined
    this.#batches = batchesOf(files, options, this.#stdin, this.#stop.signal)
  }

  /**
   * Bytes on the disk whose rows the consumer has taken. One more row may wait in this stream.
   * Exact to the row for JSON Lines, CSV and lines without compression; otherwise exact to the
   * chunk.
   */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Sum of the file sizes in bytes. `undefined` if a file is not a regular file, such as stdin. */
  get bytesTotal(): number | undefined {
    this.#bytesTotal ??= { value: totalOf(this.#files) }
    return this.#bytesTotal.value
  }

  // Node's types want a stream of strings or bytes for `pipeline`; `for await` sees the last
  // signature.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in Node's own types
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<any>
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Row>
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Row> {
    return super[Symbol.asyncIterator]() as NodeJS.AsyncIterator<Row>
  }

  override _read(): void {
    if (this.#isFetching) return
    for (;;) {
      const row = this.#batch.rows[this.#at]
      if (row === undefined) break
      this.#at++
      if (this.#batch.bytes === undefined) this.#bytesRead = this.#batch.before + row.end
      if (!this.push(row)) return
    }
    this.#isFetching = true
    this.#batches.next().then(
      ({ value }) => {
        this.#isFetching = false
        if (this.destroyed) return
        if (value === undefined) {
          this.push(null)
          return
        }
        this.#batch = value
        this.#at = 0
        if (value.bytes !== undefined) this.#bytesRead = value.before + value.bytes
        this._read()
      },
      (error: unknown) => this.destroy(error as Error),
    )
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Otherwise the generator would wait for the next bytes before it closes: forever, for a silent
    // pipe.
    this.#stdin?.destroy()
    this.#stop.abort()
    const closed = (): void => {
      callback(error)
    }
    this.#batches.return().then(closed, closed)
  }
}

/**
 * All rows of several files, one after the other, for `pipeline` or `for await`. The stream opens a
 * file after it has read the file before. `-` is stdin, which is never decompressed.
 *
 * A row that can't be read is a row with an `error`. Only blank lines are left out. The stream
 * itself fails, after the rows that it could read, with a `FileError` if a file can't be read or
 * decompressed, and with a `RowError` if the rest of a file makes no sense: `invalid_header`,
 * `utf16`, `not_an_array` or `broken_array`.
 *
 * @throws {TypeError | RangeError} For an option that can't be used. The property `option` is its
 *   name.
 */
export function readRows(files: readonly string[], options: ReadOptions = {}): RowStream {
  const maxRecordBytes = maxRecordBytesOf(options.maxRecordBytes)
  if (options.delimiter !== undefined) checkDelimiter(options.delimiter)
  if (options.format !== undefined) checkFormat(options.format, formats)
  return new RowStream(files, { ...options, maxRecordBytes })
}

async function* batchesOf(
  files: readonly string[],
  options: Checked,
  stdin: Readable | undefined,
  stop: AbortSignal,
): AsyncGenerator<Batch, void> {
  let before = 0
  for (const file of files) {
    const { format, compression } = kindOf(file, options)
    if (isTableFormat(format)) {
      if (compression) throw compressedTable(file, compression)
      for await (const batch of tables[format](file, options)) yield { ...batch, before }
      before += sizeOf(file) ?? 0
      continue
    }
    const progress: Progress = { bytes: 0 }
    const onDisk = file === '-' && stdin ? bytesOfStdin(stdin, progress) : bytesOf(file, progress, stop)
    // Only a file on the disk can be read twice.
    const again = sizeOf(file) === undefined ? undefined : () => bytesOf(file, { bytes: 0 }, stop)
    const bytes = compression ? decompress(onDisk, compression, file, again) : onDisk
    const isRowExact = compression === undefined && format !== 'json'
    for await (const rows of rowsOf(bytes, file, format, options)) {
      yield { rows, before, bytes: isRowExact ? undefined : progress.bytes }
    }
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

function kindOf(
  file: string,
  options: ReadOptions,
): { format: Format; compression: Compression | undefined } {
  const byName = formatOf(file)
  const format = byName.format === 'sqlite' ? 'sqlite' : (options.format ?? byName.format)
  if (format !== undefined) return { format, compression: file === '-' ? undefined : byName.compression }
  const known = 'such as .jsonl, .json, .csv, .tsv or .txt'
  throw new FileError(
    'unknown_format',
    file,
    `expected a name with a known ending, ${known}, or a \`format\``,
  )
}

async function* rowsOf(
  bytes: AsyncIterable<Buffer>,
  file: string,
  format: TextFormat,
  { delimiter, maxRecordBytes, exactNumbers }: Checked,
): AsyncGenerator<readonly Row[], void> {
  const rows = new FileRows(format, { file, maxRecordBytes, delimiter, exactNumbers })
  for await (const chunk of bytes) {
    yield* rows.read(chunk)
  }
  yield* rows.end()
}

function totalOf(files: readonly string[]): number | undefined {
  let total = 0
  for (const file of files) {
    const size = sizeOf(file)
    if (size === undefined) return undefined
    total += size
  }
  return total
}

function sizeOf(file: string): number | undefined {
  if (file === '-') return undefined
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat?.isFile() ? stat.size : undefined
}
