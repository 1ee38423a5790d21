/** The sizes of packs that are looked at: from 2 to this. */
export const MOST_RECORDS = 100

/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

// The estimate that a stream begins with, which it then corrects by what the API counts.
const TAG_TOKENS = 8
const BYTES_PER_TOKEN = 4
const NOTHING: Size = { tokens: 0, characters: 0 }

/** How far the stream's own figures, which it learns as it runs, are taken to be from those here. */
export const LEARNED = 1.1

/** A limit whose place in the input is not known: the stream learns how much of it a record takes. */
export type Loose = 'maxPackTokens' | 'maxOutputTokens'

export interface PackRules {
  readonly maxPackTokens: number
  /** Records whose results fit under the output cap. */
  readonly maxRecords: number
  /** Records whose results do so for sure. */
  readonly surelyFit: number
  /** Whether the stream counts tokens as they are counted here. Otherwise it estimates them. */
  readonly isCounted: boolean
  /** What a pack has more where a text in it holds what looks like a tag. */
  readonly tagged: Tagged
  /** Characters of a request's messages that are no record. */
  readonly fixedCharacters: number
  /** The output cap of a pack of so many records. */
  readonly capFor: (records: number) => number
}

/** Longer tags: what they add to a pack's header, and to each record in it. */
export interface Tagged {
  readonly header: Size
  readonly record: Size
}

interface Size {
  readonly tokens: number
  readonly characters: number
}

/** A record as it stands in a pack. */
export interface Framed extends Size {
  /** Of its text. */
  readonly bytes: number
  /** Whether its text holds what looks like a tag. */
  readonly isTagLike: boolean
}

/** What packs of up to some size come to. */
export interface PackCount {
  readonly requests: number
  /** Tokens of longer tags, where a text holds what looks like one. */
  readonly tagTokens: number
  /** Limits that close packs, or may do so, where the stream may close them at another place. None: all is exact. */
  readonly loose: readonly Loose[]
  /** Tokens charged to a limit per minute. */
  readonly charged: number
}

/**
 * Packs the same records into packs of every size at once, as the stream does: each is filled in input order up to the
 * limits. That the stream evens out the last ones changes nothing of their number. Memory is the same for any input.
 */
export class Packs {
  readonly #rules: PackRules
  // By size; of the pack that is open.
  readonly #records = new Uint8Array(MOST_RECORDS + 1)
  readonly #tokens = new Float64Array(MOST_RECORDS + 1)
  readonly #characters = new Float64Array(MOST_RECORDS + 1)
  /** The most that the stream may take for its tokens. */
  readonly #mostTokens = new Float64Array(MOST_RECORDS + 1)
  readonly #isTagged = new Uint8Array(MOST_RECORDS + 1)
  // By size; of those that are closed.
  readonly #requests = new Float64Array(MOST_RECORDS + 1)
  readonly #charged = new Float64Array(MOST_RECORDS + 1)
  readonly #tagTokens = new Float64Array(MOST_RECORDS + 1)
  // By size; whether the limit closes packs, or may do so.
  readonly #byTokens = new Uint8Array(MOST_RECORDS + 1)
  readonly #byOutput = new Uint8Array(MOST_RECORDS + 1)

  constructor(rules: PackRules) {
    this.#rules = rules
  }

  add({ tokens, characters, bytes, isTagLike }: Framed): void {
    const { maxPackTokens, maxRecords, surelyFit, isCounted } = this.#rules
    const mostTokens = isCounted ? 0 : LEARNED * Math.max(tokens, TAG_TOKENS + bytes / BYTES_PER_TOKEN)
    for (let size = 2; size <= MOST_RECORDS; size++) {
      const records = this.#records[size] ?? 0
      if (records < size) {
        // The pack has room for one more, but for these limits.
        const isOpen = records > 0
        if (isOpen && (this.#mostTokens[size] ?? 0) + mostTokens > maxPackTokens) this.#byTokens[size] = 1
        if (records >= surelyFit) this.#byOutput[size] = 1
      }
      const isFull = records >= size || records >= maxRecords
      if (isFull || (this.#tokens[size] ?? 0) + tokens > maxPackTokens) this.#close(size)
      this.#records[size] = (this.#records[size] ?? 0) + 1
      this.#tokens[size] = (this.#tokens[size] ?? 0) + tokens
      this.#characters[size] = (this.#characters[size] ?? 0) + characters
      this.#mostTokens[size] = (this.#mostTokens[size] ?? 0) + mostTokens
      if (isTagLike) this.#isTagged[size] = 1
    }
  }

  /** All records so far, the last pack closed. */
  count(size: number): PackCount {
    const isOpen = (this.#records[size] ?? 0) > 0
    return {
      requests: (this.#requests[size] ?? 0) + (isOpen ? 1 : 0),
      charged: (this.#charged[size] ?? 0) + (isOpen ? this.#charge(size) : 0),
      tagTokens: (this.#tagTokens[size] ?? 0) + this.#longerTags(size).tokens,
      loose: [
        ...(this.#byTokens[size] === 1 ? (['maxPackTokens'] as const) : []),
        ...(this.#byOutput[size] === 1 ? (['maxOutputTokens'] as const) : []),
      ],
    }
  }

  #close(size: number): void {
    if (this.#records[size] === 0) return
    this.#requests[size] = (this.#requests[size] ?? 0) + 1
    this.#charged[size] = (this.#charged[size] ?? 0) + this.#charge(size)
    this.#tagTokens[size] = (this.#tagTokens[size] ?? 0) + this.#longerTags(size).tokens
    for (const sums of [this.#records, this.#tokens, this.#characters, this.#mostTokens, this.#isTagged]) {
      sums[size] = 0
    }
  }

  /** What the open pack has more, as a text in it holds what looks like a tag. */
  #longerTags(size: number): Size {
    if (this.#isTagged[size] === 0) return NOTHING
    const { header, record } = this.#rules.tagged
    const records = this.#records[size] ?? 0
    return {
      tokens: header.tokens + records * record.tokens,
      characters: header.characters + records * record.characters,
    }
  }

  #charge(size: number): number {
    const { fixedCharacters, capFor } = this.#rules
    const records = this.#records[size] ?? 0
    const inTags = this.#longerTags(size).characters
    const characters = fixedCharacters + (this.#characters[size] ?? 0) + longerNumbers(records) + inTags
    return Math.max(promptCharge(characters), capFor(records))
  }
}

/** Characters that ids of two and three digits have more than those of one, and the header, which names the last one twice. */
function longerNumbers(records: number): number {
  return Math.max(0, records - 9) + Math.max(0, records - 99) + 2 * (String(records).length - 1)
}

/** What providers charge for a prompt of so many characters. */
export function promptCharge(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN)
}
