import type { Entry } from '../record/entry.ts'
import type { Learning } from '../learning/learning.ts'
import type { Ledger } from '../accounts/ledger.ts'

/** Output cap before the first answer shows the length of results. Few models allow less. */
const FIRST_CAP_TOKENS = 4_096
/** Factor by which an answer without a cap may be longer than expected. */
const ANSWER_MARGIN = 2
/** Smallest cap that OpenAI's Responses API accepts. */
const LEAST_CAP_TOKENS = 16
/** Smallest affordable answer for which the first request is sent. */
const LEAST_ANSWER_TOKENS = 32

/** The highest cost of a request. */
export interface Price {
  /** The output cap that guarantees the cost. `undefined` if the request has no cap. */
  readonly cap: number | undefined
  /** Highest cost, in US dollars. */
  readonly cost: number
}

/** The money of a stream. All engines of the stream spend from it. */
export class Purse {
  readonly maxCost: number
  readonly #ledger: Ledger
  /** Requests whose cost is not known yet. */
  readonly #running = new Set<{ readonly cost: number }>()
  /** Number of requests that have started or ended. A price holds until the next of them. */
  changes = 0
  /** Whether the end of a request is being booked. Until then, no engine may send. */
  isBooking = false

  constructor(maxCost: number, ledger: Ledger) {
    this.maxCost = maxCost
    this.#ledger = ledger
  }

  start(request: { readonly cost: number }): void {
    this.#running.add(request)
    this.changes += 1
  }

  /** The request has ended, and its cost is in the ledger. */
  end(request: { readonly cost: number }): void {
    this.#running.delete(request)
    this.changes += 1
  }

  /** Whether a request runs. It may cost less than its highest cost. */
  get isInUse(): boolean {
    return this.#running.size > 0
  }

  /** US dollars that no request has spent or may still spend. */
  get left(): number {
    return Array.from(this.#running).reduce((left, { cost }) => left - cost, this.maxCost - this.#ledger.cost)
  }
}

/** Keeps the cost of finished and running requests within `maxCost`. */
export class Spending {
  readonly #purse: Purse
  readonly #ledger: Ledger
  readonly #learning: Learning

  constructor(purse: Purse, ledger: Ledger, learning: Learning) {
    this.#purse = purse
    this.#ledger = ledger
    this.#learning = learning
  }

  /**
   * The price of a pack's request. `undefined` if the request might cost more than the rest.
   *
   * @param running Number of running requests that teach the cost of such an answer.
   */
  afford(pack: readonly Entry<unknown>[], cap: number | undefined, running: number): Price | undefined {
    if (this.#purse.maxCost === Infinity) return { cap, cost: 0 }
    const expected = this.#learning.expectedOutput(pack)
    // The cost of an answer is unknown before the first answer. So the others wait for the first.
    if (expected === undefined && running > 0) return undefined
    const input = this.#priceOf(pack, this.#learning.longestPrompt(pack), 0)
    const perToken = this.#priceOf(pack, 0, 1)
    const left = this.#purse.left - input
    const affordable = left < 0 ? -1 : perToken > 0 ? Math.floor(left / perToken) : Infinity

    const { refusedCap, room } = this.#learning
    const most = cap ?? Math.ceil(FIRST_CAP_TOKENS * room)
    const sent = Math.min(most, affordable)
    if (!this.#learning.mayCap(pack, sent)) {
      // The model cannot write more than the cap that the server refused as too large. If the
      // server refuses all caps, this is a guess.
      const guess = Math.min(refusedCap, expected === undefined ? Infinity : expected * ANSWER_MARGIN)
      return affordable < guess ? undefined : { cap: undefined, cost: input + guess * perToken }
    }
    // The rest of the money buys an answer with a lower cap, if no running request can leave more.
    const isEnough = affordable >= Math.max(expected ?? LEAST_ANSWER_TOKENS, LEAST_CAP_TOKENS)
    if (sent < most && (this.#purse.isInUse || !isEnough)) return undefined
    return { cap: sent, cost: input + sent * perToken }
  }

  /** The message if the rest of the money buys no other request. */
  get exhausted(): string {
    const spent = this.#ledger.cost.toFixed(4)
    return `The next request might cost more than the rest of \`maxCost\`: $${spent} of $${this.#purse.maxCost} are spent.`
  }

  #priceOf(pack: readonly Entry<unknown>[], input: number, output: number): number {
    // The higher price counts, because cached input may cost more than other input.
    const priceOf = (cached: number) => this.#ledger.costOf({ input, output, cached, reasoning: 0 }, pack)
    return Math.max(priceOf(0), priceOf(input))
  }
}
