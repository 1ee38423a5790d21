import { FileError, RowError, type RowStream } from '../../files/index.ts'
import { toItem, type Item, type TextOf } from './item.ts'
import { UsageError } from '../flags/usage-error.ts'

/** Limits of the search for the first record that shows which columns there are. */
const LOOK_AHEAD_ROWS = 1_000
const LOOK_AHEAD_BYTES = 8 * 2 ** 20

/** The records of an input, in order, each with its index. */
export class Items {
  readonly #source: RowStream
  readonly #rows: AsyncGenerator<Item, undefined>
  readonly #head: Item[] = []

  constructor(rows: RowStream, limit: number, textOf: TextOf, resultNames: ReadonlySet<string>) {
    this.#source = rows
    this.#rows = number(rows, limit, textOf, resultNames)
  }

  /**
   * Finds the first typical record: a record with the column that the task needs. The record stays
   * in the input.
   *
   * @throws {UsageError} If all records lack a column. The job stops before it sends anything.
   */
  async first(isTable: (file: string) => boolean): Promise<Item | undefined> {
    let atypical: Item | undefined
    for (;;) {
      const { done, value } = await this.#rows.next()
      if (done) break
      this.#head.push(value)
      const kind = kindOf(value.text)
      if (kind === 'typical') return value
      if (kind === 'impossible') throw asUsage(value)
      if (kind === 'atypical') atypical ??= value
      if (this.#head.length < LOOK_AHEAD_ROWS && this.#source.bytesRead < LOOK_AHEAD_BYTES) continue
      // A log may begin with a thousand events of another kind. A table keeps its columns.
      if (!atypical || !isTable(atypical.file)) return atypical
      break
    }
    if (atypical) throw asUsage(atypical)
    return undefined
  }

  /** Stops reading, even while it waits for an input that is still open. */
  close(): void {
    this.#source.destroy()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    // One by one, so that memory keeps no record.
    for (let item = this.#head.shift(); item; item = this.#head.shift()) yield item
    for (;;) {
      const { done, value } = await this.#rows.next()
      if (done) return
      yield value
    }
  }
}

/** What the text of a record shows about the other records. */
function kindOf(text: Item['text']): 'typical' | 'atypical' | 'impossible' | 'unreadable' {
  if (typeof text === 'string') return 'typical'
  if (text instanceof RowError) return 'unreadable'
  switch (text.code) {
    case 'empty_text':
      return 'typical'
    case 'missing_column':
    case 'reserved_column':
      return 'atypical'
    case 'column_taken':
      return 'impossible'
    case 'unreadable':
    case 'not_a_record':
      return 'unreadable'
  }
}

/** The error of an input that breaks off before anything was sent: the command must change. */
export function asInputError(error: unknown): unknown {
  return error instanceof RowError || error instanceof FileError ? new UsageError(error.message) : error
}

function asUsage({ text }: Item): UsageError {
  return new UsageError(typeof text === 'string' ? text : text.message)
}

async function* number(
  rows: RowStream,
  limit: number,
  textOf: TextOf,
  resultNames: ReadonlySet<string>,
): AsyncGenerator<Item, undefined> {
  let index = 0
  for await (const row of rows) {
    yield toItem(row, index, textOf, resultNames)
    index += 1
    if (index >= limit) return
  }
}
