import { createHash } from 'node:crypto'
import { sleep } from '../base/sleep.ts'

/** How long the store may take to read or write one value, in ms. After that it has failed. */
const STORE_WAIT = 10_000
/** After so many in a row that took too long, the store is left alone. */
const MAX_HANGS = 3

/** Where settled values are kept between records and runs: a `Map`, a `Keyv`, or anything with these two methods. */
export interface CacheStore {
  get(key: string): unknown
  set(key: string, value: string): unknown
}

/**
 * Settled values by the content that decided them. Kept is what the model wrote, as JSON, and it is checked against the
 * schema again when it is read; so a store may be shared by programs, and outlive a change of them.
 */
export class ResultCache<T> {
  readonly #store: CacheStore
  readonly #context: string
  readonly #check: (result: unknown) => { value: T } | { issues: unknown }
  readonly #writing = new Set<Promise<unknown>>()
  /** What is being written: a store that is slow to do so does not know it yet. */
  readonly #unwritten = new Map<string, string>()
  /** Called when the last write has ended. */
  #onIdle: (() => void) | undefined
  /** Reads and writes that the store failed to do. */
  failures = 0
  /** How many of the last operations took too long; after some in a row nobody asks the store any more. */
  #hangs = 0

  /** @param context Everything that decides an answer but the record itself. */
  constructor(
    store: CacheStore,
    context: unknown,
    check: (result: unknown) => { value: T } | { issues: unknown },
  ) {
    this.#store = store
    this.#context = JSON.stringify(context)
    this.#check = check
  }

  /** The key of a record: a hash, so that the store's keys hold no text. */
  key(text: string, partition: string | undefined): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#context, partition, text]))
      .digest('base64url')
  }

  /** The value under a key, at once where the store answers at once. A store that fails has none. */
  get(key: string): { value: T } | undefined | Promise<{ value: T } | undefined> {
    const failed = (): undefined => {
      this.failures += 1
    }
    const unwritten = this.#unwritten.get(key)
    if (unwritten !== undefined) return this.parse(unwritten)
    if (this.#hangs >= MAX_HANGS) return undefined
    try {
      const found = this.#store.get(key)
      if (!isPromise(found)) return this.#read(found)
      return this.#inTime(found).then((json) => this.#read(json), failed)
    } catch {
      failed()
      return undefined
    }
  }

  #read(json: unknown): { value: T } | undefined {
    return typeof json === 'string' ? this.parse(json) : undefined
  }

  /** A value anew, so that no two outcomes share one. */
  parse(json: string): { value: T } | undefined {
    try {
      const checked = this.#check(JSON.parse(json))
      return 'value' in checked ? checked : undefined
    } catch {
      return undefined
    }
  }

  set(key: string, json: string): void {
    if (this.#hangs >= MAX_HANGS) return
    const failed = (): void => {
      this.failures += 1
    }
    try {
      const written = this.#store.set(key, json)
      if (!isPromise(written)) return
      const writing = this.#inTime(written)
        .catch(failed)
        .finally(() => {
          this.#writing.delete(writing)
          this.#unwritten.delete(key)
          if (this.#writing.size === 0) this.#onIdle?.()
        })
      this.#writing.add(writing)
      this.#unwritten.set(key, json)
    } catch {
      failed()
    }
  }

  /** The same promise, but it rejects when it takes too long. */
  async #inTime(promise: PromiseLike<unknown>): Promise<unknown> {
    const isDone = new AbortController()
    const tooLong = sleep(STORE_WAIT, isDone.signal).then(() => {
      if (!isDone.signal.aborted) this.#hangs += 1
      throw new Error('The store did not answer')
    })
    try {
      const answer = await Promise.race([promise, tooLong])
      this.#hangs = 0
      return answer
    } finally {
      isDone.abort()
    }
  }

  /** How many writes the store has not confirmed. */
  get pending(): number {
    return this.#writing.size
  }

  /** @param listener Called whenever the last pending write has ended. */
  set onIdle(listener: () => void) {
    this.#onIdle = listener
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
}
