/** Numbers in the same bin differ by less than this share. */
const STEP = 0.01
const WIDTH = Math.log1p(STEP)
const LEAST = 1e-3
const BINS = Math.ceil(Math.log(1e9 / LEAST) / WIDTH)

/** A range of values, and the number of values in it. */
export type Bin = [from: number, to: number, count: number]

/** Quantiles of any number of values, to 1%, in a fixed amount of memory. */
export class Histogram {
  readonly #bins = new Float64Array(BINS)
  #count = 0
  #least = Infinity
  #most = 0

  get count(): number {
    return this.#count
  }

  /** @param value Above 0 and finite. */
  add(value: number): void {
    const bin = Math.floor(Math.log(value / LEAST) / WIDTH)
    const at = Math.min(Math.max(bin, 0), BINS - 1)
    this.#bins[at] = (this.#bins[at] ?? 0) + 1
    this.#count += 1
    this.#least = Math.min(this.#least, value)
    this.#most = Math.max(this.#most, value)
  }

  /** The smallest value that is not less than this share of all values. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    const bin = this.#bins.findIndex((count) => (seen += count) >= rank)
    const middle = LEAST * Math.exp((bin + 0.5) * WIDTH)
    return Math.min(Math.max(middle, this.#least), this.#most)
  }

  /** The numbers of values in at most `most` ranges, from the least value to the greatest. */
  ranges(most: number): Bin[] {
    if (this.#count === 0) return []
    const first = this.#bins.findIndex((count) => count > 0)
    const last = this.#bins.findLastIndex((count) => count > 0)
    const width = Math.ceil((last - first + 1) / most)
    return Array.from({ length: Math.ceil((last - first + 1) / width) }, (_, i) => {
      const from = first + i * width
      const count = this.#bins.slice(from, from + width).reduce((sum, some) => sum + some, 0)
      return [edge(from), edge(from + width), count]
    })
  }
}

/** The lower end of a bin. */
function edge(bin: number): number {
  return LEAST * Math.exp(bin * WIDTH)
}
