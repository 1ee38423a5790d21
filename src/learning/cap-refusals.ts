/**
 * Remembers which output caps the server accepts and refuses. No other place decides whether the
 * stream may send a cap that it made itself: from the length of results, from a rate limit, or from
 * the rest of `maxCost`.
 *
 * The words of a refusal are not reliable, so only the caps count. A refused cap that is not larger
 * than an accepted cap does not fit beside one prompt, and says nothing about other requests.
 */
export class CapRefusals {
  /** The largest accepted cap. */
  #accepted = 0
  /** The smallest refused cap that is larger than all accepted caps. `Infinity`: none. */
  #refused = Infinity
  /** Number of times that a clearly smaller cap was refused, while no cap was accepted. */
  #steps = 0

  /** The smallest cap that is too large for every request. `Infinity` if it is not known. */
  get tooLarge(): number {
    return this.#refused
  }

  /** Whether the server has accepted about as large a cap. */
  hasAccepted(cap: number): boolean {
    return cap <= 2 * this.#accepted
  }

  allows(cap: number): boolean {
    if (this.#refused === Infinity || cap <= this.#accepted) return true
    // A server that refuses two different caps and accepts none does not know the field.
    if (this.#accepted === 0) return this.#steps < 2 && cap <= this.#refused / 2
    return cap <= (this.#accepted + this.#refused) / 2
  }

  accept(cap: number): void {
    this.#accepted = Math.max(this.#accepted, cap)
    if (this.#refused <= this.#accepted) this.forgive()
  }

  refuse(cap: number): void {
    if (cap <= this.#accepted) return
    if (cap <= this.#refused / 2) this.#steps += 1
    this.#refused = Math.min(this.#refused, cap)
  }

  /** The server refused a request for another reason than its cap. */
  forgive(): void {
    this.#refused = Infinity
    this.#steps = 0
  }
}
