import { chargeOf, halve, Mix, Packer, PartitionedPacker, windowOf } from '../../engine/index.ts'
import { addRanges, mapRange, type Range } from '../measure/range.ts'

/** The largest size of packs that is counted. */
export const MOST_RECORDS = 100

/** Factor between the figures of the plan and the figures that a stream may learn as it runs. */
export const LEARNED = 1.1

/**
 * Why the packs of a stream may be others than the packs of the plan: the stream learns how much of
 * a limit a record takes, or a pack leaves before other records of its partition come, or before a
 * text comes that is not known yet.
 */
export type Loose = 'maxPackTokens' | 'maxOutputTokens' | 'partition' | 'cache'

/** A record as the plan packs it. */
export interface PlannedRecord {
  readonly tokens: number
  /**
   * The largest value that the stream may take for `tokens`. 0: the stream counts tokens as well.
   */
  readonly mostTokens: number
  /** Length of the text. */
  readonly characters: number
  /** Whether the text looks like a tag, so that its pack needs a longer tag. */
  readonly isTagLike: boolean
  readonly partition: string | undefined
  /** Tokens and length of the fields that stand once in a request. */
  readonly sharedTokens: number
  readonly sharedCharacters: number
}

/** The limits of packs, and how large their requests are. */
export interface PackRules {
  readonly maxPackTokens: number
  readonly maxInFlight: number
  /** Number of records whose order is drawn before they are packed. 0: none. */
  readonly mix: number
  /** Number of records whose results fit under the output cap. */
  readonly maxRecords: number
  /** The same for the longest results. */
  readonly surelyFit: number
  /** Length of all messages of a request without the texts of its records. */
  readonly charactersAround: (records: number, isTagged: boolean) => number
  /** Tokens that the longer tags add to a request. */
  readonly tagTokens: (records: number) => number
  /** The output cap of a request. */
  readonly capFor: (records: number) => Range
  /** Largest charge of one request. `Infinity`: there is no limit. */
  readonly largestRequest: number
  /**
   * Tokens that the records of a request may have together, so that prompt and answer fit into the
   * context.
   */
  readonly roomFor: (records: number) => number
}

/** Sums over the requests of one pack size. */
export interface PackCount {
  readonly requests: number
  /** Requests with the largest possible number of records. */
  readonly full: number
  /** Records of the largest request. */
  readonly largest: number
  /** Tokens of longer tags, in requests with a text that looks like a tag. */
  readonly tagTokens: number
  /** Tokens of the fields that stand once in a request. */
  readonly sharedTokens: number
  /** Tokens charged to a limit per minute: by the caps for short, expected and long results. */
  readonly charged: Range
  /** Requests of one record that are charged more than the whole limit. */
  readonly overLimit: number
  /** Requests of several records that do not fit into the context, although each record fits. */
  readonly overContext: number
  /** Empty: all figures are exact. */
  readonly loose: readonly Loose[]
}

/**
 * Number of records that one size packs before the next size packs them. The waiting records of all
 * sizes together do not fit into a processor's cache.
 */
const BATCH = 500

const NOW = 0
const LINGER = 0

/**
 * Packs the same records into packs of every size, as a stream does. The memory does not grow with
 * the input.
 */
export class Forecast {
  readonly #rules: PackRules
  readonly #mix: Mix<PlannedRecord>
  #bySize: readonly SizeForecast[] = []
  #batch: PlannedRecord[] = []
  #partition: string | undefined
  #isMixed = false

  constructor(rules: PackRules) {
    this.#rules = rules
    this.#mix = new Mix(rules.mix, LINGER)
  }

