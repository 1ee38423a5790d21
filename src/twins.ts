import type { Entry } from './entry.ts'

/** Records of the same content as one that is on its way: they wait for its outcome. */
export class Twins<R> {
  readonly #waiting = new Map<string, Entry<R>[]>()
  /** How many records wait for another one's outcome. */
  waiting = 0

  /** Makes the record wait, if another one of the same content is on its way. */
  join(entry: Entry<R>): boolean {
    const others = this.#waiting.get(entry.cacheKey ?? '')
    if (!others) return false
    others.push(entry)
    this.waiting += 1
    return true
  }

  /** The record is on its way, and others may wait for it. */
  lead({ cacheKey }: Entry<R>): void {
    if (cacheKey !== undefined) this.#waiting.set(cacheKey, [])
  }

  /** The record is settled: returns those that waited for it. */
  settle({ cacheKey }: Entry<R>): readonly Entry<R>[] {
    const others = this.#waiting.get(cacheKey ?? '') ?? []
    this.#waiting.delete(cacheKey ?? '')
    this.waiting -= others.length
    return others
  }
}
