import type { Usage } from '../api/answer.ts'
import { textsOf, type Entry } from '../record/entry.ts'
import { CapRefusals } from './cap-refusals.ts'
import { largestCap, OutputBudget } from './output-budget.ts'
import { isAccepted, type FinishedRequest } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { PackLimits } from '../packing/packer.ts'
import { idAt } from '../request/ids.ts'
import { frame } from '../request/prompt.ts'
import type { ResultFormat } from '../request/result-format.ts'
import { PackSize } from './pack-size.ts'
import { TokenEstimator, type TokenCounter } from './token-estimator.ts'

/** Factor by which the fixed part of a prompt may be longer than its learned length. */
const FIXED_MARGIN = 1.2
/** Largest number of tokens around one record, or around all records and the schema. */
const FRAME_TOKENS = 24

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
  /** Largest number of records in one pack: the user's, or less after a step of the audit. */
  #maxRecords: number
  /** An id that is at least as long as the ids of a pack. */
  readonly #longestId: number
  /** The text that every prompt has. */
  readonly #fixedText: string
  readonly #packSize: PackSize
  /** Whether the API has counted a prompt. */
  #hasCounted = false
  readonly #caps = new CapRefusals()

  constructor(rules: LearningRules) {
    const { countTokens, maxOutputTokens, maxPackTokens, maxPackRecords, system, format } = rules
    this.#countTokens = countTokens
    this.#fixedText = system + JSON.stringify(format.jsonSchema)
    this.#estimator = new TokenEstimator(Buffer.byteLength(this.#fixedText))
    this.#budget = new OutputBudget(maxOutputTokens)
    this.#maxRecords = maxPackRecords
    this.#longestId = idAt(rules.examples + maxPackRecords - 1)
    this.#packSize = new PackSize(maxPackTokens)
  }

  /** Tokens of a record's text and the tags around it. */
  weigh(text: string): number {
    return this.#countTokens ? this.#countTokens(frame(text, this.#longestId)) : this.#estimator.record(text)
  }

  /** The limits of a pack. */
  get limits(): PackLimits {
    return {
      maxTokens: this.#packSize.limit,
      maxItems: Math.min(this.#maxRecords, this.#budget.maxRecords),
    }
  }

  /** Lowers the number of records in one pack for the rest of the stream. */
  limitRecords(most: number): void {
    this.#maxRecords = Math.min(this.#maxRecords, most)
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
    if (cap === undefined) return undefined
    if (this.mayCap(pack, Math.min(cap, most))) return Math.min(cap, most)
    // Instead of a refused cap, the user's cap.
    const { maxCap } = this.#budget
    return maxCap !== undefined && maxCap <= most ? maxCap : undefined
  }

  /** Whether the server is expected to accept a cap. The user's own cap is always sent. */
  mayCap(pack: readonly Entry<unknown>[], cap: number): boolean {
    if (cap === this.#budget.maxCap) return true
    return this.#caps.allows(cap) && !pack.some((entry) => entry.needsNoCap)
  }

  /** The smallest cap that is too large for every request. `Infinity` if it is not known. */
  get refusedCap(): number {
    return this.#caps.tooLarge
  }

  /**
   * Returns the end that counts: a request that is refused without a word becomes a refused cap if
   * the stream made the cap and the server has accepted no cap that is about as large.
   */
  judge(end: RequestEnd, pack: readonly Entry<unknown>[], cap: number | undefined): RequestEnd {
    if (end.kind !== 'refused_request') return end
    if (pack.some((entry) => entry.needsNoCap)) this.#caps.forgive()
    const isOurs = cap !== undefined && cap !== this.#budget.maxCap
    return end.isSilent && isOurs && !this.#caps.hasAccepted(cap)
      ? { kind: 'cap_refused', error: end.error }
      : end
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

  /**
   * Number of tokens that a pack's whole prompt hardly ever exceeds. A tokenizer has a token for
   * every byte. Lists of digits come near to it. Prose has a token for four bytes.
   */
  longestPrompt(pack: readonly Entry<unknown>[]): number {
    const texts = bytesOf(pack)
    const frames = textsOf(pack).length
    // The fixed part is known after the API has counted one prompt.
    const rest = this.#hasCounted
      ? this.#estimator.prompt(pack.length, 0) * FIXED_MARGIN
      : Buffer.byteLength(this.#fixedText) + FRAME_TOKENS * (frames + 1)
    return Math.ceil(texts + rest)
  }

  /** Learns from a finished request. Returns its usage, counted by the API or estimated. */
  learn(pack: readonly Entry<unknown>[], cap: number | undefined, run: FinishedRequest<unknown>): Usage {
    const { end, usage, isUsageEarly, elements } = run
    const taken = usage && !isUsageEarly ? usage : larger(this.#estimate(pack, cap, run), usage)
    if (usage) {
      this.#estimator.observe(pack.length, bytesOf(pack), usage.input)
      this.#hasCounted = true
    }
    if (cap !== undefined && end.kind === 'cap_refused') this.#caps.refuse(cap)
    if (cap !== undefined && cap !== this.#budget.maxCap && isAccepted(run)) this.#caps.accept(cap)
    const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
    if (end.kind === 'context') this.#packSize.refuse(tokens, pack.length === 1)
    if (end.kind === 'complete') this.#packSize.accept(tokens)
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
    cap: number | undefined,
    { end, hasBegun, events, characters }: FinishedRequest<unknown>,
  ): Usage {
    // The server probably read the prompt of a request that missed a deadline.
    const isMissed = end.kind === 'failure' && end.error.code.endsWith('_timeout')
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    // Without any token until the deadline, the model probably reasoned, and may have done so up to
    // the cap. Some servers do not stream the reasoning.
    const isSilent = isMissed && events.text + events.thought === 0
    // Usually each token has one event. Only the events show the tokens of reasoning.
    const written = Math.max(this.#estimator.text(answerLength), events.text) + events.thought
    // A model that has reasoned before, and whose reasoning is not streamed, has probably reasoned.
    const unseen = hasBegun && events.thought === 0 ? this.#budget.longestReasoning : 0
    const hidden = Math.min(unseen, Math.max(0, (cap ?? Infinity) - written))
    return {
      input: hasBegun || isMissed ? this.promptTokens(pack) : 0,
      output: isSilent ? (cap ?? written + hidden) : written + hidden,
      cached: 0,
      reasoning: events.thought + (isSilent && cap !== undefined ? 0 : hidden),
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

function bytesOf(pack: readonly Entry<unknown>[]): number {
  return textsOf(pack).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
