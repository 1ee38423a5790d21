import type { Outcome } from '../record/outcome.ts'

/** One call of `ask()`. It passes through the writable side in place of its record. */
export class Ask<R> {
  readonly record: R

  constructor(record: R) {
    this.record = record
  }
}

interface Caller<R, T> {
  readonly resolve: (outcome: Outcome<R, T>) => void
  readonly reject: (error: unknown) => void
}

/** The calls of `ask()` that wait for an outcome. */
export class Asks<R, T> {
  readonly #callers = new Map<Ask<R>, Caller<R, T>>()
  /** The calls whose records the stream has read, by the index of the record. */
  readonly #read = new Map<number, Ask<R>>()
  wereUsed = false

  /** Waits for the outcome of a record. Passes the call to `write` at once. */
  async outcomeOf(
    record: R,
    signal: AbortSignal | undefined,
    write: (ask: Ask<R>) => void,
  ): Promise<Outcome<R, T>> {
    signal?.throwIfAborted()
    this.wereUsed = true
    const ask = new Ask(record)
    const { promise, ...caller } = Promise.withResolvers<Outcome<R, T>>()
    const abort = (): void => {
      caller.reject(signal?.reason)
      // A record that the stream has not read yet is not sent.
      this.#callers.delete(ask)
    }
    this.#callers.set(ask, caller)
    signal?.addEventListener('abort', abort)
    write(ask)
    try {
      return await promise
    } finally {
      this.#callers.delete(ask)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Notes that the stream reads the record. Returns false if the caller no longer waits for it. */
  read(ask: Ask<R>, index: number): boolean {
    if (!this.#callers.has(ask)) return false
    this.#read.set(index, ask)
    return true
  }

  /** Gives an outcome to the call for its record. Returns false if there was no such call. */
  settle(outcome: Outcome<R, T>): boolean {
    const ask = this.#read.get(outcome.index)
    if (!ask) return false
    this.#read.delete(outcome.index)
    // A caller that has aborted gets nothing.
    this.#callers.get(ask)?.resolve(outcome)
    return true
  }

  /** Rejects all calls that wait. */
  close(error: Error): void {
    for (const { reject } of this.#callers.values()) reject(error)
  }
}

/** The error for callers if the stream was destroyed without an error. */
export function destroyed(): Error {
  return new Error('The stream was destroyed before the record had its outcome')
}
