import type { Entry } from '../record/entry.ts'
import type { Outcome } from '../record/outcome.ts'
import type { ResultCache } from './result-cache.ts'

/**
 * Spares requests for records whose text was asked before: those that have their result in the cache, and, while it is on
 * its way, their twins, which wait for its outcome. Without a cache nothing is spared.
 */
export class Reuse<R, T> {
  readonly #cache: ResultCache<T> | undefined
  /** The twins of each record that is on its way. */
  readonly #twins = new Map<string, Entry<R>[]>()
  #waiting = 0

  /** @param onIdle Called whenever the last pending write has ended. */
  constructor(cache: ResultCache<T> | undefined, onIdle: () => void) {
    this.#cache = cache
    if (cache) cache.onIdle = onIdle
  }

  /** How many records wait for a twin's outcome. */
  get waiting(): number {
    return this.#waiting
  }

  /** How many writes the store has not confirmed. */
  get pending(): number {
    return this.#cache?.pending ?? 0
  }

  /** Reads and writes that the store failed to do. */
  get failures(): number {
    return this.#cache?.failures ?? 0
  }

  /** Makes the record wait, if a twin of it is on its way. */
  join(entry: Entry<R>): boolean {
    const twins = this.#twins.get(entry.cacheKey ?? '')
    if (!twins) return false
    twins.push(entry)
    this.#waiting += 1
    return true
  }

  /** The record's value, at once where the store answers at once. */
  find({ cacheKey }: Entry<R>): ReturnType<ResultCache<T>['get']> {
    return cacheKey === undefined ? undefined : this.#cache?.get(cacheKey)
  }

  /** The record is on its way, and twins may wait for it. */
  lead({ cacheKey }: Entry<R>): void {
    if (cacheKey !== undefined) this.#twins.set(cacheKey, [])
  }

  /**
   * The record has its outcome: keeps it, if it is fulfilled, and returns those of its twins.
   *
   * @param result The value as the model wrote it.
   */
  settle({ cacheKey }: Entry<R>, outcome: Outcome<R, T>, result: unknown): Outcome<R, T>[] {
    if (cacheKey === undefined || !this.#cache) return []
    const cache = this.#cache
    const json = outcome.status === 'fulfilled' ? JSON.stringify(result) : ''
    if (outcome.status === 'fulfilled') cache.set(cacheKey, json)
    const twins = this.#twins.get(cacheKey) ?? []
    this.#twins.delete(cacheKey)
    this.#waiting -= twins.length
    return twins.map(({ index, record }) => {
      const own = { index, record, attempts: 0 }
      if (outcome.status === 'rejected') return { ...outcome, ...own }
      // Anew for each, so that no two outcomes share an object.
      const value = cache.parse(json)?.value ?? outcome.value
      return { ...outcome, ...own, value }
    })
  }
}
