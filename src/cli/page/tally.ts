import { Reservoir } from '../measure/reservoir.ts'
import { numberOf, start, valueText } from './value-text.ts'

/** Different values of a column that are counted apart. */
const MOST_VALUES = 1_000
/** Numbers that are kept for a chart. */
const NUMBERS = 1_000
/** Length to which two values are compared, in characters. */
const COMPARED = 200

/** Counts the values of a column, in a bounded amount of memory. */
export class Tally {
  readonly #counts = new Map<string, number>()
  readonly #numbers = new Reservoir<number>(NUMBERS)
  /** Values, and values that are not among the counted ones. */
  total = 0
  uncounted = 0
  /** Their characters. */
  characters = 0

  add(value: unknown): void {
    this.total += 1
    const number = numberOf(value) ?? NaN
    if (Number.isFinite(number)) this.#numbers.offer(() => number)
    const text = start(valueText(value), COMPARED)
    this.characters += text.length
    const count = this.#counts.get(text)
    if (count === undefined && this.#counts.size >= MOST_VALUES) this.uncounted += 1
    else this.#counts.set(text, (count ?? 0) + 1)
  }

  /** Different values that are counted. */
  get different(): number {
    return this.#counts.size
  }

  /** The values and how often each came, the commonest first. */
  get counts(): [value: string, count: number][] {
    return [...this.#counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  }

  /** A sample of the numbers, if all values are numbers. */
  get numbers(): number[] | undefined {
    return this.total > 0 && this.#numbers.seen === this.total ? this.#numbers.values : undefined
  }
}
