import { backoff } from '../base/backoff.ts'

/**
 * Number of rounds of 429 in a row in which the limiter trusts the pause that the server asks for.
 */
const TRUSTED_ROUNDS = 3
/** Smallest number of failures in a row after which the server counts as down. */
const MIN_FAILURES = 4
/**
 * Largest value of `#patience`. A try that fails costs a pause, which is then a small part of the
 * time.
 */
const MOST_PATIENCE = 64

/** A time in which no request may start. */
export interface Pause {
  /** The reason: the server refused a request with a 429, or requests failed. */
  readonly for: 'rate_limit' | 'server'
  /** End of the pause, in ms by the caller's clock. */
  readonly until: number
  /** The last refusal or failure, in words without private text. */
  readonly said: string | undefined
}

/**
 * Decides how many requests may run at once and when the next request may start, from the results
 * of earlier requests. When the server refuses requests, it halves their number and pauses. When
 * the server is down, it sends one request at a time. Each request has a number; the numbers rise.
 */
export class Congestion {
  readonly #random: () => number
  /**
   * Requests that put load on the server. A request that waits for its consumer puts none, and is
   * not counted in any decision.
   */
  #running = 0
  #mostRunning = 0
  /** Largest number of requests that may run at once. */
  #window = Infinity
  /** Number of running requests when the server last refused one. `Infinity`: not known. */
  #ceiling = Infinity
  /** About the number of round trips that must go well before `#ceiling` requests run again. */
  #patience = 1
  #pause: Pause | undefined
  /** Rounds of 429 in a row in which no request went well. */
  #refusedRounds = 0
  /** Failed requests since the last request that went well. */
  #failuresInARow = 0
  #lastStarted = 0
  /**
   * Number of the last request that started before the newest round. A refusal of a request up to
   * this number belongs to that round.
   */
  #lastOfRound = 0
  /** The same for the round before. */
  #lastOfRoundBefore = 0

  /** @param random Returns a number from 0 to 1. A larger number makes the pauses shorter. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether no further request may start until one ends. */
  get isFull(): boolean {
    return this.#running >= Math.floor(this.#window)
  }

  /** The newest pause, also if it is over. */
  get pause(): Pause | undefined {
    return this.#pause
  }

  /** Time before which no request may start, in ms. */
  get pausedUntil(): number {
    return this.#pause?.until ?? -Infinity
  }

  started(number: number): void {
    this.#lastStarted = number
    this.#run()
  }

  /**
   * A request begins or stops waiting for its consumer. A waiting request must not block other
   * requests, because the consumer may need one of them.
   */
  rests(isResting: boolean): void {
    if (isResting) this.#running -= 1
    else this.#run()
  }

  #run(): void {
    this.#running += 1
    this.#mostRunning = Math.max(this.#mostRunning, this.#running)
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
  refused(number: number, pause: number | undefined, refill: number, now: number, said?: string): void {
    // Requests that ran together and are refused together count as one round.
    if (number > this.#lastOfRound) {
      this.#lastOfRoundBefore = this.#lastOfRound
      this.#lastOfRound = this.#lastStarted
      this.#refusedRounds += 1
      this.#patience = this.#running < this.#ceiling ? 1 : Math.min(2 * this.#patience, MOST_PATIENCE)
      this.#ceiling = this.#running
      this.#window = Math.max(1, Math.floor(this.#running / 2))
    }
    this.#running -= 1
    const row = this.#refusedRounds - TRUSTED_ROUNDS
    const least = row > 0 ? backoff(row, this.#random) : 0
    const ms = Math.max(pause ?? this.#guessPause(refill), least)
    this.#extend({ for: 'rate_limit', until: now + ms, said })
  }

  /** A request went well. */
  succeeded(number: number): void {
    this.#running -= 1
    // A request of the newest round counts too: a server that takes few requests at once refuses
    // some of every round, and needs no longer pause.
    if (number > this.#lastOfRoundBefore) this.#refusedRounds = 0
    this.#failuresInARow = 0
    // Adds one request to the window for each full round trip, or for several at the ceiling.
    const isNext = Math.floor(this.#window) + 1 >= this.#ceiling
    this.#window += 1 / (this.#window * (isNext ? this.#patience : 1))
    if (this.#window >= this.#ceiling + 1) this.#ceiling = Infinity
    if (this.#window > this.#mostRunning) this.#window = Infinity
  }

  /**
   * A request failed. When all running requests have failed and no request has gone well in
   * between, one request at a time tests whether the server is back.
   */
  failed(now: number, said?: string): void {
    this.#running -= 1
    this.#failuresInARow += 1
    const beyond = this.#failuresInARow - Math.max(this.#mostRunning, MIN_FAILURES)
    if (beyond < 0) return
    this.#window = 1
    this.#extend({ for: 'server', until: now + backoff(beyond + 1, this.#random), said })
  }

  /** Begins a pause, unless the present pause ends later. */
  #extend(pause: Pause): void {
    if (pause.until > this.pausedUntil) this.#pause = pause
  }

  #guessPause(refill: number): number {
    // A pause of 0 is ignored, as in `retry-after`. A reported refill time that did not help is not
    // trusted a second time: a server may refill the whole limit at the end of a minute.
    if (refill >= 1 && this.#refusedRounds <= 1) return refill
    return Math.max(refill, backoff(this.#refusedRounds, this.#random))
  }
}
