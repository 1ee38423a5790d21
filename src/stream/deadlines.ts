import { Alarm } from '../base/alarm.ts'
import type { Timeouts } from '../options/options.ts'
import { RequestError } from '../record/errors.ts'

/** A timer that rings so late, in ms, was kept from ringing; and after how many ms it is looked once more. */
const LATE = 5
const SECOND_LOOK = 2

/**
 * The deadlines of one request. Time during which nobody reads, because the consumer is slow, counts against none of them.
 */
export class Deadlines {
  readonly #timeouts: Timeouts
  readonly #startedAt = performance.now()
  readonly #expire: (error: RequestError) => void
  readonly #alarm = new Alarm(() => {
    this.#check()
  })
  /** When the request has taken too long; it moves by the time during which nobody read. */
  #end: number
  /** When the answer has been silent for too long. */
  #silence: number
  #firstToken: number | undefined
  #pausedAt: number | undefined
  #rangInPause = false
  /** The deadline that was given a second look. */
  #lookedTwice = -1

  /** @param expire Called once, when the first of the deadlines has passed. */
  constructor(timeouts: Timeouts, expire: (error: RequestError) => void) {
    const now = this.#startedAt
    this.#timeouts = timeouts
    this.#expire = expire
    this.#end = now + timeouts.requestTimeout
    this.#silence = now + timeouts.firstTokenTimeout
    this.#alarm.set(Math.min(this.#end, this.#silence), now)
  }

  /** How long the first token took, in ms; `undefined` before it comes. */
  get firstToken(): number | undefined {
    return this.#firstToken
  }

  /** The model has written something, be it only a thought. */
  progress(): void {
    const now = performance.now()
    this.#silence = now + this.#timeouts.idleTimeout
    // Not for every token, which would cost more than the token: an alarm that rings early looks again.
    if (this.#firstToken === undefined) this.#alarm.set(Math.min(this.#end, this.#silence), now)
    this.#firstToken ??= now - this.#startedAt
  }

  /** The consumer works, or the request waits for it: no deadline runs. */
  pause(): void {
    this.#pausedAt = performance.now()
  }

  /** The request reads on. The deadlines move by the length of the pause. */
  resume(): void {
    const now = performance.now()
    const pause = now - (this.#pausedAt ?? now)
    this.#pausedAt = undefined
    this.#end += pause
    this.#silence += pause
    // Pauses are frequent and mostly short: only a long one meets the alarm.
    if (this.#rangInPause) this.#alarm.set(Math.min(this.#end, this.#silence), now)
    this.#rangInPause = false
  }

  stop(): void {
    this.#alarm.set(Infinity, 0)
  }

  #check(): void {
    this.#rangInPause = this.#pausedAt !== undefined
    if (this.#rangInPause) return
    const now = performance.now()
    const due = Math.min(this.#end, this.#silence)
    // Timers may ring a fraction of a millisecond early.
    if (due - now >= 1) {
      this.#alarm.set(due, now)
    } else if (now - due > LATE && this.#lookedTwice !== due) {
      // This thread was busy. What has come meanwhile is still to be read, and that is after the timers.
      this.#lookedTwice = due
      this.#alarm.set(now + SECOND_LOOK, now)
    } else {
      this.#expire(this.#error())
    }
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
    return this.#firstToken === undefined
      ? new RequestError(
          'first_token_timeout',
          `Nothing of the answer came ${after(firstTokenTimeout)} (firstTokenTimeout)`,
        )
      : new RequestError(
          'idle_timeout',
          `Nothing more of the answer came ${after(idleTimeout)} (idleTimeout)`,
        )
  }
}