  add(record: PlannedRecord): void {
    if (this.#bySize.length === 0) this.#begin(record)
    this.#isMixed ||= record.partition !== this.#partition
    this.#mix.add(record, NOW)
    if (this.#mix.isFull) this.#pour()
  }

  #pour(): void {
    for (const record of this.#mix.take()) {
      this.#batch.push(record)
      if (this.#batch.length === BATCH) this.#packBatch()
    }
  }

  #packBatch(): void {
    for (const forecast of this.#bySize) for (const record of this.#batch) forecast.add(record)
    this.#batch = []
  }

  #begin({ partition }: PlannedRecord): void {
    this.#partition = partition
    const isPartitioned = partition !== undefined
    const sizes = Array.from({ length: MOST_RECORDS }, (_, i) => i + 1)
    this.#bySize = sizes.map((size) => new SizeForecast(size, this.#rules, isPartitioned))
  }

  /** The sums for packs of up to `size` records. The input has ended. */
  end(size: number): PackCount {
    this.#pour()
    this.#packBatch()
    const forecast = this.#bySize[size - 1]
    if (!forecast) throw new RangeError(`There are no packs of up to ${size}`)
    const { loose, ...sums } = forecast.end()
    // A pack of the only partition leaves early for no other partition.
    return { ...sums, loose: loose.filter((limit) => limit !== 'partition' || this.#isMixed) }
  }
}

/**
 * The packs of one size. The forecast reads until the packer has a reserve, as a stream does, and
 * then takes one pack for the next free slot. A request takes longer than `linger`, so by then each
 * waiting pack may leave, and the clock stands still.
 */
class SizeForecast {
  readonly #size: number
  readonly #rules: PackRules
  /** Largest number of records in one pack. */
  readonly #maxItems: number
  readonly #packer: Pick<PartitionedPacker<PlannedRecord>, 'add' | 'take' | 'hasReserve'>
  readonly #sums = {
    ...{ requests: 0, full: 0, largest: 0, tagTokens: 0, sharedTokens: 0, overLimit: 0, overContext: 0 },
    charged: { low: 0, expected: 0, high: 0 } as Range,
  }
  readonly #loose = new Set<Loose>()
  #records = 0
  /** The largest `mostTokens` of a record. */
  #mostTokens = 0

  constructor(size: number, rules: PackRules, isPartitioned: boolean) {
    const { maxPackTokens, maxRecords, maxInFlight, mix } = rules
    this.#size = size
    this.#rules = rules
    this.#maxItems = Math.min(size, maxRecords)
    const limits = { maxTokens: maxPackTokens, maxItems: this.#maxItems }
    // One lane is enough without partitions, and three times as fast.
    this.#packer = isPartitioned
      ? new PartitionedPacker(limits, LINGER, windowOf(maxInFlight, size, mix))
      : new Packer(limits, LINGER)
  }

  add(record: PlannedRecord): void {
    this.#records += 1
    if (record.mostTokens > this.#mostTokens) this.#mostTokens = record.mostTokens
    this.#packer.add(record, NOW)
    while (this.#packer.hasReserve) this.#take(true)
  }

  end(): PackCount {
    while (this.#take(false)) {
      // Each pack that still waits leaves.
    }
    const { surelyFit } = this.#rules
    const mayPassCap = this.#sums.largest >= surelyFit && this.#records > surelyFit
    if (this.#size > surelyFit && mayPassCap) this.#loose.add('maxOutputTokens')
    return { ...this.#sums, loose: [...this.#loose] }
  }

  #take(moreComes: boolean): boolean {
    const pack = this.#packer.take(NOW)
    if (!pack) return false
    const { maxPackTokens } = this.#rules
    const tokens = sum(pack, (record) => record.tokens)
    const mostTokens = sum(pack, (record) => record.mostTokens)
    const hasRoom = pack.length < this.#maxItems && tokens < maxPackTokens
    // The stream's figures might let one record less in, or keep the next record out.
    const mayPass = pack.length > 1 && mostTokens > maxPackTokens
    const mayClose = pack.length < this.#maxItems && mostTokens + this.#mostTokens > maxPackTokens
    if (mayPass || mayClose) this.#loose.add('maxPackTokens')
    if (hasRoom && moreComes && pack[0]?.partition !== undefined) this.#loose.add('partition')
    this.#send(pack)
    return true
  }

  /**
   * Adds a request to the sums. Like the stream, it halves a pack whose prompt is charged more than
   * the limit.
   */
  #send(pack: readonly PlannedRecord[]): void {
    const { charactersAround, tagTokens, largestRequest, capFor, roomFor } = this.#rules
    const { length } = pack
    const { sharedTokens = 0, sharedCharacters = 0 } = pack[0] ?? {}
    const isTagged = pack.some(({ isTagLike }) => isTagLike)
    const around = charactersAround(length, isTagged) + sharedCharacters
    const characters = around + sum(pack, (record) => record.characters)
    const isOverLimit = chargeOf(characters) > largestRequest
    if (isOverLimit && length > 1) {
      for (const half of halve(pack)) this.#send(half)
      return
    }
    const sums = this.#sums
    const moreTokens = isTagged ? tagTokens(length) : 0
    sums.requests += 1
    sums.tagTokens += moreTokens
    sums.sharedTokens += sharedTokens
    sums.charged = addRanges(
      sums.charged,
      mapRange(capFor(length), (cap) => chargeOf(characters, cap)),
    )
    sums.largest = Math.max(sums.largest, length)
    if (length === this.#maxItems) sums.full += 1
    if (isOverLimit) sums.overLimit += 1
    // A record that fits into no context is rejected whatever the size of its pack.
    const room = roomFor(1) - sharedTokens
    const tokens = moreTokens + sum(pack, (record) => (record.tokens > room ? 0 : record.tokens))
    if (length > 1 && tokens > roomFor(length) - sharedTokens) sums.overContext += 1
  }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  let total = 0
  for (const item of items) total += value(item)
  return total
}
