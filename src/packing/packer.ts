/** An item with its share of the token budget. */
export interface Weighed {
  readonly tokens: number
}

export interface PackLimits {
  /** Largest number of tokens in one pack. A larger item leaves alone. */
  readonly maxTokens: number
  /** Largest number of items in one pack. */
  readonly maxItems: number
}

interface OpenPack<T> {
  readonly items: T[]
  tokens: number
  /** Time at which the pack leaves, also if no other pack is behind it. */
  due: number
}

/** Time for which a full pack waits for the next pack. A file or a batch fills it in that time. */
const FULL_WAIT_MS = 10

/**
 * Fills packs in order. It has no clock and no timer. The caller passes the time.
 *
 * A full pack leaves when a second full pack is behind it. So at the end of a fast input there are
 * several packs left, and the packer makes them equally large instead of leaving a small last pack.
 * A full pack waits at most `FULL_WAIT_MS` for the second pack.
 */
export class Packer<T extends Weighed> {
  #limits: PackLimits
  readonly #lingerMs: number
  /** Packs that may leave at once. */
  #due: T[][] = []
  /** Packs that wait for more items. Only the last pack can take more. */
  #waiting: OpenPack<T>[] = []

  constructor(limits: PackLimits, lingerMs: number) {
    this.#limits = limits
    this.#lingerMs = lingerMs
  }

  get limits(): PackLimits {
    return this.#limits
  }

  /** Sets new limits, also for the waiting items. */
  setLimits(limits: PackLimits, now: number): void {
    const isSame = limits.maxItems === this.#limits.maxItems && limits.maxTokens === this.#limits.maxTokens
    if (isSame) return
    this.#limits = limits
    this.#due = this.#due.flatMap((items) => partition(items, limits))
    const waiting = this.#waiting.splice(0)
    for (const { items, due } of waiting) for (const item of items) this.#add(item, now, due)
  }

  /**
   * Puts an item into the last pack. If it does not fit, it begins a new pack.
   *
   * @param due Time at which the item has waited long enough.
   */
  add(item: T, now: number, due = now + this.#lingerMs): void {
    this.#add(item, now, due)
  }

  #add(item: T, now: number, due: number): void {
    let last = this.#waiting.at(-1)
    if (last && fits(last, item, this.#limits)) {
      last.items.push(item)
      last.tokens += item.tokens
    } else {
      if (last) last.due = Math.min(last.due, now + FULL_WAIT_MS)
      last = { items: [item], tokens: item.tokens, due }
      this.#waiting.push(last)
    }
    if (isFull(last, this.#limits)) last.due = Math.min(last.due, now + FULL_WAIT_MS)
  }

  /** Lets all waiting items leave at once, in packs of about the same size. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const items = this.#waiting.flatMap((pack) => pack.items)
    this.#due.push(...evenOut(items, this.#limits))
    this.#waiting = []
  }

  /** The next pack that may leave now, if there is one. */
  take(now: number): T[] | undefined {
    if (this.#due.length > 0) return this.#due.shift()
    return this.hasReserve || now >= this.nextDue ? this.#waiting.shift()?.items : undefined
  }

  get isEmpty(): boolean {
    return this.#due.length === 0 && this.#waiting.length === 0
  }

  /** Whether a pack gains nothing by waiting, so that the caller should stop reading. */
  get hasReserve(): boolean {
    if (this.#due.length > 0 || this.#waiting.length > 2) return true
    const second = this.#waiting[1]
    return second !== undefined && isFull(second, this.#limits)
  }

  /** Time at which the first pack has waited long enough. `Infinity` if no pack waits. */
  get nextDue(): number {
    return this.#waiting[0]?.due ?? Infinity
  }
}

function fits(
  pack: { items: readonly unknown[]; tokens: number },
  item: Weighed,
  limits: PackLimits,
): boolean {
  return pack.items.length < limits.maxItems && pack.tokens + item.tokens <= limits.maxTokens
}

function isFull(pack: OpenPack<unknown>, limits: PackLimits): boolean {
  return pack.items.length >= limits.maxItems || pack.tokens >= limits.maxTokens
}

/** Splits a pack that is too large into two halves. */
export function halve<T>(pack: readonly T[]): [T[], T[]] {
  const half = Math.ceil(pack.length / 2)
  return [pack.slice(0, half), pack.slice(half)]
}

/**
 * Cuts a list into packs. Each pack is filled up to the limits before the next pack begins.
 *
 * @param packCount Number of packs. No pack takes more than an equal share of the rest.
 */
function partition<T extends Weighed>(items: readonly T[], limits: PackLimits, packCount = 1): T[][] {
  const packs: T[][] = []
  let pack = { items: [] as T[], tokens: 0 }
  let maxItems = 0
  items.forEach((item, i) => {
    if (!fits(pack, item, { ...limits, maxItems })) {
      pack = { items: [], tokens: 0 }
      const share = Math.ceil((items.length - i) / Math.max(1, packCount - packs.length))
      maxItems = Math.min(limits.maxItems, share)
      packs.push(pack.items)
    }
    pack.items.push(item)
    pack.tokens += item.tokens
  })
  return packs
}

/** Cuts a list into the smallest number of packs, of about the same size. */
export function evenOut<T extends Weighed>(items: readonly T[], limits: PackLimits): T[][] {
  let best = partition(items, limits)
  if (best.length <= 1) return best
  const tightest = { ...limits }
  let tooSmall = 0
  let enough = 1
  // Find the smallest share of both limits that needs no more packs, to a thousandth.
  while (enough - tooSmall > 0.001) {
    const share = (tooSmall + enough) / 2
    const tighter = { maxTokens: limits.maxTokens * share, maxItems: Math.ceil(limits.maxItems * share) }
    const packs = partition(items, tighter)
    if (packs.length > best.length) {
      tooSmall = share
    } else {
      enough = share
      best = packs
      Object.assign(tightest, tighter)
    }
  }
  // The first packs are full now. Equal numbers of items are better, if they need no more packs.
  const equal = partition(items, tightest, best.length)
  return equal.length > best.length ? best : equal
}
