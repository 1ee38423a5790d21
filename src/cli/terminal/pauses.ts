import type { Stats, Waiting } from '../../index.ts'
import { withFlags } from '../flags/usage-error.ts'

/** Time after which a pause is shown, in ms: a run at its limits has many shorter pauses. */
const SHOW_AFTER_MS = 1_000
/** Length of a pause, or time without an outcome, that a log tells at once, in ms. */
const TELL_AFTER_MS = 10_000

/** A pause in which a stream gets no outcomes, in words. */
export interface Pause {
  /** `rate limited until 12:31`, `server down for 40 s` */
  readonly short: string
  /** With what the server says. */
  readonly long: string
  /** Whether it is news for a log. */
  readonly isLong: boolean
}

/** Finds out when a stream gets no outcomes because of the server or its limits. */
export class Pauses {
  #done = 0
  #answered = 0
  /** The last pause since the last outcome, and the time at which the first of them was seen. */
  #pause: Waiting | undefined
  #since = 0

  /** `undefined` while the stream goes on. `now` is in ms since 1970. */
  look(
    { records, waiting, inFlight, tokens }: Pick<Stats, 'records' | 'waiting' | 'inFlight' | 'tokens'>,
    now: number,
  ): Pause | undefined {
    const done = records.fulfilled + records.rejected
    const answered = records.fulfilled + tokens.output
    // A server that is down rejects records too, and is not back.
    const isOver = this.#pause?.for === 'server' ? answered !== this.#answered : done !== this.#done
    this.#done = done
    this.#answered = answered
    if (isOver) this.#pause = undefined
    if (waiting && !this.#pause) this.#since = now
    this.#pause = waiting ?? this.#pause
    if (!this.#pause) return undefined
    const { for: cause, until } = this.#pause
    const lasts = now - this.#since
    if (lasts < SHOW_AFTER_MS) return undefined
    // A stream at its limit waits between two requests too. While the server is down, some requests
    // ask whether it is back.
    const isStill = waiting !== undefined && inFlight === 0
    const isLong = lasts >= TELL_AFTER_MS || (isStill && until - now >= TELL_AFTER_MS)
    const isShown = isLong || isStill || cause === 'server'
    return isShown ? { ...words(this.#pause, lasts, now), isLong } : undefined
  }
}

function words({ for: cause, until, said }: Waiting, lasts: number, now: number) {
  if (cause === 'server') {
    const short = `server down for ${age(lasts)}`
    return { short, long: said === undefined ? short : `${short}: ${gist(said)}` }
  }
  // A request may be on its way that finds out whether the limit has room again.
  const short = until > now ? `rate limited until ${timeOfDay(until, now)}` : 'rate limited'
  const why = said === undefined ? 'the limit per minute has no room' : `the server says ${gist(said)}`
  return { short, long: `${short}, ${why}` }
}

/** The codes of a failure, which stand in brackets: `429 rate_limit_exceeded`, `ECONNREFUSED`. */
function gist(said: string): string {
  return /\(([^()]+)\)$/.exec(said)?.[1] ?? withFlags(said)
}

/** `40 s`, `12 min`, `3 h` */
function age(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`
}

/** The local time: `12:31`, `12:31:07` if it is near, and with its date on another day. */
export function timeOfDay(at: number, now: number): string {
  const [date, time] = local(at)
  const shown = at - now < 60_000 ? time : time.slice(0, 5)
  return date === local(now)[0] ? shown : `${date} ${shown}`
}

function local(at: number): [date: string, time: string] {
  const offset = new Date(at).getTimezoneOffset() * 60_000
  const text = new Date(at - offset).toISOString()
  return [text.slice(0, 10), text.slice(11, 19)]
}
