/**
 * Waits for the steps of one request until a signal aborts, also if a step never ends. One listener
 * serves all steps, because a listener for each token would cost more than the token.
 */
export class Interruptible {
  readonly #signal: AbortSignal
  #interrupt: ((reason: unknown) => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#interrupt?.(signal.reason), { once: true })
  }

  /** Settles like the step. Rejects with the signal's reason if the signal aborts first. */
  wait<T>(step: PromiseLike<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#interrupt = reject
      Promise.resolve(step).then(resolve, reject)
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason
      if (this.#signal.aborted) reject(this.#signal.reason)
    })
  }
}
