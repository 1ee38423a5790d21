/** Numbers in the same bin differ by less than this share. */
const STEP = 0.01
const WIDTH = Math.log1p(STEP)
const LEAST = 1e-3
const BINS = Math.ceil(Math.log(1e9 / LEAST) / WIDTH)

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
}
