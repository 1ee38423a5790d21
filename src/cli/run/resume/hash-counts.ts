import type { Hash } from '../../rows/identity.ts'

/** Numbers in a slot: a hash and its count. */
const SLOT = 4
const SHARDS = 256
/** Slots of a new shard. */
const FEWEST_SLOTS = 8
/** Share of the slots that may be taken. More of them would make the search slow. */
const MOST_TAKEN = 0.75
const GROWTH = 1.5

/**
 * Counts hashes, in 16 bytes a slot outside of the heap of JavaScript. Equal hashes share a slot:
 * a million equal records are one count. Each shard grows by itself, so that the memory for old and
 * new slots together stays small.
 */
export class HashCounts {
  readonly #shards: Shard[] = []

  /** Memory of the slots, in bytes. */
  get bytes(): number {
    return this.#shards.reduce((sum, { slots }) => sum + slots.byteLength, 0)
  }

  add(hash: Hash): void {
    this.#shardOf(hash).add(hash)
  }

  has(hash: Hash): boolean {
    return this.#shardOf(hash).count(hash) > 0
  }

  /** Takes one off the count of a hash. Returns false if the count is 0. */
  take(hash: Hash): boolean {
    return this.#shardOf(hash).take(hash)
  }

  #shardOf(hash: Hash): Shard {
    const at = hash[0] % SHARDS
    return (this.#shards[at] ??= new Shard())
  }
}

class Shard {
  slots = new Uint32Array(FEWEST_SLOTS * SLOT)
  #taken = 0

  count(hash: Hash): number {
    return this.#at(this.#find(hash) + 3)
  }

  take(hash: Hash): boolean {
    const at = this.#find(hash) + 3
    const count = this.#at(at)
    if (count > 0) this.slots[at] = count - 1
    return count > 0
  }

  add(hash: Hash): void {
    if (this.#taken >= (this.slots.length / SLOT) * MOST_TAKEN) this.#grow()
    const slot = this.#find(hash)
    if (this.#isFree(slot)) {
      this.slots.set(hash, slot)
      this.#taken += 1
    }
    this.slots[slot + 3] = this.#at(slot + 3) + 1
  }

  #grow(): void {
    const old = this.slots
    this.slots = new Uint32Array(Math.ceil((old.length / SLOT) * GROWTH) * SLOT)
    for (let at = 0; at < old.length; at += SLOT) {
      const hash = [old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0] as const
      if (hash.every((part) => part === 0)) continue
      const slot = this.#find(hash)
      this.slots.set(hash, slot)
      this.slots[slot + 3] = old[at + 3] ?? 0
    }
  }

  /** The slot of a hash, or the free slot for it. */
  #find([a, b, c]: Hash): number {
    const { slots } = this
    let at = (b % (slots.length / SLOT)) * SLOT
    while (!this.#isFree(at) && (slots[at] !== a || slots[at + 1] !== b || slots[at + 2] !== c)) {
      at = at + SLOT === slots.length ? 0 : at + SLOT
    }
    return at
  }

  /** A slot whose count fell to 0 keeps its hash: the search for other hashes goes over it. */
  #isFree(at: number): boolean {
    const { slots } = this
    return slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0
  }

  #at(at: number): number {
    return this.slots[at] ?? 0
  }
}
