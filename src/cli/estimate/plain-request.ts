import {
  frame,
  idAt,
  resultFormat,
  sharedBlock,
  systemMessage,
  unusedTag,
  userMessage,
} from '../../engine/index.ts'
import type { TokenCounter } from '../../index.ts'
import { MOST_RECORDS } from './forecast.ts'
import type { PlanOptions } from './options.ts'

/** OpenAI's cookbook: 3 tokens and the role frame a message, 3 more begin the answer. */
const MESSAGE_TOKENS = 4
const ANSWER_TOKENS = 3
/** The part of `MESSAGE_TOKENS` before the text of a message. */
const OPENING_TOKENS = 3

export type JsonSchema = Readonly<Record<string, unknown>>

/** The part of a prompt that is the same in every request. */
export interface FixedPrompt {
  /** All tokens, with the frames of the messages. */
  readonly tokens: number
  /**
   * Tokens that a provider's cache can keep: the schema, and the messages up to the text of the
   * last message.
   */
  readonly prefixTokens: number
  /** The same for packs with equal numbers of records: also the text up to the first record. */
  readonly fullPrefixTokens: number
  /** An estimate: providers do not publish how they show a schema to the model. */
  readonly schemaTokens: number
  /** Characters of the messages, as rate limits count them. */
  readonly characters: number
}

/** The prompts of both kinds of request, and how they grow with the records. */
export interface Prompts {
  /** The schema of a packed answer. */
  readonly jsonSchema: JsonSchema
  readonly packed: FixedPrompt
  /** Requests for one record each, without a packing protocol. */
  readonly plain: FixedPrompt
  /**
   * Tokens of a record in a pack. A tokenizer never joins the line feed after a record with the
   * next
   * record, and ids below 1,000 take the same number of tokens, so the tokens of records add up.
   */
  readonly recordTokens: (text: string) => number
  /** Tokens that longer tags add to a pack. */
  readonly tagTokens: (records: number) => number
  /** Length of all messages without the texts of the records. */
  readonly charactersAround: (records: number, isTagged: boolean) => number
}

/** A text that needs another tag than the usual tag. */
const TAG_LIKE = '<record'
const TAG = unusedTag([TAG_LIKE])

/** Whether a text looks like a tag of the prompt, so that its pack needs another tag. */
export function looksTagged(text: string): boolean {
  return unusedTag([text]) !== unusedTag([])
}

/** Builds the messages of a stream, and the messages that ask the same of one record. */
export function readPrompts(options: PlanOptions, count: TokenCounter): Prompts {
  const { instructions, schema, examples = [], hoist = [] } = options
  const format = resultFormat(schema)
  const { jsonSchema } = format
  const texts = examples.map(({ record, value, shared = [] }) => ({ text: record, value, shared }))
  const system = systemMessage(instructions, format, texts, hoist.length > 0)
  const plainAnswer = (value: unknown) => JSON.stringify(format.flat ? value : { value })
  const said = [
    instructions,
    ...texts.flatMap(({ text, value, shared }) => [sharedBlock(shared) + text, plainAnswer(value)]),
  ]

  const id = idAt(examples.length)
  const header = userMessage([], 0)
  const [opening = ''] = frame('text', id).split('text')
  const moreHeader = count(userMessage([TAG_LIKE], 0)) - count(frame(TAG_LIKE, id, TAG)) - count(header)
  const moreRecord = count(frame('', id, TAG)) - count(frame('', id))
  return {
    jsonSchema,
    packed: fixedPrompt(jsonSchema, [system], header, opening, count),
    plain: fixedPrompt(plainSchema(jsonSchema), said, '', '', count),
    recordTokens: (text) => count(frame(text, id)),
    tagTokens: (records) => moreHeader + records * moreRecord,
    charactersAround: charactersAround(system, examples.length),
  }
}

function charactersAround(system: string, examples: number): Prompts['charactersAround'] {
  const lengths = (first: string) =>
    Array.from({ length: MOST_RECORDS }, (_, i) => {
      const user = userMessage([first, ...new Array<string>(i).fill('')], examples)
      return system.length + user.length - first.length
    })
  const plain = lengths('')
  const tagged = lengths(TAG_LIKE)
  return (records, isTagged) => (isTagged ? tagged : plain)[records - 1] ?? 0
}

/**
 * @param said The messages before the last message of the user.
 * @param header The beginning of the last message, before all records.
 * @param opening The text before each record.
 */
function fixedPrompt(
  schema: JsonSchema,
  said: readonly string[],
  header: string,
  opening: string,
  count: TokenCounter,
): FixedPrompt {
  const schemaTokens = count(JSON.stringify(schema))
  const saidTokens = said.reduce((sum, text) => sum + count(text), 0)
  const headerTokens = count(header)
  const prefixTokens = schemaTokens + saidTokens + said.length * MESSAGE_TOKENS + OPENING_TOKENS
  return {
    tokens: schemaTokens + saidTokens + (said.length + 1) * MESSAGE_TOKENS + ANSWER_TOKENS + headerTokens,
    prefixTokens,
    fullPrefixTokens: prefixTokens + headerTokens + count(opening),
    schemaTokens,
    characters: said.reduce((sum, text) => sum + text.length, header.length),
  }
}

/**
 * The schema of a result that stands alone, as structured outputs need it: an object with the same
 * values.
 */
export function plainSchema(packed: JsonSchema): JsonSchema {
  const { results } = packed['properties'] as { results: { items: JsonSchema } }
  const all = Object.entries(results.items['properties'] as JsonSchema)
  const properties = Object.fromEntries(all.filter(([name]) => name !== 'id'))
  const { $defs } = packed
  return {
    ...results.items,
    properties,
    required: Object.keys(properties),
    ...($defs !== undefined && { $defs }),
  }
}
