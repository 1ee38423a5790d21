import type { Entry } from '../record/entry.ts'
import { halve, type PackLimits } from './packer.ts'
import { PartitionedPacker } from './partitioned-packer.ts'
import { RetryQueue } from './retry-queue.ts'

/** A pack, and whether its records were sent before. */
export interface NextPack<R> {
  readonly pack: readonly Entry<R>[]
  readonly isRetry: boolean
}

/** Which pack leaves next: records to be asked again go before new ones. */
export class PackQueue<R> {
  readonly #packer: PartitionedPacker<Entry<R>>
  readonly #retries = new RetryQueue<R>()
  /** The pack that leaves next, once it may. */
  #next: NextPack<R> | undefined

  /** @param maxWaiting How many new records may wait for company. */
  constructor(limits: PackLimits, linger: number, maxWaiting: number) {
    this.#packer = new PartitionedPacker(limits, linger, maxWaiting)
  }

  setLimits(limits: PackLimits): void {
    this.#putBack()
    this.#packer.setLimits(limits)
  }

  add(entry: Entry<R>, now: number): void {
    this.#packer.add(entry, now)
  }

  addAgain(entries: readonly Entry<R>[]): void {
    if (entries.length === 0) return
    this.#putBack()
    this.#retries.add(entries)
  }

  /** What was to leave next is packed with what has come or changed since. */
  #putBack(): void {
    if (this.#next?.isRetry) this.#retries.add(this.#next.pack)
    else if (this.#next) this.#packer.putBack(this.#next.pack)
    this.#next = undefined
  }

  /** Lets all that waits for company leave without. */
  flush(now: number): void {
    this.#packer.flush(now)
  }

  /** The next pack; the same one until it is dropped or halved, more is to be asked again, or the limits are set. */
  peek(now: number): NextPack<R> | undefined {
    if (this.#next) return this.#next
    const { maxTokens, maxItems } = this.#packer.limits
    const again = this.#retries.take(maxTokens, maxItems)
    const pack = again ?? this.#packer.take(now)
    this.#next = pack && { pack, isRetry: again !== undefined }
    return this.#next
  }

  /** The next pack has left. */
  drop(): void {
    this.#next = undefined
  }

  /** The next pack cannot leave as it is: half of it is next. */
  halve(): void {
    if (!this.#next || this.#next.pack.length === 1) return
    const { pack, isRetry } = this.#next
    const [half, rest] = halve(pack)
    for (const entry of pack) entry.maxCompany = half.length
    if (isRetry) this.#retries.add(rest)
    else this.#packer.putBack(rest)
    this.#next = { pack: half, isRetry }
  }

  /**
   * Packs wait for nothing but to leave: time to stop reading. The one that leaves next does not count, since others may be
   * filling behind it: what keeps it waiting, such as a rate limit, must not let them leave half full.
   */
  get hasReserve(): boolean {
    return this.#packer.hasReserve
  }

  /** When the first pack has waited long enough for company. */
  get nextDue(): number {
    return this.#packer.nextDue
  }
}
