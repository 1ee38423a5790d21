import { statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { decompress } from './decompress.ts'
import { bytesOf, bytesOfStdin, type Progress } from './file-bytes.ts'
import { formatOf, formats, type Compression, type Format } from '../format.ts'
import { checkDelimiter, checkFormat, maxRecordBytesOf } from '../checks.ts'
import { FileError, type Row } from '../row.ts'
import { FileRows } from './file-rows.ts'

export interface ReadOptions {
  /** What the files hold. Default: by the name of each; needed for stdin. */
  readonly format?: Format | undefined
  /** CSV: one ASCII character, such as `;`. Default `,`. */
  readonly delimiter?: string | undefined
  /** Rows of more bytes are bad rows, and are not held in memory. Default 4 MiB. */
  readonly maxRecordBytes?: number | undefined
  /**
   * JSON: a number that JavaScript can't hold, such as `12345678901234567890` or `1e400`, is kept as what `JSON.rawJSON` makes
   * of it, an object that `JSON.stringify` and the writers here write as it was. See `isExactNumber`. Default false: it becomes
   * the nearest one, as with `JSON.parse`.
   */
  readonly exactNumbers?: boolean | undefined
  /** What is read for `-`. Default `process.stdin`. */
  readonly stdin?: Readable | undefined
}

/** Options that have been checked. */
interface Checked extends ReadOptions {
  readonly maxRecordBytes: number
}

interface Batch {
  readonly rows: readonly Row[]
  /** What had been read of the files, on the disk, before this file. */
  readonly before: number
  /** What has been read of this one, if its rows do not say so. */
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
    // With more, an error would throw away rows that wait: here the next bytes are read once all rows have been taken.
    super({ objectMode: true, highWaterMark: 1 })
    this.#files = files
    this.#stdin = files.includes('-') ? (options.stdin ?? process.stdin) : undefined
    this.#batches = batchesOf(files, options, this.#stdin, this.#stop.signal)
  }

  /**
   * Bytes of the files, as they are on the disk, whose rows have been taken; one more may wait in this stream. Exact to
   * the row for JSON Lines, CSV and lines that are not compressed; otherwise to the chunk that was read.
   */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Sum of the files' sizes in bytes. `undefined` if one is no regular file, such as stdin. */
  get bytesTotal(): number | undefined {
    this.#bytesTotal ??= { value: totalOf(this.#files) }
    return this.#bytesTotal.value
  }

  // Node's types want a stream of strings or bytes for `pipeline`; `for await` sees the last signature.
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
    // Else the generator would wait for its next bytes before it closes: of a silent pipe for ever.
    this.#stdin?.destroy()
    this.#stop.abort()
    const closed = (): void => {
      callback(error)
    }
    this.#batches.return().then(closed, closed)
  }
}

/**
 * All rows of several files, one after the other: for `pipeline` or `for await`. The next file is opened when the one before
 * has been read. `-` stands for stdin, which is not decompressed.
 *
 * A row that can't be read is a row with an `error`; nothing is left out but blank lines. The stream itself fails, after the
 * rows that it could read, with a `FileError` where a file can't be read or decompressed, and with a `RowError` where
 * the rest of it makes no sense: `invalid_header`, `utf16`, `not_an_array` or `broken_array`.
 *
 * @throws {TypeError | RangeError} For an option that can't be used.
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
    const progress: Progress = { bytes: 0 }
    const onDisk = file === '-' && stdin ? bytesOfStdin(stdin, progress) : bytesOf(file, progress, stop)
    // What is no file on the disk can be read only once.
    const again = sizeOf(file) === undefined ? undefined : () => bytesOf(file, { bytes: 0 }, stop)
    const bytes = compression ? decompress(onDisk, compression, file, again) : onDisk
    const isRowExact = compression === undefined && format !== 'json'
    for await (const rows of rowsOf(bytes, file, format, options)) {
      yield { rows, before, bytes: isRowExact ? undefined : progress.bytes }
    }
    // All of it, also where nothing but blank lines came last.
    const size = Math.max(progress.bytes, sizeOf(file) ?? 0)
    yield { rows: [], before, bytes: size }
    before += size
  }
}

function kindOf(
  file: string,
  options: ReadOptions,
): { format: Format; compression: Compression | undefined } {
  const byName = formatOf(file)
  const format = options.format ?? byName.format
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
  format: Format,
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
