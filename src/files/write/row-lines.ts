import { stringify } from 'csv-stringify/sync'
import { ERROR, MORE, moreOf, reasonCell } from '../own-columns.ts'

/**
 * Makes a line of JSON with its line end, which is LF. A bigint becomes a string, and a date
 * becomes what `JSON.stringify` makes of it.
 *
 * @throws {TypeError} For a value without a JSON form, such as `undefined`.
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
export function csvHeader(columns: readonly string[], delimiter = ','): string {
  const empty = columns.indexOf('')
  if (empty >= 0 || columns.length === 0)
    throw new TypeError('Expected a name for each column, got an empty one')
  const twice = columns.find((name, at) => columns.indexOf(name) < at)
  if (twice !== undefined) throw new TypeError(`Expected different column names, got '${twice}' twice`)
  return fieldsLine(columns, delimiter)
}

/**
 * Makes a row of CSV with its line end, which is LF. Objects and arrays become JSON, `null` and
 * `undefined` become an empty field, and `_error` becomes `code: message`. Properties without a
 * column go into `_more` as one JSON object. Texts such as `=1+2` stay as they are, although a
 * spreadsheet would compute them.
 *
 * @param columns The same as for `csvHeader`.
 * @param delimiter One ASCII character. Default `,`. Not checked.
 * @throws {Error} If a property has no column, and there is no column `_more`.
 */
export function csvLine(row: object, columns: readonly string[], delimiter = ','): string {
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
  return fieldsLine(fields, delimiter)
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

function fieldsLine(fields: readonly string[], delimiter: string): string {
  return stringify([[...fields]], { delimiter, quoted_match: QUOTED, quoted_empty: fields.length === 1 })
}

function jsonOf(value: unknown): string {
  const json =
    withoutBigints(value) ??
    JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
  if ((json as string | undefined) === undefined)
    throw new TypeError(`Expected a value that JSON has, got ${typeof value}`)
  return json
}

/** Uses no replacer, because a replacer would be several times slower. */
function withoutBigints(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
