import { mix } from '../hash.ts'
import type { Subject } from './labels.ts'
import type { StringNode } from './nodes.ts'
import { textMatching } from './pattern.ts'
import { SchemaError } from '../schema-source.ts'

/** About how many characters of a record a free text quotes. */
const excerptLength = 60

/** The longest `minLength` that is filled. */
const longestMinimum = 100_000

/** A text for a schema: of its format, of its pattern, else an excerpt of the record's text, within its lengths. */
export function stringFor(node: StringNode, subject: Subject, salt: number): string {
  const { format, pattern, minLength, maxLength } = node
  if (minLength > longestMinimum) {
    throw new SchemaError(
      `minLength above ${longestMinimum} is not supported by the simulator, got ${minLength}`,
    )
  }
  const hash = mix(subject.hash, salt)
  // A pattern beside `uuid` says which version; beside the other formats it says nothing new.
  const formatted =
    format === 'uuid' && pattern !== undefined ? undefined : formats[format ?? '']?.(hash, node)
  if (formatted !== undefined) return formatted
  if (pattern !== undefined) {
    const matching = textMatching(pattern, hash, minLength, maxLength)
    if (matching !== undefined) return matching
  }
  return fit(excerpt(subject.text), minLength, maxLength)
}

/** The beginning of a text in one line, cut between words. */
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
  // Schemas count characters, some validators UTF-16 units: the minimum is kept in the one, the maximum in the other.
  const missing = minLength - Array.from(fitted.slice(0, minLength * 2)).length
  if (missing <= 0) return fitted
  return fitted.length + missing <= maxLength ? fitted + '.'.repeat(missing) : '.'.repeat(minLength)
}

/** The first `length` UTF-16 units, one fewer where that would split a character. */
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

const formats: Partial<Record<string, (hash: number, node: StringNode) => string>> = {
  'date-time': (hash) => `${date(hash)}T${time(hash)}Z`,
  date,
  // JSON Schema's time has a zone; Zod's has none, and says so by its pattern.
  time: (hash, node) => (node.pattern === undefined ? `${time(hash)}Z` : time(hash)),
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
