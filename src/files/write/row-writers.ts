import type { Transform } from 'node:stream'
import type { Outcome } from '../../index.ts'
import { csvHeader, csvLine, jsonlLine } from './row-lines.ts'
import { ERROR, MORE, OUTCOME_COLUMNS } from '../own-columns.ts'
import { outcomeRow, type OutcomeRowOptions } from './outcome-row.ts'
import { checkDelimiter, checkFormat } from '../checks.ts'
import { LateFailure } from '../late-failure.ts'

export interface CsvWriterOptions {
  /**
   * Default: the properties of the first row, and `_more` for other properties of later rows. In
   * JavaScript, properties such as `2024` come first. Only `columns`, which `readRows` gives with
   * each row of a table, keep their order.
   */
  readonly columns?: readonly string[] | undefined
  /** One ASCII character, such as `;`. Default `,`. */
  readonly delimiter?: string | undefined
  /** Begins with a byte order mark, by which Excel knows UTF-8. Default false. */
  readonly bom?: boolean | undefined
  /** Puts a `'` before texts that a spreadsheet would take for formulas. Default false. */
  readonly escapeFormulas?: boolean | undefined
}

const outputFormats = ['jsonl', 'json', 'csv', 'tsv'] as const

export interface OutcomeWriterOptions extends OutcomeRowOptions, Omit<CsvWriterOptions, 'columns'> {
  /** Default `jsonl`. */
  readonly format?: (typeof outputFormats)[number] | undefined
  /**
   * CSV and TSV. Default: the columns of the first fulfilled outcome, then `_error` and `_more`. Up
   * to 1,000 rejected outcomes before it wait for it. As with `writeCsv`, only given columns keep
   * an order that objects in JavaScript can't keep. The writer adds `_index`, `_error` and `_more`
   * if they are missing.
   */
  readonly columns?: readonly string[] | undefined
}

/** Values in, JSON Lines out. See `jsonlLine`. */
export function writeJsonl(): Transform {
  return new TextWriter(jsonlLine)
}

/** Values in, one JSON array out, with a value on each line. See `jsonlLine`. */
export function writeJson(): Transform {
  return arrayOf(jsonlLine)
}

function arrayOf(line: (value: never) => string): Transform {
  let isEmpty = true
  return new TextWriter(
    (value) => {
      const text = line(value).slice(0, -1)
      const before = isEmpty ? '[\n' : ',\n'
      isEmpty = false
      return before + text
    },
    // After an error, the array must not look complete.
    (isFailed) => (isFailed ? '' : isEmpty ? '[]\n' : '\n]\n'),
  )
}

/**
 * Objects in, CSV out: a header, then a line for each object. See `csvLine`. An error of `csvLine`
 * ends the stream, after the lines before it.
 *
 * @throws {TypeError} For a `delimiter` or `columns` that can't be used.
 */
export function writeCsv({
  columns,
  delimiter = ',',
  bom = false,
  escapeFormulas = false,
}: CsvWriterOptions = {}): Transform {
  checkDelimiter(delimiter)
  return csvOf((row: object) => row, {
    ...{ columns, delimiter, bom, escapeFormulas },
    ...{ isTypical: () => true, always: [MORE] },
  })
}

/**
 * Outcomes in, text out. See `outcomeRow` and `csvLine`. An error of these ends the stream, after
 * the rows before it.
 *
 * @throws {TypeError} For a `format` or `columns` that can't be used.
 */
export function writeOutcomes({
  format = 'jsonl',
  columns,
  prefix,
  bom = false,
  delimiter = format === 'tsv' ? '\t' : ',',
  escapeFormulas = false,
}: OutcomeWriterOptions = {}): Transform {
  checkDelimiter(delimiter)
  checkFormat(format, outputFormats)
  const rowOf = (outcome: Outcome<unknown, unknown>) => outcomeRow(outcome, { prefix })
  const lineOf = (outcome: Outcome<unknown, unknown>) => jsonlLine(rowOf(outcome))
  if (format === 'jsonl') return new TextWriter(lineOf)
  if (format === 'json') return arrayOf(lineOf)
  const isTypical = (row: object) => !Object.hasOwn(row, ERROR)
  return csvOf(rowOf, {
    columns: columns && [...columns, ...OUTCOME_COLUMNS.filter((name) => !columns.includes(name))],
    ...{ delimiter, bom, escapeFormulas },
    isTypical,
    always: OUTCOME_COLUMNS,
  })
}

/** Largest number of rejected rows that wait for a fulfilled row. More of them are no accident. */
const MAX_HELD_ROWS = 1_000

interface CsvPlan {
  readonly columns: readonly string[] | undefined
  readonly delimiter: string
  readonly bom: boolean
  readonly escapeFormulas: boolean
  /** Whether this row can give the columns. */
  isTypical(row: object): boolean
  /** Columns to add to the columns of a row. */
  readonly always: readonly string[]
}

function csvOf(rowOf: (value: never) => object, plan: CsvPlan): Transform {
  const { delimiter, bom, escapeFormulas } = plan
  let { columns } = plan
  // Throws now, instead of at the first row.
  if (columns) csvHeader(columns, delimiter)
  let isBegun = false
  let held: object[] = []
  const begin = (typical: object | undefined): string => {
    isBegun = true
    columns ??= [...new Set([...Object.keys(typical ?? {}), ...plan.always])]
    const header = (bom ? '\ufeff' : '') + csvHeader(columns, delimiter, escapeFormulas)
    const rows = held
    held = []
    return header + rows.map(lineOf).join('')
  }
  const lineOf = (row: object): string => csvLine(row, columns ?? [], delimiter, escapeFormulas)
  return new TextWriter(
    (value: never) => {
      const row = rowOf(value)
      if (isBegun) return lineOf(row)
      held.push(row)
      return columns || plan.isTypical(row) || held.length === MAX_HELD_ROWS ? begin(row) : ''
    },
    () => (!isBegun && (columns ?? held.length > 0) ? begin(held[0]) : ''),
  )
}

/** Makes a text of each object. `rest` makes the remaining text, at the end or after an error. */
class TextWriter extends LateFailure {
  readonly #text: (value: never) => string
  readonly #rest: (isFailed: boolean) => string

  constructor(text: (value: never) => string, rest: (isFailed: boolean) => string = () => '') {
    super({ writableObjectMode: true })
    this.#text = text
    this.#rest = rest
  }

  override _transform(value: unknown, _: BufferEncoding, done: () => void): void {
    try {
      this.push(this.#text(value as never))
    } catch (error) {
      this.#fail(error)
      return
    }
    done()
  }

  override _flush(done: () => void): void {
    try {
      this.push(this.#rest(false))
    } catch (error) {
      this.failLate(error as Error)
      return
    }
    done()
  }

  /** Returns the earlier rows all the same. */
  #fail(error: unknown): void {
    try {
      this.push(this.#rest(true))
    } catch {
      // The first error counts.
    }
    this.failLate(error as Error)
  }
}
