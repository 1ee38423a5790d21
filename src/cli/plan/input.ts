import type { TokenCounter } from '../../index.ts'
import { promptCharge, type Packs } from './packs.ts'
import type { Prompts } from './prompts.ts'
import { looksTagged } from './tag-like.ts'

/** Longer texts are counted by samples. */
const SAMPLED = 16_384

/** How many records there are, and how many are out of the ordinary. */
export interface Records {
  readonly read: number
  /** Rows that could not be read: they are no records. */
  readonly unreadable: number
  /** Too large for `maxPackTokens`: each travels alone. */
  readonly overPack: number
  /** Too large for `contextTokens`: they would be rejected. They are counted here as if they were not. */
  readonly overContext: number
  /** So long that their tokens are an estimate. */
  readonly sampled: number
}

/** Sums over all records. */
export interface Input {
  readonly records: Records
  readonly packedTokens: number
  readonly plainTokens: number
  /** What plain requests are charged together against a limit of tokens per minute. */
  readonly plainCharged: number
}

export interface Reading {
  readonly prompts: Prompts
  readonly count: TokenCounter
  readonly packs: Packs
  readonly maxPackTokens: number
  /** Tokens that a record may have in a pack of its own. */
  readonly room: number
}

/** Reads the input once, and puts it into the packs. */
export async function readInput(texts: AsyncIterable<string | undefined>, reading: Reading): Promise<Input> {
  const { prompts, count, packs, maxPackTokens, room } = reading
  const records = { read: 0, unreadable: 0, overPack: 0, overContext: 0, sampled: 0 }
  let packedTokens = 0
  let plainTokens = 0
  let plainCharged = 0
  for await (const text of texts) {
    if (text === undefined) {
      records.unreadable += 1
      continue
    }
    const framed = prompts.frame(text)
    const tokens = count(framed)
    const bytes = Buffer.byteLength(text)
    packs.add({ tokens, characters: framed.length, bytes, isTagLike: looksTagged(text) })
    packedTokens += tokens
    plainTokens += count(text)
    plainCharged += promptCharge(prompts.plain.characters + text.length)
    records.read += 1
    if (tokens > maxPackTokens) records.overPack += 1
    if (tokens > room) records.overContext += 1
    if (text.length > SAMPLED) records.sampled += 1
  }
  return { records, packedTokens, plainTokens, plainCharged }
}
