import type { Entry } from '../record/entry.ts'
import type { Outcome } from '../record/outcome.ts'
import type { ResultCache } from './result-cache.ts'

/**
 * Saves requests for records whose text was sent before. Takes the result from the cache if it is
 * there. If a record with the same text (a twin) is in flight, the record waits for the twin's
 * outcome. Without a cache, every record is sent.
 */
export class Reuse<R, T> {
  readonly #cache: ResultCache<T> | undefined
  readonly #onUnserved: (entry: Entry<R>) => void
  /** The waiting twins of each record in flight, by cache key. */
  readonly #twins = new Map<string, Entry<R>[]>()
  #waiting = 0

  /**
   * @param onIdle Called whenever the last pending write has ended.
   * @param onUnserved Called for a record that has waited for a twin whose value is wrong for it.
   */
  constructor(cache: ResultCache<T> | undefined, onIdle: () => void, onUnserved: (entry: Entry<R>) => void) {
    this.#cache = cache
    this.#onUnserved = onUnserved
    if (cache) cache.onIdle = onIdle
  }

  /** Number of records that wait for a twin's outcome. */
  get waiting(): number {
    return this.#waiting
  }

  /** Number of writes that the store has not confirmed. */
  get pending(): number {
    return this.#cache?.pending ?? 0
  }

  /** Number of reads and writes that failed. */
  get failures(): number {
    return this.#cache?.failures ?? 0
  }

  /** Makes the record wait if a twin is in flight. Returns whether it waits. */
  join(entry: Entry<R>): boolean {
    const twins = this.#twins.get(entry.cacheKey ?? '')
    if (!twins) return false
    twins.push(entry)
    this.#waiting += 1
    return true
  }

  /**
   * The record's value from the cache. Returned without a promise if the store returns no promise.
   */
  find({ cacheKey }: Entry<R>): ReturnType<ResultCache<T>['get']> {
    return cacheKey === undefined ? undefined : this.#cache?.get(cacheKey)
  }

  /** Notes that the record is in flight, so that twins may wait for it. */
  lead({ cacheKey }: Entry<R>): void {
    if (cacheKey !== undefined) this.#twins.set(cacheKey, [])
  }

  /**
   * The record has its outcome. Stores a fulfilled result and returns the outcomes of the twins.
   *
   * @param result The value as the model wrote it, before the schema's transforms.
   */
  settle({ cacheKey }: Entry<R>, outcome: Outcome<R, T>, result: unknown): Outcome<R, T>[] {
    if (cacheKey === undefined || !this.#cache) return []
    const cache = this.#cache
    const json = outcome.status === 'fulfilled' ? JSON.stringify(result) : ''
    if (outcome.status === 'fulfilled') cache.set(cacheKey, json)
    const twins = this.#twins.get(cacheKey) ?? []
    this.#twins.delete(cacheKey)
    this.#waiting -= twins.length
    return twins.flatMap((twin): Outcome<R, T>[] => {
      const { index, record } = twin
      const own = { index, record, attempts: 0 }
      if (outcome.status === 'rejected') return [{ ...outcome, ...own }]
      // A new value for each twin, so that two outcomes never share an object.
      const value = cache.parse(json)?.value ?? outcome.value
      if (!twin.issuesOf?.(value)) return [{ ...outcome, ...own, value }]
      if (!this.join(twin)) this.#onUnserved(twin)
      return []
    })
  }
}
