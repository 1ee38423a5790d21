import { findRecords } from '../answer/records.ts'
import { mix } from '../hash.ts'
import { Repetitions } from '../repetitions.ts'
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
 * Decides the faults of each request from its last user message and the number of times that the
 * message has come before. So each repetition of a request gets a new decision, and the order of
 * different requests does not matter.
 */
export class FaultPlan {
  readonly #faults: ResolvedFaults
  readonly #repetitions = new Repetitions(50_000)

  constructor(faults: ResolvedFaults) {
    this.#faults = faults
  }

  next(message: string): Plan {
    const { seed, rates, poison, chunks } = this.#faults
    const { hash, times } = this.#repetitions.next(message)
    const random = randomFrom(mix(mix(hash, seed), times))
    const drawn = draw(rates, random())
    const poisoned = poison.length === 0 ? [] : poisonOf(poison, message)
    return { faults: poisoned.length > 0 ? poisoned : drawn, random, chunks }
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
