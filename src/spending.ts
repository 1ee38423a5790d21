import type { Entry } from './entry.ts'
import type { Learning } from './learning.ts'
import type { Ledger } from './ledger.ts'

/** How much longer a prompt may be than its estimate: before the first answer, and later. */
const FIRST_PROMPT_MARGIN = 1.5
const PROMPT_MARGIN = 1.25
/** No model that is sold writes a longer answer, in tokens. */
const LONGEST_ANSWER = 128_000
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
    const margin = expected === undefined ? FIRST_PROMPT_MARGIN : PROMPT_MARGIN
    const input = this.#priceOf(this.#learning.promptTokens(pack) * margin, 0)
    const perToken = this.#priceOf(0, 1)
    const left = this.#maxCost - spent - input
    const affordable = left < 0 ? -1 : perToken > 0 ? Math.floor(left / perToken) : Infinity

    if (!this.#learning.maySendCap && cap === undefined) {
      const output = expected === undefined ? LONGEST_ANSWER : expected * ANSWER_MARGIN
      return affordable < output ? undefined : { cap, cost: input + output * perToken }
    }
    const most = cap ?? LONGEST_ANSWER
    if (affordable >= most) return { cap, cost: input + most * perToken }
    // The last of the money buys an answer with less room, if nothing that runs may leave some.
    const isEnough = affordable >= (expected ?? LEAST_ANSWER)
    if (running.size > 0 || !isEnough || !this.#learning.maySendCap) return undefined
    return { cap: affordable, cost: input + affordable * perToken }
  }

  #priceOf(input: number, output: number): number {
    return this.#ledger.costOf({ input, output, cached: 0, reasoning: 0 })
  }
}
