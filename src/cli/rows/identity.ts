import { hash } from 'node:crypto'
import { cellText, OUTCOME_COLUMNS, type EarlierRow, type Reason } from '../../files/index.ts'
import { columnOf, UNREADABLE } from './item.ts'

/** The first 12 bytes of a hash, as three whole numbers. */
export type Hash = readonly [number, number, number]

/** By what a record is known, in the input and in an output. */
export interface Identity {
  /** Of all own columns. */
  readonly id: Hash
  /** Of the key. Without a key, the same as `id`. */
  readonly key: Hash
}

type Columns = Readonly<Record<string, unknown>>

/**
 * Makes the identity of a record from its own columns, the same from the input and from an output
 * of any format: a table has texts only, no value for an empty one, and its own order of columns.
 */
export class Identifier {
  readonly isKeyed: boolean
  readonly #key: readonly string[]
  readonly #foreign: ReadonlySet<string>

  /**
   * @param key The columns that tell a record from the others. None: all columns do.
   * @param results The names of the columns of results, which may come from other tasks too.
   */
  constructor(key: readonly string[] = [], results: Iterable<string> = []) {
    this.#key = key
    this.isKeyed = key.length > 0
    this.#foreign = new Set([...OUTCOME_COLUMNS, ...results])
  }

  /** @param reason Why the record was rejected. */
  of(own: Columns, reason?: Reason): Identity {
    const texts = this.#textsOf(own)
    // A row that was too long has no source. Its place in the input may change.
    if (texts.length === 0 && reason && UNREADABLE.has(reason.code)) {
      texts.push(['', `${reason.code}: ${reason.message.replace(/^.*?:\d+: /s, '')}`])
    }
    const id = hashOf(texts)
    return { id, key: this.#keyOf(own) ?? id }
  }

  /** A rejected row with its reason, the same in the output and in the rejects. */
  ofRejection(own: Columns, { code, message, raw = '' }: Reason): Hash {
    return hashOf([...this.#textsOf(own), ['', `${code}: ${message}`], ['', raw]])
  }

  #textsOf(own: Columns): [string, string][] {
    // By the form that a file has: a lone surrogate becomes another character there.
    return Object.keys(own)
      .filter((name) => !this.#foreign.has(name))
      .map((name): [string, string] => [name.toWellFormed(), cellText(name, own[name])])
      .filter(([, text]) => text !== '')
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** `undefined` if a part of the key is missing or empty: two such records are not the same. */
  #keyOf(own: Columns): Hash | undefined {
    if (!this.isKeyed) return undefined
    const texts: [string, string][] = []
    for (const name of this.#key) {
      const text = keyText(own, name)
      if (text === '') return undefined
      texts.push([name, text])
    }
    return hashOf(texts)
  }
}

const ofAllColumns = new Identifier()

/** All columns of a row, also the result, but not the position. */
export function rowHash({ own, reason }: EarlierRow): Hash {
  return reason ? ofAllColumns.ofRejection(own, reason) : ofAllColumns.of(own).id
}

function keyText(own: Columns, name: string): string {
  try {
    return cellText(name, columnOf(own, name))
  } catch {
    return ''
  }
}

function hashOf(texts: readonly (readonly [string, string])[]): Hash {
  // With their lengths, so that no two lists make the same text.
  const text = texts.map(([name, value]) => `${name.length}:${value.length}:${name}${value}`).join('')
  // A text of bytes is several times as fast as a buffer.
  const bytes = hash('sha256', text, 'binary')
  return [wordAt(bytes, 0), wordAt(bytes, 4), wordAt(bytes, 8)]
}

function wordAt(bytes: string, at: number): number {
  const [a, b] = [bytes.charCodeAt(at), bytes.charCodeAt(at + 1)]
  return (a | (b << 8) | (bytes.charCodeAt(at + 2) << 16) | (bytes.charCodeAt(at + 3) << 24)) >>> 0
}
