import type { Entry } from '../record/entry.ts'

/**
 * Records to be asked again, oldest first, in packs that are no larger than each of their records allows. Those that
 * were refused together, or among which a guilty one is looked for, stay among themselves, and so do those of one partition.
 */
export class RetryQueue<R> {
  #entries: Entry<R>[] = []

  add(entries: readonly Entry<R>[]): void {
    if (entries.length === 0) return
    this.#entries = [...this.#entries, ...entries].sort((a, b) => a.index - b.index)
  }

  /** The next pack, if there is one. */
  take(maxTokens: number, maxRecords: number): Entry<R>[] | undefined {
    const [first] = this.#entries
    if (!first) return undefined
    let company = maxRecords
    let tokens = 0
    const pack = new Set<Entry<R>>()
    for (const entry of this.#entries) {
      if (entry.group !== first.group || entry.partition !== first.partition) continue
      company = Math.min(company, entry.maxCompany)
      tokens += entry.tokens
      if (pack.size > 0 && (pack.size >= company || tokens > maxTokens)) break
      pack.add(entry)
    }
    this.#entries = this.#entries.filter((entry) => !pack.has(entry))
    return [...pack]
  }
}
