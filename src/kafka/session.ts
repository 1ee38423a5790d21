import { explain, isFatal } from './errors.ts'
import type { KafkaEvent } from './events.ts'

/**
 * The state that the parts of a source or a sink share: its end, and the receiver of its events.
 */
export class Session {
  readonly #ending = new AbortController()
  readonly #onEvent: (event: KafkaEvent) => void
  readonly #onFatal: (error: Error) => void

  constructor(onEvent: (event: KafkaEvent) => void, onFatal: (error: Error) => void) {
    this.#onEvent = onEvent
    this.#onFatal = onFatal
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get isOver(): boolean {
    return this.signal.aborted
  }

  end(): void {
    this.#ending.abort()
  }

  /**
   * Reports an event. Does nothing after the end of the session. If the listener throws, the
   * session ends with the listener's error.
   */
  tell(event: KafkaEvent): void {
    if (this.isOver) return
    try {
      this.#onEvent(event)
    } catch (error) {
      this.#onFatal(error as Error)
    }
  }

  /** Reports a failed operation. It will be tried again, unless a retry cannot help. */
  failed(what: string, cause: unknown): void {
    const error = new Error(`Could not ${what}: ${explain(cause)}`, { cause })
    if (isFatal(cause)) this.#onFatal(error)
    else this.tell({ type: 'retry', error })
  }
}
