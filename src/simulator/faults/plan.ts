import { hashText, mix } from '../hash.ts'
import { findRecords } from '../answer/records.ts'
import type { FaultKind, FaultName, PoisonKind } from './kinds.ts'
import type { ResolvedFaults } from './options.ts'
import { type Random, randomFrom } from './random.ts'

/** One fault of a request: the name under which it counts, and its kind. */
export type Fault = {
  name: FaultName
  kind: FaultKind | PoisonKind
  /**
   * Ids of the records whose elements have the fault. Without ids, the elements are chosen at
   * random.
   */
  ids?: ReadonlySet<string>
}

/**
 * The faults of one request. `random` decides the details. Only poison can give more than one
 * fault.
 */
export type Plan = { faults: readonly Fault[]; random: Random; chunks: 'tokens' | 'random' }

/** A plan without faults. */
export const soundPlan: Plan = { faults: [], random: () => 0, chunks: 'tokens' }

/**
 * Number of messages that the plan remembers. It drops the messages that were seen longest ago;
 * their count starts at 0 again.
 */
const remembered = 50_000

/**
 * Decides the faults of each request from its last user message and the number of times that the
 * message has come before. So each repetition of a request gets a new decision, and the order of
 * different requests does not matter.
 */
export class FaultPlan {
  readonly #faults: ResolvedFaults
  /**
   * Number of times that each message was seen, by its hash. The message that was seen last is at
   * the end.
   */
  readonly #seen = new Map<number, number>()

  constructor(faults: ResolvedFaults) {
    this.#faults = faults
  }

  next(message: string): Plan {
    const { seed, rates, poison, chunks } = this.#faults
    const hash = hashText(message)
    const random = randomFrom(mix(mix(hash, seed), this.#timesSeen(hash, message.length)))
    const drawn = draw(rates, random())
    const poisoned = poison.length === 0 ? [] : poisonOf(poison, message)
    return { faults: poisoned.length > 0 ? poisoned : drawn, random, chunks }
  }

  #timesSeen(hash: number, length: number): number {
    // The length is a second key beside the hash, because different texts sometimes have the same
    // 32-bit hash.
    const key = hash + (length % 2 ** 20) * 2 ** 32
    const times = this.#seen.get(key) ?? 0
    this.#seen.delete(key)
    this.#seen.set(key, times + 1)
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= remembered) break
      this.#seen.delete(oldest)
    }
    return times
  }
}

function draw(rates: ResolvedFaults['rates'], drawn: number): Fault[] {
  let left = drawn
  for (const [kind, share] of rates) {
    left -= share
    if (left < 0) return [{ name: kind, kind }]
  }
  return []
}

/** Kinds that affect single elements. Several of them can apply to one request. */
const ofElements: readonly PoisonKind[] = ['content_filter', 'invalid', 'missing']

function poisonOf(poison: ResolvedFaults['poison'], message: string): Fault[] {
  const { records } = findRecords(message)
  const matching = poison.flatMap(([kind, pattern]): (Fault & { kind: PoisonKind })[] => {
    const ids = new Set(records.filter(({ text }) => pattern.test(text)).map(({ id }) => id))
    return ids.size === 0 ? [] : [{ name: `poison_${kind}`, kind, ids }]
  })
  const ofAll = matching.find(({ kind }) => !ofElements.includes(kind))
  return ofAll === undefined ? matching : [ofAll]
}
