import { Readable } from 'node:stream'
import { batchesOf, type Batch } from './batches.ts'
import { sizeOf } from './file-bytes.ts'
import { checkedOptions, type CheckedOptions, type ReadOptions } from './read-options.ts'
import type { Row } from '../row.ts'

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
  #columns: readonly string[] | undefined
  #bytesTotal: { value: number | undefined } | undefined

  /** @internal */
  constructor(files: readonly string[], options: CheckedOptions) {
    // With a larger mark, an error would drop waiting rows. This stream reads the next bytes after
    // the consumer has taken all rows.
    super({ objectMode: true, highWaterMark: 1 })
    this.#files = files
    this.#stdin = files.includes('-') ? (options.stdin ?? process.stdin) : undefined
    const onColumns = (columns: readonly string[] | undefined): void => {
      this.#columns ??= columns
    }
    this.#batches = batchesOf(files, options, this.#stdin, this.#stop.signal, onColumns)
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

  /** The columns of the first table, as soon as its header has been read: it may have no row. */
  get columns(): readonly string[] | undefined {
    return this.#columns
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
 * file after it has read the file before. `-` is stdin. Files in gzip or zstd are decompressed,
 * with any name.
 *
 * A row that can't be read is a row with an `error`. Only blank lines are left out. The stream
 * itself fails, after the rows that it could read, with a `FileError` if a file can't be read or
 * decompressed, and with a `RowError` if the rest of a file makes no sense: `invalid_header`,
 * `unknown_encoding`, `not_an_array` or `broken_array`.
 *
 * @throws {TypeError | RangeError} For an option that can't be used. The property `option` is its
 *   name.
 */
export function readRows(files: readonly string[], options: ReadOptions = {}): RowStream {
  return new RowStream(files, checkedOptions(options))
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
