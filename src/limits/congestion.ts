import { backoff } from '../base/backoff.ts'

/** How many rounds of 429 in a row a server's own word for the pause is believed. */
const BELIEVED_ROUNDS = 3
/** How many requests in a row, at least, must fail before the server is taken to be down. */
const PATIENCE = 4

/**
 * How many requests may run at once, and when the next may start, by how the server took those before: it halves and
 * pauses when it refuses some, and asks one at a time when it is down. Requests are told apart by their numbers, which rise.
 */
export class Congestion {
  readonly #random: () => number
  #running = 0
  /** Of `#running`: they wait for a consumer, and ask nothing of the server. */
  #resting = 0
  #mostRunning = 0
  /** How many may run at once. */
  #window = Infinity
  #pausedUntil = -Infinity
  /** Rounds of 429 since a request went well. */
  #refusedRounds = 0
  /** Requests that failed since one went well. */
  #failuresInARow = 0
  #lastStarted = 0
  /** The last request that was started before the newest round. What is refused up to it belongs to that round. */
  #lastOfRound = 0

  /** @param random From 0 to 1: what shortens the pauses. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** As many run as may. */
  get isFull(): boolean {
    return this.#running - this.#resting >= Math.floor(this.#window)
  }

  /** When the next may start, as far as this decides. */
  get pausedUntil(): number {
    return this.#pausedUntil
  }

  started(number: number): void {
    this.#lastStarted = number
    this.#running += 1
    this.#mostRunning = Math.max(this.#mostRunning, this.#running)
  }

  /** A request waits for its consumer, or no longer. It must not hold others back, of which that consumer may be one. */
  rests(isResting: boolean): void {
    this.#resting += isResting ? 1 : -1
  }

  /** A request ended by no doing of the server's. */
  ended(): void {
    this.#running -= 1
  }

  /**
   * A request was refused with a 429.
   *
   * @param pause What the server asks for, in ms.
   * @param refill In how many ms the limits that it reported would refill enough.
   */
  refused(number: number, pause: number | undefined, refill: number, now: number): void {
    // Requests that were in flight together and are refused together are one piece of news.
    if (number > this.#lastOfRound) {
      this.#lastOfRound = this.#lastStarted
      this.#refusedRounds += 1
      this.#window = Math.max(1, Math.floor(this.#running / 2))
    }
    this.#running -= 1
    const row = this.#refusedRounds - BELIEVED_ROUNDS
    const least = row > 0 ? backoff(row, this.#random) : 0
    this.#pause(Math.max(pause ?? this.#guessPause(refill), least), now)
  }

  /** A request went well. */
  succeeded(number: number): void {
    this.#running -= 1
    if (number > this.#lastOfRound) this.#refusedRounds = 0
    this.#failuresInARow = 0
    // One more for each round trip of as many as may run.
    this.#window += 1 / this.#window
    if (this.#window > this.#mostRunning) this.#window = Infinity
  }

  /** When all that ran have failed and nothing went well in between, one request at a time finds out whether the server is back. */
  failed(now: number): void {
    this.#running -= 1
    this.#failuresInARow += 1
    const beyond = this.#failuresInARow - Math.max(this.#mostRunning, PATIENCE)
    if (beyond < 0) return
    this.#window = 1
    this.#pause(backoff(beyond + 1, this.#random), now)
  }

  /** Never shortens a pause. */
  #pause(ms: number, now: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms)
  }

  #guessPause(refill: number): number {
    // As with `retry-after`, no time at all is no answer. And what was waited for in vain is not believed twice: a
    // server may give everything back at once at the end of a minute.
    if (refill >= 1 && this.#refusedRounds <= 1) return refill
    return Math.max(refill, backoff(this.#refusedRounds, this.#random))
  }
}
