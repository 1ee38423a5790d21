/** Share of an output cap that an answer is expected to fill. The rest is for longer results. */
export const EXPECTED_FILL = 0.7
/** Weight of the newest answer in the mean. */
const NEWEST_WEIGHT = 0.3
/** Factor by which the longest answer and additional room decrease with each answer. */
const FADING_FACTOR = 0.98
/** Factors between the expected answer and a learned cap. The factor doubles after a cut. */
const FIRST_ROOM = 2
const MOST_ROOM = 16
/** Tokens of `{"results":[]}` around the elements, with a margin. */
const FRAME_TOKENS = 32

/** Share of the largest request that a rate limit allows. A cap may take this share. */
const LIMIT_SHARE = 1 / 4

/** The size of one answer, in tokens. */
interface AnswerSize {
  readonly output: number
  /** Part of `output` that the model spent on reasoning. */
  readonly reasoning: number
  /** Number of elements that closed. */
  readonly elements: number
  readonly isCut: boolean
  /** Whether the answer was cut at the largest cap. */
  readonly isFinal: boolean
}

/**
 * Learns how many output tokens one result takes. So it knows how many records fit under a cap, and
 * which cap a pack needs.
 */
export class OutputBudget {
  /** The largest cap that the user allows. `undefined`: the model's cap, which is not known. */
  readonly maxCap: number | undefined
  #tokensPerElement: number | undefined
  /** The mean size of an element, in the answer with the longest elements. Fades. */
  #longestElement = 0
  /** The longest reasoning of one answer. Fades. */
  #longestReasoning = 0
  #room = FIRST_ROOM
  /** The model's cap. Known when two answers without another cap were cut at the same length. */
  #modelCap = Infinity
  /** Length of the last answer that was cut at the largest cap. */
  #lastCut = 0

  constructor(maxCap: number | undefined) {
    this.maxCap = maxCap
  }

  /** Largest number of output tokens of an answer. `Infinity` if it is not known. */
  get #largest(): number {
    return this.maxCap ?? this.#modelCap
  }

  /** Learns from one answer. An answer that was cut in its first element gives a lower bound. */
  observe({ output, reasoning, elements, isCut, isFinal }: AnswerSize): void {
    const size = (output - reasoning) / Math.max(elements, 1)
    if (isFinal) {
      // The model's cap is always the same. Another cut, such as at the end of a small context,
      // says nothing about the next answer.
      if (output > 0 && output === this.#lastCut) this.#modelCap = output
      this.#lastCut = output
    }
    if (output > this.#modelCap) this.#modelCap = Infinity
    // After a cut, the additional room fades again, because providers charge rate limits for it.
    if (isCut && !isFinal) this.#room = Math.min(this.#room * 2, MOST_ROOM)
    else this.#room = Math.max(this.#room * FADING_FACTOR, FIRST_ROOM)
    this.#longestReasoning = Math.max(reasoning, this.#longestReasoning * FADING_FACTOR)
    // Some servers report no usage.
    if (!(size > 0 && size < Infinity)) return
    // A cut answer without an element gives a lower bound. Another answer without an element, such
    // as a refusal, gives no information.
    if (elements === 0 && (!isCut || size <= (this.#tokensPerElement ?? 0))) return
    this.#longestElement = Math.max(size, this.#longestElement * FADING_FACTOR)
    this.#tokensPerElement =
      this.#tokensPerElement === undefined
        ? size
        : this.#tokensPerElement + NEWEST_WEIGHT * (size - this.#tokensPerElement)
  }

  /** The longest reasoning of one answer, in tokens. 0 if no answer has shown any. */
  get longestReasoning(): number {
    return Math.ceil(this.#longestReasoning)
  }

  /** Factor by which an answer needs more room than the first guess, from 1. */
  get room(): number {
    return this.#room / FIRST_ROOM
  }

  /** The cap for a pack with this number of records. Before the first answer, the largest cap. */
  capFor(records: number): number | undefined {
    if (this.#tokensPerElement === undefined) return this.maxCap
    const elements = records * this.#tokensPerElement + this.#longestElement
    const cap = capFor(elements + this.#longestReasoning, this.#room)
    return cap < this.#largest ? cap : this.maxCap
  }

  /** Expected output tokens for this number of records. `undefined` before the first answer. */
  expected(records: number): number | undefined {
    return this.#tokensPerElement === undefined
      ? undefined
      : records * this.#tokensPerElement + this.#longestReasoning
  }

  /** Largest number of records for one answer. `Infinity` before the first answer. */
  get maxRecords(): number {
    if (this.#tokensPerElement === undefined) return Infinity
    return recordsUnder(this.#largest, this.#longestReasoning, this.#tokensPerElement)
  }
}

/**
 * The output cap for an answer.
 *
 * @param expected Expected tokens of the answer, with one additional long element.
 */
export function capFor(expected: number, room = FIRST_ROOM): number {
  return Math.ceil(room * expected + FRAME_TOKENS)
}

/**
 * Largest number of records whose answer fits under a cap, at least 1.
 *
 * @param fixed Tokens of the answer outside the elements.
 */
export function recordsUnder(cap: number, fixed: number, tokensPerElement: number): number {
  return Math.max(1, Math.floor((cap * EXPECTED_FILL - fixed) / tokensPerElement))
}

/**
 * The largest cap for a request whose records do not need a larger cap. With it, other requests
 * need not wait for a minute.
 *
 * @param largestRequest Largest number of tokens that one request may be charged.
 */
export function largestCap(largestRequest: number): number {
  return Math.floor(largestRequest * LIMIT_SHARE)
}
