import { isUtf8 } from 'node:buffer'
import { exactNumber, mayBeInexact } from './exact-number.ts'
import { NOT_UTF8, type RowErrorCode } from '../row.ts'

/**
 * `JSON.parse` reads deeper values, but `JSON.stringify` and most other code would overflow the
 * stack.
 */
const MAX_LEVELS = 1_000

/** The value of a text, or the problem with it. */
export type Parsed =
  | { readonly json: unknown; readonly code?: undefined }
  | { readonly code: RowErrorCode; readonly problem: string }

/**
 * The value of a JSON text, or the problem with it. It uses only the position in the message of
 * `JSON.parse`, because the message quotes the text.
 */
export function jsonOf(bytes: Buffer, exactNumbers = false): Parsed {
  if (!isUtf8(bytes)) return { code: 'invalid_utf8', problem: NOT_UTF8 }
  const text = bytes.toString()
  if (isTooDeep(text)) {
    return {
      code: 'too_deep',
      problem: `expected at most ${MAX_LEVELS} levels of arrays and objects, got more`,
    }
  }
  try {
    const json: unknown = exactNumbers ? parse(text) : JSON.parse(text)
    return json === null ? { code: 'null_record', problem: 'expected a record, got null' } : { json }
  } catch (error) {
    return { code: 'invalid_json', problem: `expected JSON, got something else${position(error)}` }
  }
}

/**
 * Like `JSON.parse`, but keeps a number exact that JavaScript can't hold, like the readers with
 * `exactNumbers`. For JSON in a column, such as `_more`.
 *
 * @throws {SyntaxError} If the text is not JSON.
 * @throws {RangeError} If it has more than 1,000 levels of arrays and objects.
 */
export function parseExactly(text: string): unknown {
  if (isTooDeep(text)) throw new RangeError(`Expected JSON of at most ${MAX_LEVELS} levels`)
  return parse(text)
}

function parse(text: string): unknown {
  if (!mayBeInexact(text)) return JSON.parse(text)
  // Several times slower than `JSON.parse` alone. TypeScript does not know the third argument yet.
  const reviver = (_: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' && source !== undefined ? exactNumber(source, value) : value
  return JSON.parse(text, reviver)
}

function isTooDeep(text: string): boolean {
  // Most texts are too short. For most other texts, counting the brackets is enough.
  if (text.length <= MAX_LEVELS || !hasMore(text, MAX_LEVELS)) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const one = text[at]
    if (one === '"') at = endOfString(text, at)
    else if (one === '[' || one === '{') {
      if (++depth > MAX_LEVELS) return true
    } else if (one === ']' || one === '}') depth--
  }
  return false
}

function hasMore(text: string, most: number): boolean {
  let count = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++count > most) return true
    }
  }
  return false
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const one = text[at]
    if (one === '"') return at
    if (one === '\\') at++
  }
  return text.length
}

function position(error: unknown): string {
  const [, at] = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(String(error)) ?? []
  return at === undefined ? '' : ` at character ${Number(at) + 1}`
}
