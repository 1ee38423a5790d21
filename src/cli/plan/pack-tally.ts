import { addRanges, mapRange, type Range } from '../measure/range.ts'

/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

export interface RequestRules {
  /** What a pack has more where a text in it holds what looks like a tag. */
  readonly tagged: Tagged
  /** Characters of a request's messages that are no record. */
  readonly fixedCharacters: number
  /** The output cap of a pack of so many records. */
  readonly capFor: (records: number) => Range
  /** Tokens that one request may be charged at all. `Infinity`: there is no such limit. */
  readonly largestRequest: number
  /** Tokens that so many records may have together, so that prompt and answer fit into the context. */
  readonly roomFor: (records: number) => number
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

interface PackedRecord extends Size {
  readonly isTagLike: boolean
}

/** Sums over requests. */
export interface PackTally {
  readonly requests: number
  /** Of `requests`: those of as many records as a pack may hold. */
  readonly full: number
  /** Records of the largest. */
  readonly largest: number
  /** Tokens of longer tags, where a text holds what looks like one. */
  readonly tagTokens: number
  /** Tokens charged to a limit per minute, by caps for short results, and for long ones. */
  readonly charged: Range
  /** Of `requests`: those of one record that are charged more than the whole limit. */
  readonly overLimit: number
  /** Of `requests`: those of several records that do not fit into the context, although each of them would. */
  readonly overContext: number
}

type Sums = { -readonly [K in keyof PackTally]: PackTally[K] }

export function emptyTally(): Sums {
  const charged = { low: 0, expected: 0, high: 0 }
  return { requests: 0, full: 0, largest: 0, tagTokens: 0, charged, overLimit: 0, overContext: 0 }
}

/**
 * Adds a pack that leaves. Like the stream, it halves one whose prompt is charged more than any request may be.
 *
 * @param most As many records as a pack may hold.
 */
export function tally(sums: Sums, records: readonly PackedRecord[], most: number, rules: RequestRules): void {
  const { tagged, fixedCharacters, largestRequest, capFor } = rules
  const n = records.length
  let characters = fixedCharacters + longerNumbers(n)
  let tagTokens = 0
  for (const record of records) characters += record.characters
  if (records.some(({ isTagLike }) => isTagLike)) {
    characters += tagged.header.characters + n * tagged.record.characters
    tagTokens = tagged.header.tokens + n * tagged.record.tokens
  }
  const prompt = promptCharge(characters)
  if (prompt > largestRequest && n > 1) {
    const half = Math.ceil(n / 2)
    tally(sums, records.slice(0, half), most, rules)
    tally(sums, records.slice(half), most, rules)
    return
  }
  sums.requests += 1
  sums.tagTokens += tagTokens
  const charge = mapRange(capFor(n), (cap) => Math.max(prompt, cap))
  sums.charged = addRanges(sums.charged, charge)
  sums.largest = Math.max(sums.largest, n)
  if (n === most) sums.full += 1
  if (prompt > largestRequest) sums.overLimit += 1
  if (n > 1 && !fits(records, tagTokens, rules)) sums.overContext += 1
}

/** Whether a pack fits into the context: but for the records that fit into none, which are rejected whatever the size. */
function fits(records: readonly PackedRecord[], tagTokens: number, { roomFor }: RequestRules): boolean {
  const alone = roomFor(1)
  let tokens = tagTokens
  for (const record of records) if (record.tokens <= alone) tokens += record.tokens
  return tokens <= roomFor(records.length)
}

/** Characters that ids of two and three digits have more than those of one, and the header, which names the last one twice. */
function longerNumbers(records: number): number {
  return Math.max(0, records - 9) + Math.max(0, records - 99) + 2 * (String(records).length - 1)
}

/** What providers charge for a prompt of so many characters. */
export function promptCharge(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN)
}
