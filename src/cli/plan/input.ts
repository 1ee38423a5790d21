import type { TokenCounter } from '../../index.ts'
import { promptCharge } from './pack-tally.ts'
import type { Packs } from './packs.ts'
import type { FixedPrompt, Prompts } from './plain-request.ts'
import { SeenTexts } from './seen-texts.ts'
import { looksTagged } from './tag-like.ts'

/** Longer texts are counted by samples. */
const SAMPLED = 16_384

/** A record, as `serialize` and `partition` give it. */
export interface PlanRecord {
  readonly text: string
  /** Only records of the same one share a pack. */
  readonly partition?: string | undefined
}

/** How many records there are, and how many are out of the ordinary. */
export interface Records {
  readonly read: number
  /** Rows that cannot be asked (broken, or without text): they are no records. */
  readonly unreadable: number
  /** Of `read`: those that are not asked, as the same text was asked before and its result is kept. The others count below. */
  readonly repeated: number
  /** Texts that came when too many were remembered already: if they come again, they are counted again. */
  readonly unremembered: number
  /** Too large for `maxPackTokens`: each travels alone. */
  readonly overPack: number
  /** Too large for `contextTokens`: they would be rejected. They are counted here as if they were not. */
  readonly overContext: number
  /** So long that their tokens are an estimate. */
  readonly sampled: number
}

/** Sums over all records that are asked. */
export interface Input {
  readonly records: Records
  readonly asked: number
  readonly packedTokens: number
  readonly plainTokens: number
  /** What plain requests are charged together against a limit of tokens per minute. */
  readonly plainCharged: number
  /** Plain requests that are charged more than the whole limit. */
  readonly plainOverLimit: number
  /** Plain requests that do not fit into the context, with their answers. */
  readonly plainOverContext: number
}

export interface Reading {
  readonly prompts: Prompts
  readonly count: TokenCounter
  readonly packs: Packs
  readonly maxPackTokens: number
  /** Tokens that a record may have in a pack of its own. */
  readonly room: number
  /** Tokens that the text of a plain request may have. */
  readonly plainRoom: number
  /** Tokens that one request may be charged at all. */
  readonly largestRequest: number
  /** Whether results are kept, so that each text is asked only once. */
  readonly keepsResults: boolean
}

/** Reads the input once, and puts it into the packs. */
export async function readInput(
  items: AsyncIterable<PlanRecord | undefined>,
  reading: Reading,
): Promise<Input> {
  const { prompts, count, packs, maxPackTokens, room, plainRoom, largestRequest, keepsResults } = reading
  const records = { read: 0, unreadable: 0, repeated: 0, overPack: 0, overContext: 0, sampled: 0 }
  const sums = {
    asked: 0,
    packedTokens: 0,
    plainTokens: 0,
    plainCharged: 0,
    plainOverLimit: 0,
    plainOverContext: 0,
  }
  const seen = keepsResults ? new SeenTexts() : undefined
  for await (const item of items) {
    if (item === undefined) {
      records.unreadable += 1
      continue
    }
    records.read += 1
    const { text, partition } = item
    if (seen?.hasSeen(text, partition)) {
      records.repeated += 1
      continue
    }
    sums.asked += 1
    const framed = prompts.frame(text)
    const tokens = count(framed)
    const bytes = Buffer.byteLength(text)
    packs.add({ tokens, characters: framed.length, bytes, isTagLike: looksTagged(text), partition })
    sums.packedTokens += tokens
    const plainTokens = count(text)
    sums.plainTokens += plainTokens
    if (plainTokens > plainRoom) sums.plainOverContext += 1
    const charge = plainCharge(prompts.plain, text)
    sums.plainCharged += charge
    if (charge > largestRequest) sums.plainOverLimit += 1
    if (tokens > maxPackTokens) records.overPack += 1
    if (tokens > room) records.overContext += 1
    if (text.length > SAMPLED) records.sampled += 1
  }
  return { records: { ...records, unremembered: seen?.unremembered ?? 0 }, ...sums }
}

function plainCharge({ characters }: FixedPrompt, text: string): number {
  return promptCharge(characters + text.length)
}
