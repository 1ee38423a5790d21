import { mix } from '../hash.ts'
import type { Subject } from './labels.ts'
import type { StringNode } from './nodes.ts'
import { textMatching } from './pattern.ts'
import { SchemaError } from '../schema-source.ts'

/** Approximate number of characters in an excerpt of a record. */
const excerptLength = 60

/** Largest `minLength` that the simulator fills. */
const longestMinimum = 100_000

/**
 * Returns a text for a schema: a text that matches the schema's pattern, or a text with its format,
 * or else an excerpt of the record's text. The text respects the schema's lengths.
 */
export function stringFor(node: StringNode, subject: Subject, salt: number): string {
  const { format, pattern, minLength, maxLength } = node
  if (minLength > longestMinimum) {
    throw new SchemaError(
      `minLength above ${longestMinimum} is not supported by the simulator, got ${minLength}`,
    )
  }
  const hash = mix(subject.hash, salt)
  // A pattern beside a format is usually stricter than the format.
  const matching = pattern === undefined ? undefined : textMatching(pattern, hash, minLength, maxLength)
  const written = matching ?? formats[format ?? '']?.(hash)
  if (written !== undefined) return written
  return fit(excerpt(subject.text), minLength, maxLength)
}

/** Returns the beginning of a text on one line, cut between two words. */
export function excerpt(text: string): string {
  const line = text
    .slice(0, excerptLength * 5)
    .replace(/\s+/gu, ' ')
    .trim()
  if (line.length <= excerptLength) return line
  const space = line.lastIndexOf(' ', excerptLength)
  return cut(line, space > 0 ? space : excerptLength)
}

function fit(text: string, minLength: number, maxLength: number): string {
  const fitted = cut(text, maxLength)
  // Schemas count characters, and some validators count UTF-16 units. The text keeps the minimum in
  // characters and the maximum in UTF-16 units.
  const missing = minLength - Array.from(fitted.slice(0, minLength * 2)).length
  if (missing <= 0) return fitted
  return fitted.length + missing <= maxLength ? fitted + '.'.repeat(missing) : '.'.repeat(minLength)
}

/** Returns the first `length` UTF-16 units, or one unit less if the cut would split a character. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text
  const code = text.charCodeAt(length - 1)
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? length - 1 : length)
}

const pad = (value: number, length = 2) => String(value).padStart(length, '0')

const date = (hash: number) => `2025-${pad(1 + (hash % 12))}-${pad(1 + ((hash >>> 8) % 28))}`
const time = (hash: number) => `${pad(hash % 24)}:${pad((hash >>> 8) % 60)}:${pad((hash >>> 16) % 60)}`
const hex = (hash: number, length: number) =>
  Array.from({ length }, (_, at) => (mix(hash, at) % 16).toString(16)).join('')

const formats: Partial<Record<string, (hash: number) => string>> = {
  'date-time': (hash) => `${date(hash)}T${time(hash)}Z`,
  date,
  time: (hash) => `${time(hash)}Z`,
  duration: (hash) => `P${1 + (hash % 9)}DT${1 + ((hash >>> 8) % 23)}H`,
  email: (hash) => `user${hash % 1000}@example.com`,
  hostname: (hash) => `host${hash % 1000}.example.com`,
  ipv4: (hash) => `192.0.2.${hash % 256}`,
  ipv6: (hash) => `2001:db8::${(hash % 0xffff).toString(16)}`,
  uri: (hash) => `https://example.com/${hash % 1000}`,
  url: (hash) => `https://example.com/${hash % 1000}`,
  uuid: (hash) => {
    const part = (index: number, length: number) => hex(mix(hash, index), length)
    return `${part(1, 8)}-${part(2, 4)}-4${part(3, 3)}-a${part(4, 3)}-${part(5, 12)}`
  },
}
