import type { Entry } from '../record/entry.ts'
import type { Learning } from '../learning/learning.ts'
import type { Ledger } from '../accounts/ledger.ts'

/** Output cap before the first answer has told how long results are, in tokens. Few models allow less. */
const FIRST_CAP = 4_096
/** How much longer an answer may be than expected where no cap can be sent. */
const ANSWER_MARGIN = 2
/** Before the first answer, it is worth asking if there is money for so many tokens of it. */
const LEAST_ANSWER = 32

/** What a request may cost. */
export interface Price {
  /** The cap that sees to it; `undefined`: none. */
  readonly cap: number | undefined
  /** The most that it costs, in US dollars. */
  readonly cost: number
}

/** Sees to it that no request is sent that might pass the spending cap, counting all that are in flight. */
export class Spending {
  readonly #maxCost: number
  readonly #ledger: Ledger
  readonly #learning: Learning

  constructor(maxCost: number, ledger: Ledger, learning: Learning) {
    this.#maxCost = maxCost
    this.#ledger = ledger
    this.#learning = learning
  }

  /** What a pack's request may cost, or `undefined` if that might be more than is left. */
  afford(
    pack: readonly Entry<unknown>[],
    cap: number | undefined,
    running: ReadonlySet<{ readonly cost: number }>,
  ): Price | undefined {
    if (this.#maxCost === Infinity) return { cap, cost: 0 }
    const expected = this.#learning.expectedOutput(pack)
    // Before the first answer nobody knows what one costs: that one is waited for.
    if (expected === undefined && running.size > 0) return undefined
    const spent = Array.from(running).reduce((sum, { cost }) => sum + cost, this.#ledger.cost)
    const input = this.#priceOf(this.#learning.longestPrompt(pack), 0)
    const perToken = this.#priceOf(0, 1)
    const left = this.#maxCost - spent - input
    const affordable = left < 0 ? -1 : perToken > 0 ? Math.floor(left / perToken) : Infinity

    const { refusedCap, room } = this.#learning
    if (cap === undefined && refusedCap < Infinity) {
      // The model writes less than the cap that was too large for it; or it knows no caps, and this is a guess.
      const most = Math.min(refusedCap, expected === undefined ? Infinity : expected * ANSWER_MARGIN)
      return affordable < most ? undefined : { cap, cost: input + most * perToken }
    }
    const most = cap ?? Math.ceil(FIRST_CAP * room)
    if (affordable >= most) return { cap: most, cost: input + most * perToken }
    // The last of the money buys an answer with less room, if nothing that runs may leave some.
    const isEnough = affordable >= (expected ?? LEAST_ANSWER)
    return running.size > 0 || !isEnough
      ? undefined
      : { cap: affordable, cost: input + affordable * perToken }
  }

  /** What is said where nothing more can be afforded. */
  get exhausted(): string {
    const spent = this.#ledger.cost.toFixed(4)
    return `The next request might cost more than is left of \`maxCost\`: $${spent} of $${this.#maxCost} are spent.`
  }

  #priceOf(input: number, output: number): number {
    // Whichever is dearer: writing to a cache may cost more than reading without.
    const priceOf = (cached: number) => this.#ledger.costOf({ input, output, cached, reasoning: 0 })
    return Math.max(priceOf(0), priceOf(input))
  }
}
