import { backoff } from '../base/backoff.ts'

/**
 * Number of rounds of 429 in a row in which the limiter trusts the pause that the server asks for.
 */
const TRUSTED_ROUNDS = 3
/** Smallest number of failures in a row after which the server counts as down. */
const MIN_FAILURES = 4

/**
 * Decides how many requests may run at once and when the next request may start, from the results
 * of earlier requests. When the server refuses requests, it halves their number and pauses. When
 * the server is down, it sends one request at a time. Each request has a number; the numbers rise.
 */
export class Congestion {
  readonly #random: () => number
  #running = 0
  /** Requests of `#running` that wait for a consumer and put no load on the server. */
  #resting = 0
  #mostRunning = 0
  /** Largest number of requests that may run at once. */
  #window = Infinity
  #pausedUntil = -Infinity
  /** Rounds of 429 since the last request that went well. */
  #refusedRounds = 0
  /** Failed requests since the last request that went well. */
  #failuresInARow = 0
  #lastStarted = 0
  /**
   * Number of the last request that started before the newest round. A refusal of a request up to
   * this number belongs to that round.
   */
  #lastOfRound = 0

  /** @param random Returns a number from 0 to 1. A larger number makes the pauses shorter. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether no further request may start until one ends. */
  get isFull(): boolean {
    return this.#running - this.#resting >= Math.floor(this.#window)
  }

  /** Time before which no request may start, in ms. */
  get pausedUntil(): number {
    return this.#pausedUntil
  }

  started(number: number): void {
    this.#lastStarted = number
    this.#running += 1
    this.#mostRunning = Math.max(this.#mostRunning, this.#running)
  }

  /**
   * A request begins or stops waiting for its consumer. A waiting request must not block other
   * requests, because the consumer may need one of them.
   */
  rests(isResting: boolean): void {
    this.#resting += isResting ? 1 : -1
  }

  /** A request ended, and the end says nothing about the server. */
  ended(): void {
    this.#running -= 1
  }

  /**
   * The server refused a request with a 429.
   *
   * @param pause The pause that the server asks for, in ms.
   * @param refill Time until the reported limits have room for the request, in ms.
   */
  refused(number: number, pause: number | undefined, refill: number, now: number): void {
    // Requests that ran together and are refused together count as one round.
    if (number > this.#lastOfRound) {
      this.#lastOfRound = this.#lastStarted
      this.#refusedRounds += 1
      this.#window = Math.max(1, Math.floor(this.#running / 2))
    }
    this.#running -= 1
    const row = this.#refusedRounds - TRUSTED_ROUNDS
    const least = row > 0 ? backoff(row, this.#random) : 0
    this.#pause(Math.max(pause ?? this.#guessPause(refill), least), now)
  }

  /** A request went well. */
  succeeded(number: number): void {
    this.#running -= 1
    if (number > this.#lastOfRound) this.#refusedRounds = 0
    this.#failuresInARow = 0
    // Adds one request to the window for each full round trip.
    this.#window += 1 / this.#window
    if (this.#window > this.#mostRunning) this.#window = Infinity
  }

  /**
   * A request failed. When all running requests have failed and no request has gone well in
   * between, one request at a time tests whether the server is back.
   */
  failed(now: number): void {
    this.#running -= 1
    this.#failuresInARow += 1
    const beyond = this.#failuresInARow - Math.max(this.#mostRunning, MIN_FAILURES)
    if (beyond < 0) return
    this.#window = 1
    this.#pause(backoff(beyond + 1, this.#random), now)
  }

  /** Extends the pause. Never shortens it. */
  #pause(ms: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms)
  }

  #guessPause(refill: number): number {
    // A pause of 0 is ignored, as in `retry-after`. A reported refill time that did not help is not
    // trusted a second time: a server may refill the whole limit at the end of a minute.
    if (refill >= 1 && this.#refusedRounds <= 1) return refill
    return Math.max(refill, backoff(this.#refusedRounds, this.#random))
  }
}
