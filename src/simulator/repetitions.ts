import { hashText } from './hash.ts'

/** One arrival of a message: the message's hash, and how often the message came before. */
type Arrival = { hash: number; times: number }

/**
 * Counts how often each message has come. Numbers that are drawn from a message's hash and count do
 * not depend on the order in which different messages come.
 */
export class Repetitions {
  /**
   * Number of times that each message was seen, by its hash. The message that was seen last is at
   * the end.
   */
  readonly #seen = new Map<number, number>()

  readonly #remembered: number

  /**
   * @param remembered Number of messages to remember. The messages that were seen longest ago are
   *   dropped; their count starts at 0 again.
   */
  constructor(remembered: number) {
    this.#remembered = remembered
  }

  next(message: string): Arrival {
    const hash = hashText(message)
    // The length is a second key beside the hash, because different texts sometimes have the same
    // 32-bit hash.
    const key = hash + (message.length % 2 ** 20) * 2 ** 32
    const times = this.#seen.get(key) ?? 0
    this.#seen.delete(key)
    this.#seen.set(key, times + 1)
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= this.#remembered) break
      this.#seen.delete(oldest)
    }
    return { hash, times }
  }
}
