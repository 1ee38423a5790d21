import { stringify } from 'csv-stringify/sync'
import { isExactNumber } from '../read/exact-number.ts'
import { escapeFormula } from './formulas.ts'
import { ERROR, MORE, moreOf, reasonCell } from '../own-columns.ts'

/**
 * Makes a line of JSON with its line end, which is LF. A bigint becomes a string, a set an array of
 * its values, a map an array of pairs, and a date becomes what `JSON.stringify` makes of it.
 *
 * @throws {TypeError} For a value without a JSON form, such as `undefined` or a regular expression.
 */
export function jsonlLine(row: unknown): string {
  return `${jsonOf(row)}\n`
}

/**
 * Makes the line of column names, with its line end, which is LF.
 *
 * @param delimiter One ASCII character. Default `,`. Not checked.
 * @throws {TypeError} If there is no column, an empty name, or a name twice: a reader would refuse
 *   the table.
 */
export function csvHeader(columns: readonly string[], delimiter = ',', escapesFormulas = false): string {
  const empty = columns.indexOf('')
  if (empty >= 0 || columns.length === 0)
    throw new TypeError('Expected a name for each column, got an empty one')
  const twice = columns.find((name, at) => columns.indexOf(name) < at)
  if (twice !== undefined) throw new TypeError(`Expected different column names, got '${twice}' twice`)
  return fieldsLine(columns, delimiter, escapesFormulas)
}

/**
 * Makes a row of CSV with its line end, which is LF. Objects and arrays become JSON, `null` and
 * `undefined` become an empty field, and `_error` becomes `code: message`. Properties without a
 * column go into `_more` as one JSON object. Without `escapesFormulas`, texts such as `=1+2` stay
 * as they are, although a spreadsheet would compute them.
 *
 * @param columns The same as for `csvHeader`.
 * @param delimiter One ASCII character. Default `,`. Not checked.
 * @param escapesFormulas Puts a `'` before them. See `unescapeFormula`.
 * @throws {Error} If a property has no column, and there is no column `_more`.
 */
export function csvLine(
  row: object,
  columns: readonly string[],
  delimiter = ',',
  escapesFormulas = false,
): string {
  const values = row as Readonly<Record<string, unknown>>
  const others = Object.keys(row).filter((name) => values[name] !== undefined && !columns.includes(name))
  if (others.length > 0 && !columns.includes(MORE)) {
    throw new Error(
      `There is no column for ${others.map((name) => `\`${name}\``).join(', ')}, and no \`${MORE}\``,
    )
  }
  const fields = columns.map((name) => {
    if (name === MORE && others.length > 0) return jsonOf(moreOf(values, others))
    return Object.hasOwn(values, name) ? cellText(name, values[name]) : ''
  })
  return fieldsLine(fields, delimiter, escapesFormulas)
}

/** The text of a value in a table, before it gets its quotes. */
export function cellText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  const reason = name === ERROR && typeof value === 'object' ? reasonCell(value) : undefined
  if (reason !== undefined) return reason
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  const json = jsonOf(value)
  return value instanceof Date ? String(JSON.parse(json) ?? '') : json
}

// Without quotes, a reader would take these for a line end, a blank line or a byte order mark.
const QUOTED = /\r|^ +$|^\ufeff/

function fieldsLine(fields: readonly string[], delimiter: string, escapesFormulas: boolean): string {
  const cells = escapesFormulas ? fields.map(escapeFormula) : [...fields]
  return stringify([cells], { delimiter, quoted_match: QUOTED, quoted_empty: fields.length === 1 })
}

function jsonOf(value: unknown): string {
  const json = plainJson(value) ?? JSON.stringify(value, withForm)
  if ((json as string | undefined) === undefined)
    throw new TypeError(`Expected a value that JSON has, got ${typeof value}`)
  return json
}

/**
 * The JSON of most values. It uses no replacer, because a replacer would be several times slower.
 * `undefined`: the value may have parts without a JSON form.
 */
function plainJson(value: unknown): string | undefined {
  try {
    const json = JSON.stringify(value) as string | undefined
    // JSON makes `{}` of a set, a map and all other objects that it does not know.
    return json?.includes('{}') ? undefined : json
  } catch {
    return undefined
  }
}

const KNOWN = ['Object', 'Array', 'String', 'Number', 'Boolean']

/** Gives a JSON form to values without one: a bigint becomes a text, a set or map an array. */
function withForm(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Set || value instanceof Map) return [...(value as Iterable<unknown>)]
  const kind = Object.prototype.toString.call(value).slice(8, -1)
  const isKnown = typeof value !== 'object' || value === null || KNOWN.includes(kind)
  if (isKnown || isExactNumber(value) || Object.keys(value).length > 0) return value
  throw new TypeError(`Expected a value that JSON has, got a ${kind}`)
}
