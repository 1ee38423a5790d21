import type { Usage } from './answer.ts'
import type { Entry } from './entry.ts'
import type { Resolved } from './options.ts'
import { OutputBudget } from './output-budget.ts'
import type { PackRun } from './pack-run.ts'
import type { PackLimits } from './packer.ts'
import type { TokenEstimator } from './tokens.ts'

/** How much smaller packs become when one was longer than the model's context. */
const SHRINK = 0.7

/** What the answers so far tell of the next requests: how long prompts and answers are, and what a pack may hold. */
export class Learning {
  readonly #estimator: TokenEstimator
  readonly #budget: OutputBudget
  readonly #most: PackLimits
  /** Tokens of records in one pack: less than the user's where the model's context has no room for so many. */
  #packTokens: number

  constructor({ estimator, maxOutputTokens, maxPackTokens, maxPackRecords }: Resolved<never, unknown>) {
    this.#estimator = estimator
    this.#budget = new OutputBudget(maxOutputTokens)
    this.#most = { maxTokens: maxPackTokens, maxItems: maxPackRecords }
    this.#packTokens = maxPackTokens
  }

  /** What a pack may hold. */
  get limits(): PackLimits {
    return {
      maxTokens: this.#packTokens,
      maxItems: Math.min(this.#most.maxItems, this.#budget.maxRecords),
    }
  }

  /** The output cap for a pack; `undefined`: none, the model's own. */
  capFor(pack: readonly Entry<unknown>[]): number | undefined {
    const needsMaxCap = pack.some((entry) => entry.needsMaxCap)
    return needsMaxCap ? this.#budget.maxCap : this.#budget.capFor(pack.length)
  }

  /** Whether a cap can be sent that the user did not choose. */
  get maySendCap(): boolean {
    return !this.#budget.isRefused
  }

  /** Output tokens that a pack should take; `undefined` before anything is known. */
  expectedOutput(pack: readonly Entry<unknown>[]): number | undefined {
    return this.#budget.expected(pack.length)
  }

  /** Tokens of a pack's whole prompt. */
  promptTokens(pack: readonly Entry<unknown>[]): number {
    return this.#estimator.prompt(pack.length, bytesOf(pack))
  }

  /** Learns from a finished request. Returns what it took: as the API counted, or an estimate where it did not. */
  learn(pack: readonly Entry<unknown>[], run: PackRun<unknown>): Usage {
    const { end, usage, hasBegun, elements, characters } = run
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    const taken = usage ?? {
      input: hasBegun ? this.promptTokens(pack) : 0,
      output: this.#estimator.text(answerLength),
      cached: 0,
      reasoning: 0,
    }
    if (usage) this.#estimator.observe(pack.length, bytesOf(pack), usage.input)
    if (end.kind === 'cap_refused') this.#budget.refuse()
    if (end.kind === 'context') {
      // Smaller packs from now on; unless it was the fault of one record.
      const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
      const smaller = Math.ceil(Math.min(tokens, this.#packTokens) * SHRINK)
      this.#packTokens = pack.length > 1 ? smaller : this.#most.maxTokens
    }
    // Some servers never count. What they wrote to its end is known well enough.
    if (usage || end.kind === 'complete') {
      const { output, reasoning } = taken
      const isCut = end.kind === 'length'
      this.#budget.observe({ output, reasoning, elements, isCut, isFinal: isCut && end.isFinal })
    }
    return taken
  }
}

function bytesOf(pack: readonly Entry<unknown>[]): number {
  return pack.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
}
