/**
 * Questions that wait for others to share a request with. They follow from answers, so they come a
 * few at a time, and a request for each of them would cost as much as a full pack.
 */
export class Company<T> {
  readonly #full: number
  readonly #longest: number
  #items: T[] = []
  /** Number of requests that had ended when the first item came. */
  #since: number | undefined

  /**
   * @param full Number of items that need no more company.
   * @param longest Number of requests that may end while an item waits.
   */
  constructor(full: number, longest: number) {
    this.#full = full
    this.#longest = longest
  }

  add(item: T): void {
    this.#items.push(item)
  }

  /**
   * Takes the items out if they have waited long enough.
   *
   * @param ended Number of requests that have ended.
   * @param isNow Whether waiting brings no company.
   */
  take(ended: number, isNow: boolean): T[] {
    if (this.#items.length === 0) return []
    this.#since ??= ended
    const isDue = isNow || this.#items.length >= this.#full || ended - this.#since >= this.#longest
    if (!isDue) return []
    this.#since = undefined
    return this.#items.splice(0)
  }
}
