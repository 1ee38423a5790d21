import type { Entry } from '../record/entry.ts'
import { Mix } from './mix.ts'
import { halve, type PackLimits } from './packer.ts'
import { PartitionedPacker } from './partitioned-packer.ts'
import { RetryQueue } from './retry-queue.ts'

export interface NextPack<R> {
  readonly pack: readonly Entry<R>[]
  /** Whether the records were sent before. */
  readonly isRetry: boolean
}

/** Decides which pack leaves next. Records that are sent again leave before new records. */
export class PackQueue<R> {
  readonly #mix: Mix<Entry<R>>
  readonly #packer: PartitionedPacker<Entry<R>>
  readonly #retries = new RetryQueue<R>()
  /** The pack that leaves next. */
  #next: NextPack<R> | undefined

  /**
   * @param maxWaiting Largest number of new records that wait for more records.
   * @param mix Number of records whose order is drawn before they are packed. 0: none.
   */
  constructor(limits: PackLimits, lingerMs: number, maxWaiting: number, mix = 0) {
    this.#mix = new Mix(mix, lingerMs)
    this.#packer = new PartitionedPacker(limits, lingerMs, maxWaiting)
  }

  setLimits(limits: PackLimits, now: number): void {
    this.#putBack()
    this.#packer.setLimits(limits, now)
  }

  add(entry: Entry<R>, now: number): void {
    if (entry.isAudit) {
      // It has a key of its own, so it waits for no other record. The keys take turns.
      this.#packer.add(entry, now, now)
      return
    }
    this.#mix.add(entry, now)
    if (this.#mix.isFull) this.#pour(now)
  }

  /** Passes the records of the mix on. They have waited there already. */
  #pour(now: number): void {
    const { due } = this.#mix
    for (const entry of this.#mix.take()) this.#packer.add(entry, now, due)
  }

  addAgain(entries: readonly Entry<R>[]): void {
    if (entries.length === 0) return
    this.#putBack()
    this.#retries.add(entries)
  }

  /** Puts the next pack back, so that its records are packed again, with later records. */
  #putBack(): void {
    if (this.#next?.isRetry) this.#retries.add(this.#next.pack)
    else if (this.#next) this.#packer.putBack(this.#next.pack)
    this.#next = undefined
  }

  /** Makes all packs leave that wait for more records. */
  flush(now: number): void {
    this.#pour(now)
    this.#packer.flush(now)
  }

  /** The next pack. It stays the same until `drop()`, `halve()`, `addAgain()` or `setLimits()`. */
  peek(now: number): NextPack<R> | undefined {
    if (this.#next) return this.#next
    if (this.#mix.due <= now) this.#pour(now)
    const { maxTokens, maxItems } = this.#packer.limits
    const again = this.#retries.take(maxTokens, maxItems)
    const pack = again ?? this.#packer.take(now)
    this.#next = pack && { pack, isRetry: again !== undefined }
    return this.#next
  }

  /** A record alone as the next pack, also if it would wait for more records. */
  peekAlone(now: number): NextPack<R> | undefined {
    if (this.#next?.pack.length === 1) return this.#next
    this.#putBack()
    this.flush(now)
    const next = this.peek(now)
    // The last record, because bad records are often neighbours.
    if (next && next.pack.length > 1) this.#split(next, next.pack.slice(-1), next.pack.slice(0, -1))
    return this.#next
  }

  /** The next pack has left. */
  drop(): void {
    this.#next = undefined
  }

  /** The next pack is too large. Its first half becomes the next pack. */
  halve(): void {
    if (!this.#next || this.#next.pack.length === 1) return
    const [half, rest] = halve(this.#next.pack)
    for (const entry of this.#next.pack) entry.maxCompany = half.length
    this.#split(this.#next, half, rest)
  }

  /** Puts a part of the next pack back. */
  #split({ isRetry }: NextPack<R>, pack: readonly Entry<R>[], rest: readonly Entry<R>[]): void {
    if (isRetry) this.#retries.add(rest)
    else this.#packer.putBack(rest)
    this.#next = { pack, isRetry }
  }

  /** Whether no record waits. */
  get isEmpty(): boolean {
    return !this.#next && this.#retries.isEmpty && this.#mix.isEmpty && this.#packer.isEmpty
  }

  /**
   * Whether a pack gains nothing by waiting, so that the caller should stop reading. The next pack
   * does not count: while it waits, for example for a rate limit, the packs behind it can fill.
   */
  get hasReserve(): boolean {
    return this.#packer.hasReserve
  }

  /** Time at which the first records have waited long enough for more records. */
  get nextDue(): number {
    return Math.min(this.#mix.due, this.#packer.nextDue)
  }
}
