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

  /** Not once it is over: nobody is there for it. */
  tell(event: KafkaEvent): void {
    if (this.isOver) return
    try {
      this.#onEvent(event)
    } catch (error) {
      this.fail('tell `onEvent`', error)
    }
  }

  /** Something failed that is going to be tried again, unless no try can help. */
  failed(what: string, cause: unknown): void {
    if (isFatal(cause)) this.fail(what, cause)
    else this.tell({ type: 'retry', error: failure(what, cause) })
  }

  /** Something failed that no try can mend. */
  fail(what: string, cause: unknown): void {
    this.#onFatal(failure(what, cause))
  }
}

function failure(what: string, cause: unknown): Error {
  return new Error(`Could not ${what}: ${explain(cause)}`, { cause })
}
