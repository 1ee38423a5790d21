/** What the packer needs to know of an item: its share of the token budget. */
export interface Weighed {
  readonly tokens: number
}

export interface PackLimits {
  /** Tokens in one pack. An item larger than that travels alone. */
  readonly maxTokens: number
  /** Items in one pack. */
  readonly maxItems: number
}

interface OpenPack<T> {
  readonly items: T[]
  tokens: number
  /** When it leaves, whatever stands behind it, by the caller's clock. */
  due: number
}

/** How long a full pack waits for the next to fill, in ms. Files and fetched batches give their next records within it. */
const FULL_WAIT = 10

/**
 * Fills packs in order. It owns no clock and no timer: it is told the time, and says when to ask again.
 *
 * A full pack leaves when a second full one stands behind it. So a source that is fast always leaves one to share with at
 * its end, and the last packs can be evened out rather than leaving a runt. It waits no longer than `FULL_WAIT` for that.
 */
export class Packer<T extends Weighed> {
  #limits: PackLimits
  readonly #linger: number
  /** Packs that may leave at once, whatever comes behind them. */
  #due: T[][] = []
  /** Packs that still wait for company; only the last one can take more. */
  #waiting: OpenPack<T>[] = []

  constructor(limits: PackLimits, linger: number) {
    this.#limits = limits
    this.#linger = linger
  }

  get limits(): PackLimits {
    return this.#limits
  }

  /** Sets new limits, also for what waits already. */
  setLimits(limits: PackLimits, now: number): void {
    const isSame = limits.maxItems === this.#limits.maxItems && limits.maxTokens === this.#limits.maxTokens
    if (isSame) return
    this.#limits = limits
    this.#due = this.#due.flatMap((items) => partition(items, limits))
    const waiting = this.#waiting.splice(0)
    for (const { items, due } of waiting) for (const item of items) this.#add(item, now, due)
  }

  /** Puts an item into the last pack, or, if it does not fit there, into a new one. */
  add(item: T, now: number): void {
    this.#add(item, now, now + this.#linger)
  }

  #add(item: T, now: number, due: number): void {
    let last = this.#waiting.at(-1)
    if (last && fits(last, item, this.#limits)) {
      last.items.push(item)
      last.tokens += item.tokens
    } else {
      if (last) last.due = Math.min(last.due, now + FULL_WAIT)
      last = { items: [item], tokens: item.tokens, due }
      this.#waiting.push(last)
    }
    if (isFull(last, this.#limits)) last.due = Math.min(last.due, now + FULL_WAIT)
  }

  /** Makes everything that waits leave as soon as it is asked for, in packs of about the same size. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const items = this.#waiting.flatMap((pack) => pack.items)
    this.#due.push(...evenOut(items, this.#limits))
    this.#waiting = []
  }

  /** The next pack that should be sent at this time, if any. */
  take(now: number): T[] | undefined {
    const due = this.#due.shift()
    if (due) return due
    return this.hasReserve || now >= this.nextDue ? this.#waiting.shift()?.items : undefined
  }

  get isEmpty(): boolean {
    return this.#due.length === 0 && this.#waiting.length === 0
  }

  /** A pack may leave whatever the time, and nothing is gained by waiting: time to stop reading until it has left. */
  get hasReserve(): boolean {
    const [, second, third] = this.#waiting
    return (
      this.#due.length > 0 || third !== undefined || (second !== undefined && isFull(second, this.#limits))
    )
  }

  /** When the first waiting pack has waited long enough; `Infinity` while nothing waits. */
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

/** The two halves of a pack that cannot leave whole. */
export function halve<T>(pack: readonly T[]): [T[], T[]] {
  const half = Math.ceil(pack.length / 2)
  return [pack.slice(0, half), pack.slice(half)]
}

/**
 * Cuts a list into packs, each filled up to the limits before the next one is opened. With a number of packs, none takes
 * more than an equal share of the items that are left.
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

/** Cuts a list into as few packs as the limits allow, of about the same size. */
export function evenOut<T extends Weighed>(items: readonly T[], limits: PackLimits): T[][] {
  let best = partition(items, limits)
  if (best.length <= 1) return best
  const tightest = { ...limits }
  let tooSmall = 0
  let enough = 1
  // The smallest share of both limits that needs no more packs, to a thousandth.
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
  // That fills the first ones to the brim. If equal numbers do as well, better.
  const equal = partition(items, tightest, best.length)
  return equal.length > best.length ? best : equal
}
