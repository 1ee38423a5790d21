import { sleep } from '../base/sleep.ts'
import type { Fulfilled } from '../record/outcome.ts'
import { identityOf } from './identity.ts'

/**
 * Time in which the store must read or write a value, in ms. After this time the operation has
 * failed.
 */
const STORE_WAIT_MS = 10_000
/**
 * Number of operations in a row that may take too long. After that, the stream does not use the
 * store any more.
 */
const MAX_HANGS_IN_A_ROW = 3

/**
 * Keeps settled values between records and runs: a `Map`, a `Keyv`, or any object with these two
 * methods.
 */
export interface CacheStore {
  get(key: string): unknown
  set(key: string, value: string): unknown
}

/** A stored value, with its ballots if it was decided by ballots. */
export type Found<T> = Pick<Fulfilled<unknown, T>, 'value' | 'votes'> & {
  /** Whether the second step has answered, with `escalate`. */
  readonly isEscalated?: true
}
type Check<T> = (result: unknown) => Found<T> | { issues: unknown }

/**
 * Keeps settled values under a hash of the content that decides them. The stored text is the JSON
 * that the model wrote. Each read checks it against the schema again, so several programs may share
 * a store, also after one of them has changed.
 */
export class ResultCache<T> {
  readonly #store: CacheStore
  readonly #context: string
  readonly #check: Check<T>
  readonly #writing = new Set<Promise<unknown>>()
  /** Values that the store is still writing, by key. A slow store cannot read them yet. */
  readonly #unwritten = new Map<string, string>()
  /** Called when the last pending write has ended. */
  #onIdle: (() => void) | undefined
  /** Number of reads and writes that failed. */
  failures = 0
  /** Number of operations in a row that took too long. */
  #hangs = 0

  /** @param context Everything that decides an answer, except the record itself. */
  constructor(store: CacheStore, context: unknown, check: Check<T>) {
    this.#store = store
    this.#context = JSON.stringify(context)
    this.#check = check
  }

  /** The key of a record. */
  key(text: string, partition: string | undefined): string {
    return identityOf(this.#context, partition, text).toString('base64url')
  }

  /**
   * The value under a key. Returned without a promise if the store returns no promise. `undefined`
   * if the store has no value or fails.
   */
  get(key: string): Found<T> | undefined | Promise<Found<T> | undefined> {
    const failed = (): undefined => {
      this.failures += 1
    }
    const unwritten = this.#unwritten.get(key)
    if (unwritten !== undefined) return this.parse(unwritten)
    if (this.#hangs >= MAX_HANGS_IN_A_ROW) return undefined
    try {
      const found = this.#store.get(key)
      if (!isPromise(found)) return this.#read(found)
      return this.#inTime(found).then((json) => this.#read(json), failed)
    } catch {
      failed()
      return undefined
    }
  }

  #read(json: unknown): Found<T> | undefined {
    return typeof json === 'string' ? this.parse(json) : undefined
  }

  /** Makes a new value from its JSON, so that two outcomes never share a value. */
  parse(json: string): Found<T> | undefined {
    try {
      const checked = this.#check(JSON.parse(json))
      return 'value' in checked ? checked : undefined
    } catch {
      return undefined
    }
  }

  set(key: string, json: string): void {
    if (this.#hangs >= MAX_HANGS_IN_A_ROW) return
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

  /** Passes a promise on, and rejects if the promise takes too long. */
  async #inTime(promise: PromiseLike<unknown>): Promise<unknown> {
    const isDone = new AbortController()
    const tooLong = sleep(STORE_WAIT_MS, isDone.signal).then(() => {
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

  /** Number of writes that the store has not confirmed. */
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
