import { columnNames } from './column-names.ts'
import { RowError } from '../row.ts'
import { setOwn } from '../set-own.ts'
import type { RowsOptions } from './rows.ts'

/** Names that a note lists, at most. */
const MOST_SHOWN = 5

/** The columns of a CSV file. Each has a name of its own, whatever the header says. */
export class CsvHeader {
  /** In the order of the file. An object would put names first that are whole numbers. */
  readonly names: readonly string[]
  /** The row itself, with columns at the end that have no name. */
  readonly #fields: readonly string[]
  readonly #isPlain: boolean

  constructor(fields: readonly string[], { file, onNote }: RowsOptions, line: number) {
    const last = fields.findLastIndex((field) => field !== '')
    if (last < 0) throw new RowError('invalid_header', file, line, 'expected names of columns, got none')
    this.names = Object.freeze(columnNames(fields.slice(0, last + 1)))
    const renamed = this.names.filter((name, at) => name !== fields[at])
    if (renamed.length > 0) {
      const shown = renamed.slice(0, MOST_SHOWN).map((name) => JSON.stringify(name))
      if (renamed.length > MOST_SHOWN) shown.push(`${renamed.length - MOST_SHOWN} more`)
      onNote?.(`columns without a name, or with a name that is there twice, are named ${shown.join(', ')}`)
    }
    this.#fields = fields
    this.#isPlain = !this.names.includes('__proto__')
  }

  get length(): number {
    return this.names.length
  }

  /** Whether a row fits. Columns at the end without a name must be empty, as in a spreadsheet. */
  fits(fields: readonly string[]): boolean {
    const { length } = this.names
    if (fields.length === length) return true
    return (
      fields.length > length &&
      fields.length <= this.#fields.length &&
      fields.every((field, at) => at < length || field === '')
    )
  }

  /** Whether a row is the header once more. */
  isIn(fields: readonly string[]): boolean {
    return fields.length === this.#fields.length && fields.every((field, at) => field === this.#fields[at])
  }

  record(fields: readonly string[]): Record<string, string> {
    const record: Record<string, string> = {}
    const { names } = this
    for (let at = 0; at < names.length; at++) {
      const name = names[at] ?? ''
      const field = fields[at] ?? ''
      if (this.#isPlain) record[name] = field
      else setOwn(record, name, field)
    }
    return record
  }
}
