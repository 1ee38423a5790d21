import TinyQueue from 'tinyqueue'
import type { Entry } from '../record/entry.ts'

/** Records that may share a pack. They have the same group and the same partition. */
interface Kind<R> {
  readonly key: string
  /** The oldest record comes first. */
  readonly entries: TinyQueue<Entry<R>>
}

/**
 * Records that have to be sent again, the oldest first. A pack is no larger than each of its
 * records allows. Records that were refused together share packs only with each other. The same
 * holds for records among which recovery searches for the guilty record, and for records of one
 * partition.
 */
export class RetryQueue<R> {
  readonly #kinds = new Map<string, Kind<R>>()
  /** The first index of each kind. An entry may be out of date, so the kind decides. */
  readonly #firsts = new TinyQueue<{ kind: Kind<R>; index: number }>([], (a, b) => a.index - b.index)

  add(entries: readonly Entry<R>[]): void {
    for (const entry of entries) {
      const kind = this.#kindOf(entry)
      kind.entries.push(entry)
      if (kind.entries.peek() === entry) this.#firsts.push({ kind, index: entry.index })
    }
  }

  /** The next pack, if there is one. */
  take(maxTokens: number, maxRecords: number): Entry<R>[] | undefined {
    const kind = this.#takeFirst()
    if (!kind) return undefined
    const pack: Entry<R>[] = []
    let company = maxRecords
    let tokens = 0
    let next = kind.entries.peek()
    for (; next; next = kind.entries.peek()) {
      company = Math.min(company, next.maxCompany)
      tokens += next.tokens
      if (pack.length > 0 && (pack.length >= company || tokens > maxTokens)) break
      pack.push(next)
      kind.entries.pop()
    }
    if (next) this.#firsts.push({ kind, index: next.index })
    else this.#kinds.delete(kind.key)
    return pack
  }

  get isEmpty(): boolean {
    return this.#kinds.size === 0
  }

  #kindOf({ group, partition }: Entry<R>): Kind<R> {
    const key = JSON.stringify([group, partition])
    let kind = this.#kinds.get(key)
    if (!kind) {
      kind = { key, entries: new TinyQueue<Entry<R>>([], (a, b) => a.index - b.index) }
      this.#kinds.set(key, kind)
    }
    return kind
  }

  /** The kind with the oldest record. */
  #takeFirst(): Kind<R> | undefined {
    for (let first = this.#firsts.pop(); first; first = this.#firsts.pop()) {
      if (first.kind.entries.peek()?.index === first.index) return first.kind
    }
    return undefined
  }
}
