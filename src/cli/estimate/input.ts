import { chargeOf, sharedBlock, TokenEstimator, type SharedField } from '../../engine/index.ts'
import type { TokenCounter } from '../../index.ts'
import { COMPLETE_LENGTH } from '../../options/index.ts'
import { LEARNED, type Forecast } from './forecast.ts'
import { looksTagged, type Prompts } from './plain-request.ts'
import { SeenTexts } from './seen-texts.ts'

/** A record, as `serialize` and `partition` give it. */
export interface PlanRecord {
  readonly text: string
  /** Only records of the same partition share a pack. */
  readonly partition?: string | undefined
  /** The fields that stand once in a request. Records with other fields have another partition. */
  readonly shared?: readonly SharedField[] | undefined
}

/** The number of records, and how many of them are unusual. */
export interface Records {
  readonly read: number
  /** Rows that are no records: they are broken, or without text. */
  readonly unreadable: number
  /**
   * Records that are not asked again, because the same text came before and its result is kept. The
   * numbers below leave them out.
   */
  readonly repeated: number
  /**
   * Texts that came when the memory for texts was full: if they come again, they are counted again.
   */
  readonly unremembered: number
  /** Records that are too large for `maxPackTokens`: each travels alone. */
  readonly overPack: number
  /**
   * Records that are too large for `contextTokens`. A run would reject them. The plan counts them
   * as if they fitted.
   */
  readonly overContext: number
  /** Records whose tokens are an estimate, because the text is very long. */
  readonly sampled: number
}

/** Sums over all records that are asked. */
export interface Input {
  readonly records: Records
  readonly asked: number
  readonly packedTokens: number
  /** Tokens of the shared fields, as if each record had them. */
  readonly sharedTokens: number
  readonly plainTokens: number
  /** The charge of all plain requests together against a limit of tokens per minute. */
  readonly plainCharged: number
  /** Plain requests that are charged more than the whole limit. */
  readonly plainOverLimit: number
  /** Plain requests that do not fit into the context with their answers. */
  readonly plainOverContext: number
}

export interface Reading {
  readonly prompts: Prompts
  readonly count: TokenCounter
  /** Whether the stream counts tokens by the same vocabulary. Otherwise it estimates them. */
  readonly isCounted: boolean
  readonly forecast: Forecast
  readonly maxPackTokens: number
  /** Tokens that a record may have in a pack of its own. */
  readonly room: number
  /** Tokens that the text of a plain request may have. */
  readonly plainRoom: number
  /** Largest charge of one request. */
  readonly largestRequest: number
  /** Whether results are kept, so that each text is asked only once. */
  readonly keepsResults: boolean
}

/** Reads the input once, and hands its records to the forecast. */
export async function readInput(
  items: AsyncIterable<PlanRecord | undefined> | Iterable<PlanRecord | undefined>,
  reading: Reading,
): Promise<Input> {
  const { prompts, count, isCounted, forecast, maxPackTokens, room, plainRoom, largestRequest } = reading
  const records = { read: 0, unreadable: 0, repeated: 0, overPack: 0, overContext: 0, sampled: 0 }
  const sums = { asked: 0, packedTokens: 0, sharedTokens: 0, plainTokens: 0 }
  const plain = { plainCharged: 0, plainOverLimit: 0, plainOverContext: 0 }
  const seen = reading.keepsResults ? new SeenTexts() : undefined
  // The stream begins with this estimate, which it corrects by the API's counts.
  const estimator = new TokenEstimator(0)
  let block = { text: '', tokens: 0 }
  for await (const item of items) {
    if (item === undefined) {
      records.unreadable += 1
      continue
    }
    records.read += 1
    const { text, partition, shared = [] } = item
    if (seen?.hasSeen(text, partition)) {
      records.repeated += 1
      continue
    }
    const tokens = prompts.recordTokens(text)
    const mostTokens = isCounted ? 0 : LEARNED * Math.max(tokens, estimator.record(text))
    const characters = text.length
    // Records with the same fields usually come one after the other.
    const fields = sharedBlock(shared)
    if (fields !== block.text) block = { text: fields, tokens: count(fields) }
    const isTagLike = [text, ...shared.map((field) => field.text)].some(looksTagged)
    const ofFields = { sharedTokens: block.tokens, sharedCharacters: fields.length }
    forecast.add({ tokens, mostTokens, characters, isTagLike, partition, ...ofFields })
    const plainTokens = count(text) + block.tokens
    const charge = chargeOf(prompts.plain.characters + characters + fields.length)
    sums.asked += 1
    sums.packedTokens += tokens
    sums.sharedTokens += block.tokens
    sums.plainTokens += plainTokens
    plain.plainCharged += charge
    if (charge > largestRequest) plain.plainOverLimit += 1
    if (plainTokens > plainRoom) plain.plainOverContext += 1
    if (tokens > maxPackTokens) records.overPack += 1
    if (tokens + block.tokens > room) records.overContext += 1
    if (characters > COMPLETE_LENGTH) records.sampled += 1
  }
  return { records: { ...records, unremembered: seen?.unremembered ?? 0 }, ...sums, ...plain }
}
