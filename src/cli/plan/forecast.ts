import { emptyTally, tally, type PackTally, type RequestRules } from './pack-tally.ts'

// The estimate that a stream begins with, which it then corrects by what the API counts.
const TAG_TOKENS = 8
const BYTES_PER_TOKEN = 4

/** How far the stream's own figures, which it learns as it runs, are taken to be from those here. */
export const LEARNED = 1.1

/**
 * What closes packs where the stream may close them at another place: it learns how much of a limit a record takes; and
 * a pack leaves when it has waited for too long, for records of its partition or for a text that is not known yet.
 */
export type Loose = 'maxPackTokens' | 'maxOutputTokens' | 'partition' | 'cache'

export interface PackRules extends RequestRules {
  readonly maxPackTokens: number
  /** Records whose results fit under the output cap. */
  readonly maxRecords: number
  /** Records whose results do so for sure. */
  readonly surelyFit: number
  /** Whether the stream counts tokens as they are counted here. Otherwise it estimates them. */
  readonly isCounted: boolean
  readonly maxInFlight: number
}

/** A record as it stands in a pack. */
export interface Framed {
  readonly tokens: number
  readonly characters: number
  /** UTF-8 bytes of its text. */
  readonly bytes: number
  /** Whether its text holds what looks like a tag. */
  readonly isTagLike: boolean
  /** Only records of the same one share a pack. */
  readonly partition: string | undefined
}

/** What packs of up to some size come to. */
export interface PackCount extends PackTally {
  /** None: all is exact. */
  readonly loose: readonly Loose[]
}

interface Pack {
  readonly records: Framed[]
  tokens: number
  /** The most that the stream may take for its tokens. */
  mostTokens: number
}

/** The packs of one partition that wait, of which the last is open. */
interface Waiting {
  readonly partition: string | undefined
  readonly packs: Pack[]
}

/**
 * Fills packs of up to one size in input order, as the stream does. It reads ahead until a pack waits for nothing but a
 * free slot, then sends the one whose turn it is; all that waits is taken to have waited long enough by then, as requests
 * take longer than `linger`. That the stream evens out the last ones changes nothing of their number.
 */
export class Packing {
  readonly #size: number
  readonly #rules: PackRules
  /** Records in one pack. */
  readonly #maxItems: number
  /** How many records may wait for others of their partition, as in the stream. */
  readonly #maxWaiting: number
  readonly #waiting = new Map<string | undefined, Waiting>()
  /** The same, in the order of their turns, of which the first ones have been: a map's first is slow to find. */
  readonly #turns: Waiting[] = []
  #turn = 0
  #records = 0
  readonly #sent = emptyTally()
  readonly #loose = new Set<Loose>()

  constructor(size: number, rules: PackRules) {
    this.#size = size
    this.#rules = rules
    this.#maxItems = Math.min(size, rules.maxRecords)
    this.#maxWaiting = 2 * (rules.maxInFlight + 2) * size
  }

  add(record: Framed): void {
    const { partition } = record
    let waiting = this.#waiting.get(partition)
    if (!waiting) {
      waiting = { partition, packs: [] }
      this.#waiting.set(partition, waiting)
      this.#turns.push(waiting)
    }
    this.#put(record, waiting.packs)
    this.#records += 1
    while (this.#hasReserve(waiting.packs)) this.#send()
  }

  #put(record: Framed, packs: Pack[]): void {
    const { maxPackTokens, surelyFit, isCounted } = this.#rules
    const { tokens, bytes } = record
    const mostTokens = isCounted ? 0 : LEARNED * Math.max(tokens, TAG_TOKENS + bytes / BYTES_PER_TOKEN)
    let open = packs.at(-1)
    if (open && open.records.length < this.#size) {
      // It has room for one more, but for these limits.
      if (open.mostTokens + mostTokens > maxPackTokens) this.#loose.add('maxPackTokens')
      if (open.records.length >= surelyFit) this.#loose.add('maxOutputTokens')
    }
    if (!open || open.records.length >= this.#maxItems || open.tokens + tokens > maxPackTokens) {
      packs.push((open = { records: [], tokens: 0, mostTokens: 0 }))
    }
    open.records.push(record)
    open.tokens += tokens
    open.mostTokens += mostTokens
  }

  /** Nothing is read before a pack has left: of the only partition that has changed, or as too many records wait. */
  #hasReserve([, second, third]: readonly Pack[]): boolean {
    const isCrowded = this.#waiting.size > 1 && this.#records >= this.#maxWaiting
    return isCrowded || third !== undefined || (second !== undefined && this.#isFull(second))
  }

  #isFull({ records, tokens }: Pack): boolean {
    return records.length >= this.#maxItems || tokens >= this.#rules.maxPackTokens
  }

  /** Sends the first pack of the partition whose turn it is, which then goes behind the others. */
  #send(): void {
    const waiting = this.#turns[this.#turn]
    const pack = waiting?.packs.shift()
    if (!waiting || !pack) throw new Error('Nothing waits')
    this.#turn += 1
    // Not at once, as that moves all others.
    if (this.#turn > this.#turns.length / 2) {
      this.#turns.splice(0, this.#turn)
      this.#turn = 0
    }
    if (waiting.packs.length > 0) {
      this.#turns.push(waiting)
    } else {
      this.#waiting.delete(waiting.partition)
      if (!this.#isFull(pack)) this.#loose.add('partition')
    }
    this.#records -= pack.records.length
    tally(this.#sent, pack.records, this.#maxItems, this.#rules)
  }

  /** What all records so far come to: those that wait leave as at the end. */
  count(): PackCount {
    const total = { ...this.#sent }
    for (const { packs } of this.#waiting.values()) {
      for (const { records } of packs) tally(total, records, this.#maxItems, this.#rules)
    }
    return { ...total, loose: [...this.#loose] }
  }
}
