import { Alarm } from '../base/alarm.ts'
import type { Timeouts } from '../options/options.ts'
import { RequestError } from '../record/errors.ts'

/** Delay of a timer above which this thread was busy. */
const LATE_MS = 5
/** Time in which the connection of a complete answer may still end by itself, in ms. */
const CLOSE_WAIT_MS = 1_000
/** Time after which a late timer checks the deadline a second time. */
const SECOND_CHECK_MS = 2

/** The deadlines of one request. A pause for a slow consumer counts against no deadline. */
export class Deadlines {
  readonly #timeouts: Timeouts
  readonly #startedAt = performance.now()
  readonly #expire: (error: RequestError) => void
  readonly #alarm = new Alarm(() => {
    this.#check()
  })
  /** Time at which the whole request is too slow. A pause moves this time. */
  #end: number
  /** Time at which the answer has been silent for too long. A pause moves this time. */
  #silence: number
  #firstToken: number | undefined
  #pausedAt: number | undefined
  #rangInPause = false
  /** The last deadline that was checked a second time. */
  #checkedTwice = -1

  /** @param expire Called once, when the first deadline has passed. */
  constructor(timeouts: Timeouts, expire: (error: RequestError) => void) {
    const now = this.#startedAt
    this.#timeouts = timeouts
    this.#expire = expire
    this.#end = now + timeouts.requestTimeout
    this.#silence = now + timeouts.firstTokenTimeout
    this.#alarm.set(Math.min(this.#end, this.#silence), now)
  }

  /** Time to the first token, in ms. `undefined` before the first token. */
  get firstToken(): number | undefined {
    return this.#firstToken
  }

  /** The model has written a token. A reasoning token counts too. */
  progress(): void {
    const now = performance.now()
    this.#silence = now + this.#timeouts.idleTimeout
    // Setting the alarm for each token would cost more than the token. An alarm that rings too
    // early is set again.
    if (this.#firstToken === undefined) this.#alarm.set(Math.min(this.#end, this.#silence), now)
    this.#firstToken ??= now - this.#startedAt
  }

  /** The answer is complete, and its usage has come. The connection may still end by itself. */
  finish(): void {
    const now = performance.now()
    this.#silence = Math.min(this.#silence, now + CLOSE_WAIT_MS)
    this.#alarm.set(Math.min(this.#end, this.#silence), now)
  }

  /** The request waits for the consumer. No deadline runs. */
  pause(): void {
    this.#pausedAt = performance.now()
  }

  /** The request continues. The deadlines move by the length of the pause. */
  resume(): void {
    const now = performance.now()
    const pause = now - (this.#pausedAt ?? now)
    this.#pausedAt = undefined
    this.#end += pause
    this.#silence += pause
    // Pauses are frequent and usually short. The alarm rarely rings in a pause.
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
    } else if (now - due > LATE_MS && this.#checkedTwice !== due) {
      // This thread was busy. Node reads the data that has come since then after the timers.
      this.#checkedTwice = due
      this.#alarm.set(now + SECOND_CHECK_MS, now)
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
          `No token of the answer came ${after(firstTokenTimeout)} (firstTokenTimeout)`,
        )
      : new RequestError(
          'idle_timeout',
          `No further token of the answer came ${after(idleTimeout)} (idleTimeout)`,
        )
  }
}
