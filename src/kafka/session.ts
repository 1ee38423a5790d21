import { explain, isFatal } from './errors.ts'
import type { KafkaEvent } from './events.ts'

/** What the parts of a source or a sink share while it lasts: its end, and whom they tell. */
export class Session {
  readonly #ending = new AbortController()
  readonly #onEvent: (event: KafkaEvent) => void
  readonly #onFatal: (error: Error) => void

  constructor(onEvent: (event: KafkaEvent) => void, onFatal: (error: Error) => void) {
    this.#onEvent = onEvent
    this.#onFatal = onFatal
  }

  /** Aborted as it ends. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get isOver(): boolean {
    return this.signal.aborted
  }

  end(): void {
    this.#ending.abort()
  }

  /** Not once it is over: nobody is there for it. A listener that throws ends it, with its own error. */
  tell(event: KafkaEvent): void {
    if (this.isOver) return
    try {
      this.#onEvent(event)
    } catch (error) {
      this.#onFatal(error as Error)
    }
  }

  /** Something failed that is going to be tried again, unless no try can help. */
  failed(what: string, cause: unknown): void {
    const error = new Error(`Could not ${what}: ${explain(cause)}`, { cause })
    if (isFatal(cause)) this.#onFatal(error)
    else this.tell({ type: 'retry', error })
  }
}
