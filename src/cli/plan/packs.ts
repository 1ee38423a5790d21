/** The sizes of packs that are looked at: from 2 to this. */
export const MOST_RECORDS = 100

/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

export interface PackRules {
  readonly maxPackTokens: number
  /** Records whose results fit under the output cap. */
  readonly maxRecords: number
  /** Characters of a request's messages that are no record. */
  readonly fixedCharacters: number
  /** The output cap of a pack of so many records. */
  readonly capFor: (records: number) => number
}

/** What packs of up to some size come to. */
export interface PackCount {
  readonly requests: number
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
  // By size; of those that are closed.
  readonly #requests = new Float64Array(MOST_RECORDS + 1)
  readonly #charged = new Float64Array(MOST_RECORDS + 1)

  constructor(rules: PackRules) {
    this.#rules = rules
  }

  /** @param tokens Of the record as it stands in a pack, as are its characters. */
  add(tokens: number, characters: number): void {
    const { maxPackTokens, maxRecords } = this.#rules
    for (let size = 2; size <= MOST_RECORDS; size++) {
      const records = this.#records[size] ?? 0
      const isFull = records >= size || records >= maxRecords
      if (isFull || (this.#tokens[size] ?? 0) + tokens > maxPackTokens) this.#close(size)
      this.#records[size] = (this.#records[size] ?? 0) + 1
      this.#tokens[size] = (this.#tokens[size] ?? 0) + tokens
      this.#characters[size] = (this.#characters[size] ?? 0) + characters
    }
  }

  /** All records so far, the last pack closed. */
  count(size: number): PackCount {
    const isOpen = (this.#records[size] ?? 0) > 0
    return {
      requests: (this.#requests[size] ?? 0) + (isOpen ? 1 : 0),
      charged: (this.#charged[size] ?? 0) + (isOpen ? this.#charge(size) : 0),
    }
  }

  #close(size: number): void {
    if (this.#records[size] === 0) return
    this.#requests[size] = (this.#requests[size] ?? 0) + 1
    this.#charged[size] = (this.#charged[size] ?? 0) + this.#charge(size)
    this.#records[size] = 0
    this.#tokens[size] = 0
    this.#characters[size] = 0
  }

  #charge(size: number): number {
    const { fixedCharacters, capFor } = this.#rules
    const records = this.#records[size] ?? 0
    const characters = fixedCharacters + (this.#characters[size] ?? 0) + longerNumbers(records)
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
