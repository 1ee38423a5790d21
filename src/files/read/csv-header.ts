import { RowError } from '../row.ts'
import { setOwn } from '../set-own.ts'

/** The columns of a CSV file. */
export class CsvHeader {
  /** In the order of the file. An object would put names first that are whole numbers. */
  readonly names: readonly string[]
  readonly #isPlain: boolean

  constructor(names: readonly string[], file: string, line: number) {
    const wrong = (what: string) => new RowError('invalid_header', file, line, what)
    const empty = names.indexOf('')
    if (empty >= 0) throw wrong(`expected a name for each column, got none for column ${empty + 1}`)
    const twice = names.find((name, at) => names.indexOf(name) < at)
    if (twice !== undefined) throw wrong(`expected a name for each column, got '${twice}' twice`)
    if (names.some((name) => name.includes('\r'))) {
      throw wrong('expected lines to end with LF or CRLF, got a CR alone in the header')
    }
    this.names = Object.freeze([...names])
    this.#isPlain = !names.includes('__proto__')
  }

  get length(): number {
    return this.names.length
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
