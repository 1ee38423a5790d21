import type { Reason } from '../../files/index.ts'
import { adviceFor } from './advice.ts'
import { Counts, generalReason } from './reasons.ts'

const EXAMPLES = 3

/** A reason, and what to do about it. */
export interface RejectedReason<T> {
  readonly code: string
  /** The message without the parts that are different in each record. */
  readonly reason: string
  readonly count: number
  readonly advice: string
  readonly examples: readonly T[]
}

/** Groups rejected records by reason, with their first examples, in bounded memory. */
export class RejectedReasons<T> {
  readonly #groups = new Counts(() => ({ code: '', examples: [] as T[] }))
  /** Records of all reasons. */
  count = 0

  /** @param example Makes an example. It runs only for an example that is kept. */
  add(reason: Reason, example: () => T): void {
    this.count += 1
    const group = this.#groups.add(`${reason.code}: ${generalReason(reason)}`)
    // Only the last group has several codes.
    group.code ||= reason.code
    if (group.examples.length < EXAMPLES) group.examples.push(example())
  }

  /** The most frequent reasons first. */
  get list(): RejectedReason<T>[] {
    return this.#groups.list.map(({ reason, count, code, examples }) => {
      const isOne = reason.startsWith(`${code}: `)
      return isOne
        ? { code, reason: reason.slice(code.length + 2), count, advice: adviceFor(code), examples }
        : { code: 'other', reason: 'all further reasons', count, advice: '', examples }
    })
  }
}
