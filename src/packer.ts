/** What the packer needs to know of an item: its share of the token budget. */
interface Weighed {
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
  /** When its first item came, by the caller's clock. */
  readonly since: number
}

/**
 * Fills packs in order. It owns no clock and no timer: it is told the time, and says when to ask again.
 *
 * A full pack leaves when a second full pack stands behind it. So at the end of the input there is always one to
 * share with, and the last packs can be evened out rather than leaving a runt. Neither waits longer than `linger`.
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

  /** New limits, also for what waits already. */
  set limits(limits: PackLimits) {
    const isSame = limits.maxItems === this.#limits.maxItems && limits.maxTokens === this.#limits.maxTokens
    if (isSame) return
    this.#limits = limits
    const since = this.#waiting[0]?.since ?? 0
    const items = this.#waiting.flatMap((pack) => pack.items)
    this.#waiting = partition(items, limits).map((items) => ({ items, tokens: tokensOf(items), since }))
    this.#due = this.#due.flatMap((items) => partition(items, limits))
  }

  /** Puts an item into the last pack, or, if it does not fit there, into a new one. */
  add(item: T, now: number): void {
    const last = this.#waiting.at(-1)
    if (last && fits(last, item, this.#limits)) {
      last.items.push(item)
      last.tokens += item.tokens
    } else {
      this.#waiting.push({ items: [item], tokens: item.tokens, since: now })
    }
  }

  /** Makes everything that waits leave as soon as it is asked for, in packs of about the same size. */
  flush(): void {
    this.#due.push(
      ...evenOut(
        this.#waiting.flatMap((pack) => pack.items),
        this.#limits,
      ),
    )
    this.#waiting = []
  }

  /** The next pack that should be sent at this time, if any. */
  take(now: number): T[] | undefined {
    const due = this.#due.shift()
    if (due) return due
    return this.hasReserve || now >= this.nextDue ? this.#waiting.shift()?.items : undefined
  }

  /** A pack may leave whatever the time, and nothing is gained by waiting: time to stop reading until it has left. */
  get hasReserve(): boolean {
    const [, second, third] = this.#waiting
    return (
      this.#due.length > 0 || third !== undefined || (second !== undefined && isFull(second, this.#limits))
    )
  }

  /** When the first waiting pack has lingered long enough; `Infinity` while nothing waits. */
  get nextDue(): number {
    const first = this.#waiting[0]
    return first ? first.since + this.#linger : Infinity
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

function tokensOf(items: readonly Weighed[]): number {
  return items.reduce((sum, item) => sum + item.tokens, 0)
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
