import type { RequestEnd } from '../answer/request-end.ts'
import type { Entry } from '../record/entry.ts'

/**
 * Number of records that may be refused alone in a row before the stream blames the request itself.
 * A part of the input may be bad, and a changed server should not cost more records.
 */
const MAX_REFUSED = 40
/** The same number, as long as the server has accepted no request. */
const MAX_REFUSED_AT_FIRST = 2

/**
 * Decides whether a refused request is the fault of a record, or of the request itself. In the
 * second case no other request can succeed.
 *
 * A record is guilty if the server accepts other requests. As long as the server has accepted
 * nothing, a refusal casts doubt on all requests. Then the records of refused requests are held
 * back, and other records are asked alone, until the server accepts one, or has refused two.
 */
export class Suspicion<R> {
  #hasAccepted = false
  /** Whether the server has accepted such requests before, in another run. */
  #isAssumed = (): boolean => false
  /** Number of records that the server refused alone since it last accepted a request. */
  #refusedAlone = 0
  /** Records that are held back and were not refused alone. */
  #held: Entry<R>[] = []
  /** Records that are held back and were refused alone. */
  #heldAlone: Entry<R>[] = []

  /** @param when Whether the server has accepted such requests before. Called at a refusal. */
  assumeAccepted(when: () => boolean): void {
    const before = this.#isAssumed
    this.#isAssumed = () => before() || when()
  }

  /** Whether the server has accepted a request. */
  get hasAccepted(): boolean {
    return this.#hasAccepted || this.#isAssumed()
  }

  /** Whether only a record alone may leave, when no request is running. */
  get isInDoubt(): boolean {
    return !this.hasAccepted && this.#held.length + this.#heldAlone.length > 0
  }

  /** The server has accepted a request. Returns the records that were held back. */
  accept(): Entry<R>[] {
    this.#hasAccepted = true
    this.#refusedAlone = 0
    return [...this.#held.splice(0), ...this.#heldAlone.splice(0)]
  }

  /**
   * Returns the end that counts: fatal if the request itself is refused.
   *
   * @param isLast Whether no other request runs, so that the server can accept nothing meanwhile.
   * @param hasOthers Whether there are records that do not belong to this request.
   */
  judge(end: RequestEnd, pack: readonly Entry<R>[], isLast: boolean, hasOthers: boolean): RequestEnd {
    if (end.kind !== 'refused_request') return end
    if (pack.length === 1) this.#refusedAlone += 1
    if (this.hasAccepted) return this.#refusedAlone > MAX_REFUSED ? { ...end, kind: 'fatal' } : end
    const isOnlyRecord = pack.length === 1 && !hasOthers && this.#held.length === 0
    const isEnough = isOnlyRecord || this.#refusedAlone >= MAX_REFUSED_AT_FIRST
    return isLast && isEnough ? { ...end, kind: 'fatal' } : end
  }

  /** Holds the records of a refused request back. */
  hold(entries: readonly Entry<R>[]): void {
    const held = entries.length === 1 ? this.#heldAlone : this.#held
    held.push(...entries)
  }

  /**
   * The record to ask alone if no other records wait: the last of a refused request, then its
   * first, because guilty records are often neighbours.
   */
  next(): Entry<R>[] {
    const next = this.#refusedAlone === 0 ? this.#held.pop() : this.#held.shift()
    return [next ?? this.#heldAlone.shift()].filter((entry) => entry !== undefined)
  }
}
