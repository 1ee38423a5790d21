/** What the packer needs to know of an item: its share of the token budget. */
interface Weighed {
  readonly tokens: number
}

export interface PackLimits {
  /** Tokens in one pack. An item larger than that travels alone. */
  maxTokens: number
  /** Items in one pack. */
  maxItems: number
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
  readonly limits: PackLimits
  readonly #linger: number
  /** Packs that may leave at once, whatever comes behind them. */
  #due: T[][] = []
  /** Packs that still wait for company; only the last one can take more. */
  #waiting: OpenPack<T>[] = []

  constructor(limits: PackLimits, linger: number) {
    this.limits = limits
    this.#linger = linger
  }

  /** Puts an item into the last pack, or, if it does not fit there, into a new one. */
  add(item: T, now: number): void {
    const last = this.#waiting.at(-1)
    if (last && fits(last, item, this.limits)) {
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
        this.limits,
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

  /** A full pack waits with another full one behind it: time to stop reading until one has left. */
  get hasReserve(): boolean {
    const [, second, third] = this.#waiting
    return third !== undefined || (second !== undefined && isFull(second, this.limits))
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

/** Cuts a list into packs, each filled up to the limits before the next one is opened. */
function partition<T extends Weighed>(items: readonly T[], limits: PackLimits): T[][] {
  const packs: { items: T[]; tokens: number }[] = []
  for (const item of items) {
    const last = packs.at(-1)
    if (last && fits(last, item, limits)) {
      last.items.push(item)
      last.tokens += item.tokens
    } else {
      packs.push({ items: [item], tokens: item.tokens })
    }
  }
  return packs.map((pack) => pack.items)
}

/** Cuts a list into as few packs as the limits allow, and makes the largest of them as small as that number allows. */
export function evenOut<T extends Weighed>(items: readonly T[], limits: PackLimits): T[][] {
  let best = partition(items, limits)
  let tooSmall = 0
  let enough = 1
  // The smallest share of both limits that needs no more packs, to a thousandth.
  while (enough - tooSmall > 0.001) {
    const share = (tooSmall + enough) / 2
    const packs = partition(items, {
      maxTokens: limits.maxTokens * share,
      maxItems: Math.ceil(limits.maxItems * share),
    })
    if (packs.length > best.length) {
      tooSmall = share
    } else {
      enough = share
      best = packs
    }
  }
  return best
}
