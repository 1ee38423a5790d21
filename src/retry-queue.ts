import type { Entry } from './entry.ts'

/** Records to be asked again, oldest first, in packs that are no larger than each of their records allows. */
export class RetryQueue<R> {
  #entries: Entry<R>[] = []

  add(entries: readonly Entry<R>[]): void {
    if (entries.length === 0) return
    this.#entries = [...this.#entries, ...entries].sort((a, b) => a.index - b.index)
  }

  /** The next pack, if there is one. */
  take(maxTokens: number, maxRecords: number): Entry<R>[] | undefined {
    let company = maxRecords
    let tokens = 0
    let count = 0
    for (const entry of this.#entries) {
      company = Math.min(company, entry.maxCompany)
      tokens += entry.tokens
      if (count > 0 && (count >= company || tokens > maxTokens)) break
      count += 1
    }
    return count > 0 ? this.#entries.splice(0, count) : undefined
  }
}
