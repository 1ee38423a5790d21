import { hashText, mix } from '../hash.ts'
import { findRecords } from '../answer/records.ts'
import type { FaultKind, FaultName, PoisonKind } from './kinds.ts'
import type { ResolvedFaults } from './options.ts'
import { type Random, randomFrom } from './random.ts'

/** One fault that hits a request: the name it is counted under, and what is done. */
export type Fault = {
  name: FaultName
  kind: FaultKind | PoisonKind
  /** Ids of the records whose own elements are hit; without them, which are hit is left to chance. */
  ids?: ReadonlySet<string>
}

/** What becomes of one request; `random` decides the details. More than one fault only if all are poison. */
export type Plan = { faults: readonly Fault[]; random: Random; chunks: 'tokens' | 'random' }

/** Nothing goes wrong. */
export const soundPlan: Plan = { faults: [], random: () => 0, chunks: 'tokens' }

/** How many messages are remembered; the ones seen longest ago go first, and count from 0 again. */
const remembered = 50_000

/**
 * Decides the faults of each request from its last user message and how often that has come before. So a request
 * that is sent again is decided anew, and the order in which different requests arrive plays no part.
 */
export class FaultPlan {
  readonly #faults: ResolvedFaults
  /** Times seen, by a message's hash, the one seen last at the end. */
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
    // The length beside the hash keeps apart what 32 bits alone would now and then mix up.
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

/** Kinds that concern single elements: they go together. */
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
