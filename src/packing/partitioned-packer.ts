import { evenOut, Packer, type PackLimits, type Weighed } from './packer.ts'

/** What is packed apart from others. */
interface Partitioned extends Weighed {
  readonly partition: string | undefined
}

/** A packer for each key that has something waiting, so that items of different keys never share a pack. */
export class Partitions<T extends Partitioned> {
  #limits: PackLimits
  readonly #linger: number
  readonly #maxWaiting: number
  /** In the order of their turns: the newest key is last, and so is one that a pack has left. */
  readonly #packers = new Map<string | undefined, Packer<T>>()
  /** Packs that were taken and put back. */
  #returned: (readonly T[])[] = []
  #waiting = 0

  /** @param maxWaiting How many items of all keys may wait for company; the oldest leave when there are more. */
  constructor(limits: PackLimits, linger: number, maxWaiting: number) {
    this.#limits = limits
    this.#linger = linger
    this.#maxWaiting = maxWaiting
  }

  get limits(): PackLimits {
    return this.#limits
  }

  /** Sets new limits, also for what waits already. */
  setLimits(limits: PackLimits, now: number): void {
    this.#limits = limits
    this.#returned = this.#returned.flatMap((pack) => evenOut(pack, limits))
    for (const packer of this.#packers.values()) packer.setLimits(limits, now)
  }

  add(item: T, now: number): void {
    let packer = this.#packers.get(item.partition)
    if (!packer) {
      packer = new Packer(this.#limits, this.#linger)
      this.#packers.set(item.partition, packer)
    }
    packer.add(item, now)
    this.#waiting += 1
  }

  /** Puts a pack that was taken before all others. */
  putBack(pack: readonly T[]): void {
    this.#returned.unshift(pack)
    this.#waiting += pack.length
  }

  /** Makes everything that waits leave as soon as it is asked for. */
  flush(): void {
    for (const packer of this.#packers.values()) packer.flush()
  }

  /** The next pack that should be sent at this time, if any. */
  take(now: number): readonly T[] | undefined {
    const pack = this.#returned.shift() ?? this.#takeNew(now)
    if (pack) this.#waiting -= pack.length
    return pack
  }

  #takeNew(now: number): T[] | undefined {
    const [oldest] = this.#packers.values()
    if (this.#isCrowded) oldest?.flush()
    for (const [key, packer] of this.#packers) {
      const pack = packer.take(now)
      if (!pack) continue
      // Behind the others, so that a busy key keeps none of them waiting.
      this.#packers.delete(key)
      if (!packer.isEmpty) this.#packers.set(key, packer)
      return pack
    }
    return undefined
  }

  get #isCrowded(): boolean {
    return this.#packers.size > 1 && this.#waiting >= this.#maxWaiting
  }

  /** A pack may leave whatever the time, and nothing is gained by waiting: time to stop reading until it has left. */
  get hasReserve(): boolean {
    if (this.#isCrowded) return true
    for (const packer of this.#packers.values()) if (packer.hasReserve) return true
    return false
  }

  /** When the first waiting pack has waited long enough; `Infinity` while nothing waits. */
  get nextDue(): number {
    let due = Infinity
    for (const packer of this.#packers.values()) due = Math.min(due, packer.nextDue)
    return due
  }
}
