import { RowError, type RowStream } from '../../files/index.ts'
import { toItem, type Item, type TextOf } from './item.ts'
import { UsageError } from '../flags/usage-error.ts'

/** How far it is looked for the first record that tells what columns there are: rows, and bytes of the files. */
const LOOK_AHEAD = 1_000
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
   * The first record that tells what the others are like: in particular, that has the column that is asked for. It is not taken.
   *
   * @throws {UsageError} What is wrong with the columns of all records: it is said before anything is asked.
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
      if (this.#head.length < LOOK_AHEAD && this.#source.bytesRead < LOOK_AHEAD_BYTES) continue
      // Logs may begin with a thousand events of another kind, but a table has the same columns to its end.
      if (!atypical || !isTable(atypical.file)) return atypical
      break
    }
    if (atypical) throw asUsage(atypical)
    return undefined
  }

  /** Reads no further, also where it waits for an input that is still open. */
  close(): void {
    this.#source.destroy()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    // One by one, so that none is kept.
    for (let item = this.#head.shift(); item; item = this.#head.shift()) yield item
    for (;;) {
      const { done, value } = await this.#rows.next()
      if (done) return
      yield value
    }
  }
}

/** What a record tells of the others, by what is to be asked of it. */
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
