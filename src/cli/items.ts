import { RowError, type RowStream } from '../readers/index.ts'
import { toItem, type Item, type TextOf } from './records.ts'
import { UsageError } from './usage-error.ts'

/** Rows that are looked at for the first good one, which tells what columns there are. */
const LOOK_AHEAD = 1_000

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
   * The first record that tells what the others are like: not one that cannot be read, nor one without the column that is
   * asked for, unless it is of a table, whose records all have the same. It is not taken.
   */
  async first(isTable: (file: string) => boolean): Promise<Item | undefined> {
    let readable: Item | undefined
    while (this.#head.length < LOOK_AHEAD) {
      const { done, value } = await this.#rows.next()
      if (done) break
      this.#head.push(value)
      if (isUnreadable(value)) continue
      if (typeof value.text === 'string' || value.text.code !== 'missing_column' || isTable(value.file))
        return value
      readable ??= value
    }
    return readable
  }

  /** Reads no further, also where it waits for an input that is still open. */
  close(): void {
    this.#source.destroy()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (const item of this.#head.splice(0)) yield item
    for (;;) {
      const { done, value } = await this.#rows.next()
      if (done) return
      yield value
    }
  }
}

/** What is wrong with the columns of the first record is wrong with all of them, so it is said before anything is asked. */
export function checkFirst({ text }: Item): void {
  if (typeof text === 'string') return
  if (['column_taken', 'reserved_column', 'missing_column'].includes(text.code)) {
    throw new UsageError(text.message)
  }
}

function isUnreadable({ text }: Item): boolean {
  return typeof text !== 'string' && (text instanceof RowError || text.code === 'unreadable')
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
