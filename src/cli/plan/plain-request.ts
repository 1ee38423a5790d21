import type { TokenCounter } from '../../index.ts'
import { dryRequest, type JsonSchema } from './dry-run.ts'
import type { PlanOptions } from './options.ts'
import type { Tagged } from './pack-tally.ts'

/** OpenAI's cookbook: 3 tokens and the role frame a message, 3 more prime the answer. */
const MESSAGE_TOKENS = 4
const ANSWER_TOKENS = 3
/** Of `MESSAGE_TOKENS`: what stands before a message's text. */
const OPENING_TOKENS = 3

/** What is the same in every request. */
export interface FixedPrompt {
  /** All of it, with what frames the messages. */
  readonly tokens: number
  /** What a provider's cache can keep: the schema and the messages up to where the last one's text begins. */
  readonly prefixTokens: number
  /** The same of packs of as many records: also what stands before the first one's text, as it tells how many there are. */
  readonly fullPrefixTokens: number
  /** An estimate: how providers show a schema to the model is not published. */
  readonly schemaTokens: number
  /** Of the messages, as rate limits count. */
  readonly characters: number
}

/** The prompts of both ways, and what one record adds to them. */
export interface Prompts {
  /** The schema of a packed answer. */
  readonly jsonSchema: JsonSchema
  readonly packed: FixedPrompt
  /** Requests without a protocol, each for one record. */
  readonly plain: FixedPrompt
  /**
   * A record as it stands in a pack. A tokenizer never joins what follows its line feed, nor tells ids below 1,000 apart, so
   * that the tokens of records add up. Only a pack in which a text itself holds such a tag has more: `tagged`.
   */
  readonly frame: (text: string) => string
  /** What stands before the records of a pack; numbers below 1,000 in it change no count. */
  readonly header: string
  /** What a pack has more in which a text holds such a tag. */
  readonly tagged: Tagged
}

// Any texts will do that stand nowhere else in the user message.
const ONE = 'the-one-text'
const OTHER = 'the-other-text'

/** Takes the prompts from requests of a real stream, and the plain ones from what is left of them without the packing. */
export async function readPrompts(options: PlanOptions, count: TokenCounter): Promise<Prompts> {
  const one = await dryRequest(options, [ONE], count)
  const two = await dryRequest(options, [ONE, OTHER], count)
  const { header, opening, frame } = framing(one.user, two.user, ONE)
  const tagLike = `<record ${ONE}`
  const oneTagged = await dryRequest(options, [tagLike], count)
  const twoTagged = await dryRequest(options, [tagLike, OTHER], count)
  const longer = framing(oneTagged.user, twoTagged.user, tagLike)
  const more = (long: string, short: string) => ({
    tokens: count(long) - count(short),
    characters: long.length - short.length,
  })

  const { instructions, examples = [] } = options
  const alone = plainSchema(two.jsonSchema)
  const said = [
    instructions,
    ...examples.flatMap(({ record, value }) => [record, JSON.stringify(plainValue(value, alone))]),
  ]
  return {
    jsonSchema: two.jsonSchema,
    packed: fixedPrompt(two.jsonSchema, [two.system], { header, opening }, count),
    plain: fixedPrompt(alone, said, { header: '', opening: '' }, count),
    ...{ frame, header },
    tagged: { header: more(longer.header, header), record: more(longer.frame(ONE), frame(ONE)) },
  }
}

/** What stands before the texts of a user message. */
interface Opening {
  /** Before all records. */
  readonly header: string
  /** Before each. */
  readonly opening: string
}

interface Framing extends Opening {
  /** A text with all that is around it. */
  readonly frame: (text: string) => string
}

/** How one record and two stand in the user message tells how any number does. */
function framing(one: string, two: string, first: string): Framing {
  const closing = one.slice(one.indexOf(first) + first.length)
  const between = two.slice(two.indexOf(first) + first.length, two.indexOf(OTHER))
  const opening = between.slice(closing.length)
  const start = two.slice(0, two.indexOf(first))
  const firstOpening = opening.replace('"2"', '"1"')
  const header = start.slice(0, start.length - firstOpening.length)
  if (
    two !== `${header}${firstOpening}${first}${closing}${opening}${OTHER}${closing}` ||
    !closing.endsWith('\n')
  ) {
    throw new Error('The stream frames records in another way than expected')
  }
  return { header, opening, frame: (text) => opening + text + closing }
}

/** @param said The messages before the user's last. */
function fixedPrompt(
  schema: JsonSchema,
  said: readonly string[],
  { header, opening }: Opening,
  count: TokenCounter,
): FixedPrompt {
  const schemaTokens = count(JSON.stringify(schema))
  const saidTokens = said.reduce((sum, text) => sum + count(text), 0)
  const framingTokens = (said.length + 1) * MESSAGE_TOKENS + ANSWER_TOKENS
  const headerTokens = count(header)
  const prefixTokens = schemaTokens + saidTokens + said.length * MESSAGE_TOKENS + OPENING_TOKENS
  return {
    tokens: schemaTokens + saidTokens + framingTokens + headerTokens,
    prefixTokens,
    fullPrefixTokens: prefixTokens + headerTokens + count(opening),
    schemaTokens,
    characters: said.reduce((sum, text) => sum + text.length, header.length),
  }
}

/** The schema of one element, `id` included. */
export function elementSchema(packed: JsonSchema): JsonSchema & { properties: Record<string, JsonSchema> } {
  const { results } = packed['properties'] as { results: { items: JsonSchema } }
  return results.items as JsonSchema & { properties: Record<string, JsonSchema> }
}

/** The schema of a result that stands alone, as structured outputs want it: an object, whose values are the same. */
export function plainSchema(packed: JsonSchema): JsonSchema {
  const { properties: all, ...rest } = elementSchema(packed)
  const properties = Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'id'))
  const { $defs } = packed
  return {
    ...rest,
    properties,
    required: Object.keys(properties),
    ...($defs !== undefined && { $defs }),
  }
}

/** An example's value as a plain answer has it. */
function plainValue(value: unknown, alone: JsonSchema): unknown {
  const names = Object.keys(alone['properties'] as object)
  const isWrapped = names.join() === 'value' && !(typeof value === 'object' && value && 'value' in value)
  return isWrapped ? { value } : value
}
