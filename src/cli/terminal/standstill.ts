import type { Stats, Waiting } from '../../index.ts'
import { clock } from './words.ts'

/** Time without an outcome after which a person is told that the stream waits, in ms. */
const TELL_AFTER_MS = 10_000
const CHECK_INTERVAL_MS = 1_000

/** Finds out when a stream gets no outcomes because of the server or its limits. */
export class Standstill {
  #done = 0
  /** The last pause since the last outcome, and the time at which the first of them was seen. */
  #pause: Waiting | undefined
  #since = 0
  #isTold = false

  /** Returns the message for a person, once in each standstill. `now` is in ms since 1970. */
  check({ records, waiting }: Pick<Stats, 'records' | 'waiting'>, now: number): string | undefined {
    const done = records.fulfilled + records.rejected
    if (done !== this.#done) {
      this.#done = done
      this.#pause = undefined
      this.#isTold = false
    }
    if (waiting && !this.#pause) this.#since = now
    this.#pause = waiting ?? this.#pause
    if (!this.#pause || this.#isTold || now - this.#since < TELL_AFTER_MS) return undefined
    this.#isTold = true
    const { until, said = 'The limit of requests or tokens per minute has no room' } = this.#pause
    const left = Math.max(1, (until - now) / 1_000)
    return `Waiting: ${said}. The next request leaves in ${clock(left)}.`
  }
}

/** Tells a person about standstills, until the returned function is called. */
export function tellStandstills(stats: () => Stats, tell: (text: string) => void): () => void {
  const standstill = new Standstill()
  const timer = setInterval(() => {
    const text = standstill.check(stats(), Date.now())
    if (text !== undefined) tell(text)
  }, CHECK_INTERVAL_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
  }
}
