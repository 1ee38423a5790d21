import { Alarm } from './alarm.ts'
import { RequestError } from './errors.ts'

/** How long a request may take, in ms; `Infinity`: as long as it likes. */
export interface Timeouts {
  readonly firstTokenTimeout: number
  readonly idleTimeout: number
  readonly requestTimeout: number
}

/**
 * The deadlines of one request. Time during which nobody reads, because the consumer is slow, counts against none of them.
 */
export class Deadlines {
  readonly #timeouts: Timeouts
  readonly #expire: (error: RequestError) => void
  readonly #alarm = new Alarm(() => {
    this.#check()
  })
  /** When the request has taken too long; it moves by the time during which nobody read. */
  #end: number
  /** When the answer has been silent for too long. */
  #silence: number
  #hasToken = false
  #pausedAt: number | undefined
  #isOver = false

  /** @param expire Called once, when the first of the deadlines has passed. */
  constructor(timeouts: Timeouts, expire: (error: RequestError) => void) {
    const now = performance.now()
    this.#timeouts = timeouts
    this.#expire = expire
    this.#end = now + timeouts.requestTimeout
    this.#silence = now + timeouts.firstTokenTimeout
    this.#alarm.set(Math.min(this.#end, this.#silence), now)
  }

  /** The model has written something, be it only a thought. */
  progress(): void {
    const now = performance.now()
    this.#silence = now + this.#timeouts.idleTimeout
    // Not for every token, which would cost more than the token: an alarm that rings early looks again.
    if (!this.#hasToken) this.#alarm.set(Math.min(this.#end, this.#silence), now)
    this.#hasToken = true
  }

  /** Nobody reads. */
  pause(): void {
    this.#pausedAt = performance.now()
    this.#alarm.set(Infinity, 0)
  }

  resume(): void {
    if (this.#isOver) return
    const now = performance.now()
    this.#end += now - (this.#pausedAt ?? now)
    this.#silence = now + this.#timeouts.idleTimeout
    this.#pausedAt = undefined
    this.#alarm.set(Math.min(this.#end, this.#silence), now)
  }

  stop(): void {
    this.#isOver = true
    this.#alarm.set(Infinity, 0)
  }

  #check(): void {
    const now = performance.now()
    const due = Math.min(this.#end, this.#silence)
    // Timers may ring a fraction of a millisecond early.
    if (due - now >= 1) this.#alarm.set(due, now)
    else this.#expire(this.#error())
  }

  #error(): RequestError {
    const { firstTokenTimeout, idleTimeout, requestTimeout } = this.#timeouts
    const after = (ms: number) => `within ${ms.toLocaleString('en')} ms`
    if (this.#end <= this.#silence) {
      return new RequestError(
        'request_timeout',
        `The answer did not end ${after(requestTimeout)} (requestTimeout)`,
      )
    }
    return this.#hasToken
      ? new RequestError(
          'idle_timeout',
          `Nothing more of the answer came ${after(idleTimeout)} (idleTimeout)`,
        )
      : new RequestError(
          'first_token_timeout',
          `Nothing of the answer came ${after(firstTokenTimeout)} (firstTokenTimeout)`,
        )
  }
}
