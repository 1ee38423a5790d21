import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import { largestCap, OutputBudget } from './output-budget.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import type { PackLimits } from '../packing/packer.ts'
import { idAt } from '../request/ids.ts'
import { frame } from '../request/prompt.ts'
import type { ResultFormat } from '../request/result-format.ts'
import { TokenEstimator, type TokenCounter } from './token-estimator.ts'

/** Factor by which the fixed part of a prompt may be longer than its learned length. */
const FIXED_MARGIN = 1.2
/** Largest number of tokens around one record, or around all records and the schema. */
const FRAME_TOKENS = 24
/** Factor by which packs become smaller after a pack was longer than the model's context. */
const SHRINK_FACTOR = 0.7

/** The facts that do not change while a stream learns. */
export interface LearningRules {
  /** The system message. */
  readonly system: string
  /** Number of examples in the system message. */
  readonly examples: number
  readonly format: Pick<ResultFormat<unknown>, 'jsonSchema'>
  /** `undefined` if the stream estimates tokens. */
  readonly countTokens: TokenCounter | undefined
  readonly maxPackTokens: number
  readonly maxPackRecords: number
  /** The largest output cap that the user allows. `undefined` if only the model has a cap. */
  readonly maxOutputTokens: number | undefined
}

/** Learns from the answers how long prompts and answers are, and how large a pack may be. */
export class Learning {
  readonly #countTokens: TokenCounter | undefined
  readonly #estimator: TokenEstimator
  readonly #budget: OutputBudget
  readonly #most: PackLimits
  /** An id that is at least as long as the ids of a pack. */
  readonly #longestId: number
  /** The text that every prompt has. */
  readonly #fixedText: string
  /** Tokens of records in one pack. Below the user's limit if the model's context is too short. */
  #packTokens: number
  /** Whether the API has counted a prompt. */
  #hasCounted = false
  /** The smallest learned cap that the server refused. Then the stream sends no learned cap. */
  #refusedCap = Infinity

  constructor(rules: LearningRules) {
    const { countTokens, maxOutputTokens, maxPackTokens, maxPackRecords, system, format } = rules
    this.#countTokens = countTokens
    this.#fixedText = system + JSON.stringify(format.jsonSchema)
    this.#estimator = new TokenEstimator(Buffer.byteLength(this.#fixedText))
    this.#budget = new OutputBudget(maxOutputTokens)
    this.#most = { maxTokens: maxPackTokens, maxItems: maxPackRecords }
    this.#longestId = idAt(rules.examples + maxPackRecords - 1)
    this.#packTokens = maxPackTokens
  }

  /** Tokens of a record's text and the tags around it. */
  weigh(text: string): number {
    return this.#countTokens ? this.#countTokens(frame(text, this.#longestId)) : this.#estimator.record(text)
  }

  /** The limits of a pack. */
  get limits(): PackLimits {
    return {
      maxTokens: this.#packTokens,
      maxItems: Math.min(this.#most.maxItems, this.#budget.maxRecords),
    }
  }

  /**
   * The output cap for a pack. `undefined` if the request has no cap.
   *
   * @param largestRequest Largest number of tokens that one request may be charged.
   */
  capFor(pack: readonly Entry<unknown>[], largestRequest: number): number | undefined {
    const needsMaxCap = pack.some((entry) => entry.needsMaxCap)
    const cap = needsMaxCap ? this.#budget.maxCap : this.#budget.capFor(pack.length)
    const most = needsMaxCap ? Math.floor(largestRequest) : largestCap(largestRequest)
    return cap === undefined ? undefined : Math.min(cap, most)
  }

  /** The smallest learned cap that the server refused. `Infinity` if it refused no cap. */
  get refusedCap(): number {
    return this.#refusedCap
  }

  /** Factor by which an answer needs more room than the first guess, from 1. */
  get room(): number {
    return this.#budget.room
  }

  /** Expected output tokens for a pack. `undefined` before the first answer. */
  expectedOutput(pack: readonly Entry<unknown>[]): number | undefined {
    return this.#budget.expected(pack.length)
  }

  /** Estimated tokens of a pack's whole prompt. */
  promptTokens(pack: readonly Entry<unknown>[]): number {
    return this.#estimator.prompt(pack.length, bytesOf(pack))
  }

  /** Number of tokens that a pack's whole prompt hardly ever exceeds. */
  longestPrompt(pack: readonly Entry<unknown>[]): number {
    const records = pack.reduce((sum, { text }) => sum + mostTokens(text), 0)
    // The fixed part is known after the API has counted one prompt.
    const rest = this.#hasCounted
      ? this.#estimator.prompt(pack.length, 0) * FIXED_MARGIN
      : mostTokens(this.#fixedText) + FRAME_TOKENS * (pack.length + 1)
    return Math.ceil(records + rest)
  }

  /** Learns from a finished request. Returns its usage, counted by the API or estimated. */
  learn(pack: readonly Entry<unknown>[], cap: number | undefined, run: FinishedRequest<unknown>): Usage {
    const { end, usage, isUsageEarly, elements } = run
    const taken = usage && !isUsageEarly ? usage : larger(this.#estimate(pack, run), usage)
    if (usage) {
      this.#estimator.observe(pack.length, bytesOf(pack), usage.input)
      this.#hasCounted = true
    }
    if (end.kind === 'cap_refused') {
      this.#budget.refuse()
      this.#refusedCap = Math.min(this.#refusedCap, cap ?? Infinity)
    }
    if (end.kind === 'context') {
      // Packs become smaller, but not if one record alone was too long.
      const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
      const smaller = Math.ceil(Math.min(tokens, this.#packTokens) * SHRINK_FACTOR)
      this.#packTokens = pack.length > 1 ? smaller : this.#most.maxTokens
    }
    // Some servers never report the usage. The estimate for a complete answer is good enough.
    const isCut = end.kind === 'length'
    if ((usage && !isUsageEarly) || isCut || end.kind === 'complete') {
      const { output, reasoning } = taken
      this.#budget.observe({ output, reasoning, elements, isCut, isFinal: isCut && end.isFinal })
    }
    return taken
  }

  /** Estimates the usage that the API did not report. */
  #estimate(
    pack: readonly Entry<unknown>[],
    { end, hasBegun, events, characters }: FinishedRequest<unknown>,
  ): Usage {
    // The server probably read the prompt of a request that missed a deadline.
    const isMissed = end.kind === 'failure' && end.error.code.endsWith('_timeout')
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    // Usually each token has one event. Only the events show the tokens of reasoning.
    return {
      input: hasBegun || isMissed ? this.promptTokens(pack) : 0,
      output: Math.max(this.#estimator.text(answerLength), events.text) + events.thought,
      cached: 0,
      reasoning: events.thought,
    }
  }
}

/** The estimate for an answer whose count came too early, and so is too small. */
function larger(estimate: Usage, counted: Usage | undefined): Usage {
  if (!counted) return estimate
  return {
    input: counted.input || estimate.input,
    cached: counted.cached,
    output: Math.max(counted.output, estimate.output),
    reasoning: Math.max(counted.reasoning, estimate.reasoning),
  }
}

/**
 * Number of tokens that a text hardly ever exceeds: one for two bytes of ASCII (prose has one for
 * four), and one for each other byte.
 */
function mostTokens(text: string): number {
  const bytes = Buffer.byteLength(text)
  const ascii = text.replace(/[^\x00-\x7f]+/g, '').length
  return bytes - ascii / 2
}

function bytesOf(pack: readonly Entry<unknown>[]): number {
  return pack.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
}
