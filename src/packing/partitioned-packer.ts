import TinyQueue from 'tinyqueue'
import { evenOut, Packer, type PackLimits, type Weighed } from './packer.ts'

/** An item with a key. Only items with the same key share a pack. */
interface Partitioned extends Weighed {
  readonly partition: string | undefined
}

/** The packer of one key. */
interface Lane<T extends Partitioned> {
  readonly key: string | undefined
  readonly packer: Packer<T>
  /** Place in the round. A new lane comes last. A lane that has just sent a pack comes last too. */
  turn: number
  /** Whether the lane is in `#ready`. */
  isReady: boolean
  /** The packer's `hasReserve`, as counted in `#reserves`. */
  hasReserve: boolean
  /** The time that `#dues` holds for the lane. `Infinity`: none, or a time that has passed. */
  due: number
}

/** The time at which a lane's first pack has waited long enough. */
interface Due<T extends Partitioned> {
  readonly lane: Lane<T>
  readonly at: number
  /** The lane's turn. If two lanes are due at the same time, the older lane comes first. */
  readonly turn: number
}

/** Number of stale entries that the heap of due times may always hold. */
const MIN_STALE_DUES = 64

/** Whether the lane still has that time. A lane that has closed has none. */
const isCurrent = ({ lane, at }: Due<Partitioned>): boolean => at === lane.due

const dueFirst = (a: Due<Partitioned>, b: Due<Partitioned>): number => a.at - b.at || a.turn - b.turn

/**
 * A packer for each key with waiting items, so that items of different keys never share a pack.
 *
 * The work for one item does not grow with the number of keys. One heap holds the lanes with a pack
 * that may leave. Another heap holds the times of the lanes. An entry of a heap may be out of date,
 * so the lane's packer decides.
 */
export class PartitionedPacker<T extends Partitioned> {
  #limits: PackLimits
  readonly #lingerMs: number
  readonly #maxWaiting: number
  readonly #lanes = new Map<string | undefined, Lane<T>>()
  /** Lanes with a pack that may leave, in the order of their turns. */
  readonly #ready = new TinyQueue<Lane<T>>([], (a, b) => a.turn - b.turn)
  /** Times at which lanes become ready without another item. */
  #dues = new TinyQueue<Due<T>>([], dueFirst)
  /** Lanes with items that came after the last flush. */
  readonly #unflushed = new Set<Lane<T>>()
  /** Number of lanes with a reserve. */
  #reserves = 0
  #nextTurn = 0
  /** Packs that were taken and put back. The last of them leaves next. */
  #returned: (readonly T[])[] = []
  /** Number of waiting items, including the items of `#returned`. */
  #waiting = 0

  /**
   * @param lingerMs Time for which a pack waits for more items, from its first item.
   * @param maxWaiting Number of waiting items, of all keys, at which the oldest pack leaves,
   *   full or not.
   */
  constructor(limits: PackLimits, lingerMs: number, maxWaiting: number) {
    this.#limits = limits
    this.#lingerMs = lingerMs
    this.#maxWaiting = maxWaiting
  }

  get limits(): PackLimits {
    return this.#limits
  }

