/** Share of an output cap that a pack's answer should be expected to fill; the rest is room for longer results. */
const EXPECTED_FILL = 0.7
/** How much the newest answer weighs in the mean. */
const NEWEST = 0.3
/** How fast the longest answer seen, and more room, are forgotten. */
const FADING = 0.98
/** Room in a learned cap: so many times what is expected, and it doubles when that was not enough. */
const ROOM = 2
const MOST_ROOM = 16
/** What frames the elements, `{"results":[]}`, and a little. */
const FRAME_TOKENS = 32

/** Of the largest request that a rate limit allows, a cap may have one part in so many. */
const LIMIT_SHARE = 4

/** What one answer took. */
interface AnswerSize {
  readonly output: number
  /** Of `output`: spent on thinking. */
  readonly reasoning: number
  /** Elements that closed. */
  readonly elements: number
  readonly isCut: boolean
  /** It was cut at the largest cap that may be sent. */
  readonly isFinal: boolean
}

/** Learns how many output tokens one result takes, to tell how many records fit under a cap, and what cap a pack needs. */
export class OutputBudget {
  /** The largest cap that may be sent; `undefined`: the model's own, which is not known. */
  readonly maxCap: number | undefined
  #tokensPerElement: number | undefined
  /** The most that an element took on average in one answer. */
  #longestElement = 0
  /** The most that thinking took in one answer. */
  #longestReasoning = 0
  #room = ROOM
  /** The model's own cap, once two answers were cut at it that had no other. */
  #modelCap = Infinity
  #lastCut = 0
  #isRefused = false

  constructor(maxCap: number | undefined) {
    this.maxCap = maxCap
  }

  /** The most output tokens that an answer can have, as far as is known. */
  get #largest(): number {
    return this.maxCap ?? this.#modelCap
  }

  /** Learns from one answer. One that was cut before its first element closed says that an element is at least as long. */
  observe({ output, reasoning, elements, isCut, isFinal }: AnswerSize): void {
    const size = (output - reasoning) / Math.max(elements, 1)
    if (isFinal) {
      // The model's cap is always the same: any other cut, as at the end of a small context, says nothing of the next.
      if (output > 0 && output === this.#lastCut) this.#modelCap = output
      this.#lastCut = output
    }
    if (output > this.#modelCap) this.#modelCap = Infinity
    // A surprise, or several in flight at once, is forgotten like the longest answer: room is charged to rate limits.
    if (isCut && !isFinal) this.#room = Math.min(this.#room * 2, MOST_ROOM)
    else this.#room = Math.max(this.#room * FADING, ROOM)
    this.#longestReasoning = Math.max(reasoning, this.#longestReasoning * FADING)
    // Some servers count nothing.
    if (!(size > 0 && size < Infinity)) return
    // Without an element, a cut answer gives only a lower bound, and any other, such as a refusal, not even that.
    if (elements === 0 && (!isCut || size <= (this.#tokensPerElement ?? 0))) return
    this.#longestElement = Math.max(size, this.#longestElement * FADING)
    this.#tokensPerElement =
      this.#tokensPerElement === undefined
        ? size
        : this.#tokensPerElement + NEWEST * (size - this.#tokensPerElement)
  }

  /** The server does not take a learned cap: none is sent any more. */
  refuse(): void {
    this.#isRefused = true
  }

  /** How much more room an answer needs than was thought at first. */
  get room(): number {
    return this.#room / ROOM
  }

  /** The cap for a pack of so many records; before anything is known, the largest. */
  capFor(records: number): number | undefined {
    if (this.#tokensPerElement === undefined || this.#isRefused) return this.maxCap
    const elements = records * this.#tokensPerElement + this.#longestElement
    const cap = capFor(elements + this.#longestReasoning, this.#room)
    return cap < this.#largest ? cap : this.maxCap
  }

  /** The output tokens that so many records should take; `undefined` before anything is known. */
  expected(records: number): number | undefined {
    return this.#tokensPerElement === undefined
      ? undefined
      : records * this.#tokensPerElement + this.#longestReasoning
  }

  /** How many records a pack may hold so that its answer fits; `Infinity` before anything is known. */
  get maxRecords(): number {
    if (this.#tokensPerElement === undefined) return Infinity
    return recordsUnder(this.#largest, this.#longestReasoning, this.#tokensPerElement)
  }
}

/** The output cap for an answer that is expected to take so many tokens, one long element more included. */
export function capFor(expected: number, room = ROOM): number {
  return Math.ceil(room * expected + FRAME_TOKENS)
}

/**
 * How many records a pack may hold so that its answer fits under a cap.
 *
 * @param fixed Tokens of the answer that are no element.
 */
export function recordsUnder(cap: number, fixed: number, tokensPerElement: number): number {
  return Math.max(1, Math.floor((cap * EXPECTED_FILL - fixed) / tokensPerElement))
}

/**
 * The largest cap that a request may have where no record needs more, so that the others need not
 * wait for a minute.
 *
 * @param largestRequest Tokens that one request may be charged at all.
 */
export function largestCap(largestRequest: number): number {
  return Math.floor(largestRequest / LIMIT_SHARE)
}
