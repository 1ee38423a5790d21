/** Share of the output cap that a pack's answer should be expected to fill; the rest is room for longer results. */
const EXPECTED_FILL = 0.7
/** How much the newest answer weighs in the mean. */
const NEWEST = 0.3

/** Learns how many output tokens one result takes, to tell how many records fit under the output cap. */
export class OutputSize {
  #tokensPerElement: number | undefined

  /** Learns from one answer. One that was cut before its first element closed says that an element is at least as long. */
  observe(outputTokens: number, elements: number): void {
    const size = outputTokens / Math.max(elements, 1)
    // Some servers count nothing.
    if (!(size > 0 && size < Infinity)) return
    this.#tokensPerElement =
      this.#tokensPerElement === undefined
        ? size
        : this.#tokensPerElement + NEWEST * (size - this.#tokensPerElement)
  }

  /** How many records a pack may hold so that its answer fits; `Infinity` before anything is known. */
  recordsWithin(maxOutputTokens: number): number {
    if (this.#tokensPerElement === undefined) return Infinity
    return Math.max(1, Math.floor((maxOutputTokens * EXPECTED_FILL) / this.#tokensPerElement))
  }
}