  /** Sets new limits, also for waiting items. A flushed lane gets them when it is used next. */
  setLimits(limits: PackLimits, now: number): void {
    if (limits.maxItems === this.#limits.maxItems && limits.maxTokens === this.#limits.maxTokens) return
    this.#limits = limits
    this.#returned = this.#returned.flatMap((pack) => evenOut(pack, limits).reverse())
    for (const lane of this.#unflushed) {
      lane.packer.setLimits(limits, now)
      this.#update(lane, now)
    }
  }

  /** @param due Time at which the item has waited long enough. */
  add(item: T, now: number, due?: number): void {
    const lane = this.#lanes.get(item.partition) ?? this.#open(item.partition)
    lane.packer.setLimits(this.#limits, now)
    lane.packer.add(item, now, due)
    this.#waiting += 1
    this.#unflushed.add(lane)
    this.#update(lane, now)
  }

  /** Puts back a pack that was taken. It leaves next. */
  putBack(pack: readonly T[]): void {
    this.#returned.push(pack)
    this.#waiting += pack.length
  }

  /** Lets all waiting items leave at once. */
  flush(now: number): void {
    for (const lane of this.#unflushed) this.#flush(lane, now)
  }

  /** The next pack that may leave now, if there is one. */
  take(now: number): readonly T[] | undefined {
    const pack = this.#returned.pop() ?? this.#takeNew(now)
    if (pack) this.#waiting -= pack.length
    return pack
  }

  get isEmpty(): boolean {
    return this.#waiting === 0
  }

  /** Whether a pack gains nothing by waiting, so that the caller should stop reading. */
  get hasReserve(): boolean {
    return this.#isCrowded || this.#reserves > 0
  }

  /**
   * Time at which the next pack has waited long enough. `Infinity` if all waiting packs may leave
   * already.
   */
  get nextDue(): number {
    return this.#firstDue()?.at ?? Infinity
  }

  #takeNew(now: number): T[] | undefined {
    for (let due = this.#firstDue(); due && due.at <= now; due = this.#firstDue()) {
      this.#dues.pop()
      due.lane.due = Infinity
      this.#makeReady(due.lane)
    }
    const pack = this.#takeReady(now)
    if (pack || !this.#isCrowded) return pack
    // No lane is ready, so the oldest lane stops waiting for more items.
    // With an endless linger time, no lane has a due time. The first lane has the oldest items.
    const oldest = this.#firstDue()?.lane ?? this.#unflushed.values().next().value
    if (oldest) this.#flush(oldest, now)
    return this.#takeReady(now)
  }

  #takeReady(now: number): T[] | undefined {
    for (let lane = this.#ready.pop(); lane; lane = this.#ready.pop()) {
      lane.isReady = false
      lane.packer.setLimits(this.#limits, now)
      const pack = lane.packer.take(now)
      // The lane moves behind the others, so that a busy key does not keep them waiting.
      if (pack) lane.turn = this.#nextTurn++
      if (lane.packer.isEmpty) this.#close(lane)
      this.#update(lane, now)
      if (pack) return pack
    }
    return undefined
  }

  #open(key: string | undefined): Lane<T> {
    const packer = new Packer<T>(this.#limits, this.#lingerMs)
    const lane = { key, packer, turn: this.#nextTurn++, isReady: false, hasReserve: false, due: Infinity }
    this.#lanes.set(key, lane)
    return lane
  }

  #close(lane: Lane<T>): void {
    this.#lanes.delete(lane.key)
    this.#unflushed.delete(lane)
  }

  #flush(lane: Lane<T>, now: number): void {
    this.#unflushed.delete(lane)
    lane.packer.setLimits(this.#limits, now)
    lane.packer.flush()
    this.#update(lane, now)
  }

  /** Updates the heaps after a change in a lane's packer. */
  #update(lane: Lane<T>, now: number): void {
    const { hasReserve, nextDue } = lane.packer
    if (hasReserve !== lane.hasReserve) this.#reserves += hasReserve ? 1 : -1
    lane.hasReserve = hasReserve
    if (hasReserve || nextDue <= now) this.#makeReady(lane)
    const due = nextDue <= now ? Infinity : nextDue
    if (due === lane.due) return
    lane.due = due
    if (due === Infinity) return
    this.#dues.push({ lane, at: due, turn: lane.turn })
    if (this.#dues.length > 2 * this.#lanes.size + MIN_STALE_DUES) this.#dropStaleDues()
  }

  /** Drops the entries that are out of date, so that the heap does not outgrow the lanes. */
  #dropStaleDues(): void {
    this.#dues = new TinyQueue(this.#dues.data.filter(isCurrent), dueFirst)
  }

  #makeReady(lane: Lane<T>): void {
    if (lane.isReady) return
    lane.isReady = true
    this.#ready.push(lane)
  }

  /** The lane whose time comes first. */
  #firstDue(): Due<T> | undefined {
    for (let first = this.#dues.peek(); first; first = this.#dues.peek()) {
      if (isCurrent(first)) return first
      this.#dues.pop()
    }
    return undefined
  }

  get #isCrowded(): boolean {
    return this.#lanes.size > 1 && this.#waiting >= this.#maxWaiting
  }
}
