import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import { largestCap, OutputBudget } from './output-budget.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import type { PackLimits } from '../packing/packer.ts'
import { frame } from '../request/prompt.ts'
import type { ResultFormat } from '../request/result-format.ts'
import { TokenEstimator, type TokenCounter } from './token-estimator.ts'

/** Requests that the server may refuse in a row before none is taken to be about its records. */
const MAX_REFUSED = 20
/** How much longer the fixed part of a prompt may be than what was learned of it. */
const FIXED_MARGIN = 1.2
/** What may frame a record, or all of them with the schema, in tokens. */
const FRAME_TOKENS = 24
/** How much smaller packs become when one was longer than the model's context. */
const SHRINK = 0.7

/** What does not change while a stream learns. */
export interface LearningRules {
  /** The system message. */
  readonly system: string
  readonly format: Pick<ResultFormat<unknown>, 'jsonSchema'>
  /** `undefined`: tokens are estimated. */
  readonly countTokens: TokenCounter | undefined
  readonly maxPackTokens: number
  readonly maxPackRecords: number
  /** The largest output cap that the user allows. `undefined`: the model's own. */
  readonly maxOutputTokens: number | undefined
}

/** What the answers so far tell of the next requests: how long prompts and answers are, and what a pack may hold. */
export class Learning {
  readonly #countTokens: TokenCounter | undefined
  readonly #estimator: TokenEstimator
  readonly #budget: OutputBudget
  readonly #most: PackLimits
  /** What stands in every prompt. */
  readonly #fixedText: string
  /** Tokens of records in one pack: less than the user's where the model's context has no room for so many. */
  #packTokens: number
  /** Whether the API has counted a prompt. */
  #hasCounted = false
  #hasSucceeded = false
  /** Requests that the server refused as such since it took one. */
  #refusedInARow = 0
  /** The learned cap that the server refused; `Infinity`: none. */
  #refusedCap = Infinity

  constructor(rules: LearningRules) {
    const { countTokens, maxOutputTokens, maxPackTokens, maxPackRecords, system, format } = rules
    this.#countTokens = countTokens
    this.#fixedText = system + JSON.stringify(format.jsonSchema)
    this.#estimator = new TokenEstimator(Buffer.byteLength(this.#fixedText))
    this.#budget = new OutputBudget(maxOutputTokens)
    this.#most = { maxTokens: maxPackTokens, maxItems: maxPackRecords }
    this.#packTokens = maxPackTokens
  }

  /** Tokens of a record's text and the tags around it. */
  weigh(text: string): number {
    const { maxItems } = this.#most
    return this.#countTokens ? this.#countTokens(frame(text, maxItems)) : this.#estimator.record(text)
  }

  /** What a pack may hold. */
  get limits(): PackLimits {
    return {
      maxTokens: this.#packTokens,
      maxItems: Math.min(this.#most.maxItems, this.#budget.maxRecords),
    }
  }

  /**
   * The output cap for a pack; `undefined`: none, the model's own.
   *
   * @param largestRequest Tokens that may be charged to one request at all.
   */
  capFor(pack: readonly Entry<unknown>[], largestRequest: number): number | undefined {
    const needsMaxCap = pack.some((entry) => entry.needsMaxCap)
    const cap = needsMaxCap ? this.#budget.maxCap : this.#budget.capFor(pack.length)
    const most = needsMaxCap ? Math.floor(largestRequest) : largestCap(largestRequest)
    return cap === undefined ? undefined : Math.min(cap, most)
  }

  /** Whether the server has taken requests like these, and not refused too many in a row since. */
  get isProven(): boolean {
    return this.#hasSucceeded && this.#refusedInARow < MAX_REFUSED
  }

  /** A cap that the user did not choose and that the server refused: none is sent any more. `Infinity` if it did not. */
  get refusedCap(): number {
    return this.#refusedCap
  }

  /** How much more room an answer needs than was thought at first. */
  get room(): number {
    return this.#budget.room
  }

  /** Output tokens that a pack should take; `undefined` before anything is known. */
  expectedOutput(pack: readonly Entry<unknown>[]): number | undefined {
    return this.#budget.expected(pack.length)
  }

  /** Tokens of a pack's whole prompt. */
  promptTokens(pack: readonly Entry<unknown>[]): number {
    return this.#estimator.prompt(pack.length, bytesOf(pack))
  }

  /** Tokens that a pack's whole prompt will hardly pass. */
  longestPrompt(pack: readonly Entry<unknown>[]): number {
    const records = pack.reduce((sum, { text }) => sum + mostTokens(text), 0)
    // What is the same in every prompt has been counted by the API with the first.
    const rest = this.#hasCounted
      ? this.#estimator.prompt(pack.length, 0) * FIXED_MARGIN
      : mostTokens(this.#fixedText) + FRAME_TOKENS * (pack.length + 1)
    return Math.ceil(records + rest)
  }

  /** Learns from a finished request. Returns what it took: as the API counted, or an estimate where it did not. */
  learn(pack: readonly Entry<unknown>[], cap: number | undefined, run: FinishedRequest<unknown>): Usage {
    const { end, usage, elements } = run
    const taken = usage ?? this.#estimate(pack, run)
    if (end.kind === 'complete') {
      this.#hasSucceeded = true
      this.#refusedInARow = 0
    } else if (end.kind === 'bad_record') {
      this.#refusedInARow += 1
    }
    if (usage) {
      this.#estimator.observe(pack.length, bytesOf(pack), usage.input)
      this.#hasCounted = true
    }
    if (end.kind === 'cap_refused') {
      this.#budget.refuse()
      this.#refusedCap = Math.min(this.#refusedCap, cap ?? Infinity)
    }
    if (end.kind === 'context') {
      // Smaller packs from now on; unless it was the fault of one record.
      const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
      const smaller = Math.ceil(Math.min(tokens, this.#packTokens) * SHRINK)
      this.#packTokens = pack.length > 1 ? smaller : this.#most.maxTokens
    }
    // Some servers never count. What they wrote to an end is known well enough.
    const isCut = end.kind === 'length'
    if (usage || isCut || end.kind === 'complete') {
      const { output, reasoning } = taken
      this.#budget.observe({ output, reasoning, elements, isCut, isFinal: isCut && end.isFinal })
    }
    return taken
  }

  /** What a request took that the API did not count. */
  #estimate(
    pack: readonly Entry<unknown>[],
    { end, hasBegun, events, characters }: FinishedRequest<unknown>,
  ): Usage {
    // A prompt that was given up was read all the same.
    const isMissed = end.kind === 'failure' && end.error.code.endsWith('_timeout')
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    // Mostly there is an event for each token, and of thoughts nothing else is known.
    return {
      input: hasBegun || isMissed ? this.promptTokens(pack) : 0,
      output: Math.max(this.#estimator.text(answerLength), events.text) + events.thought,
      cached: 0,
      reasoning: events.thought,
    }
  }
}

/** Tokens that a text will hardly pass: one for two bytes of ASCII, where prose has one for four, and one for each other byte. */
function mostTokens(text: string): number {
  const bytes = Buffer.byteLength(text)
  const ascii = text.replace(/[^\x00-\x7f]+/g, '').length
  return bytes - ascii / 2
}

function bytesOf(pack: readonly Entry<unknown>[]): number {
  return pack.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
}
