import fc from 'fast-check'
import { countTokens as tokenize } from 'gpt-tokenizer/encoding/o200k_base'
import { exactTokenCounter, PackStream } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Packs } from '../../../src/cli/plan/packs.ts'
import { readPrompts } from '../../../src/cli/plan/prompts.ts'
import { echo, scriptedClient } from '../../helpers/scripted-client.ts'

const count = await exactTokenCounter()
const job = { model: 'm', instructions: 'Repeat it.', schema: z.string() }
const prompts = await readPrompts(job, count)
const asText = { disallowedSpecial: new Set<string>() }

/** The user messages that a real stream sends. */
async function sent(
  texts: readonly string[],
  maxPackRecords: number,
  maxPackTokens: number,
): Promise<string[]> {
  const client = scriptedClient(echo)
  const stream = new PackStream({
    ...{ ...job, client, maxPackRecords, maxPackTokens, linger: 60_000, countTokens: count },
  })
  for (const text of texts) stream.write(text)
  stream.end()
  let outcomes = 0
  for await (const outcome of stream) if (outcome.status === 'fulfilled') outcomes += 1
  expect(outcomes).toBe(texts.length)
  return client.calls.map(({ body }) => body.messages.at(-1)?.content as string)
}

function packed(texts: readonly string[], maxPackTokens: number): Packs {
  const rules = {
    maxPackTokens,
    maxRecords: Infinity,
    fixedCharacters: prompts.packed.characters,
    capFor: () => 0,
  }
  const packs = new Packs(rules)
  for (const text of texts) {
    const framed = prompts.frame(text)
    packs.add(count(framed), framed.length)
  }
  return packs
}

describe('the simulated packing', () => {
  it('counts by hand', () => {
    const packs = new Packs({
      ...{ maxPackTokens: 10, maxRecords: 3, fixedCharacters: 8 },
      capFor: (records) => 5 * records,
    })
    for (const tokens of [4, 4, 4, 1, 1, 30, 2]) packs.add(tokens, 4)
    // 4 4 | 4 1 | 1 | 30 | 2, of which the third is full by tokens: 1 + 30 > 10. Each record's cap passes its prompt.
    expect(packs.count(2)).toEqual({ requests: 5, charged: 10 + 10 + 5 + 5 + 5 })
    // 4 4 | 4 1 1 | 30 | 2
    expect(packs.count(3)).toEqual({ requests: 4, charged: 10 + 15 + 5 + 5 })
    // No pack has more than 3 records.
    expect(packs.count(100)).toEqual(packs.count(3))
    // Asking changes nothing: the last pack takes more.
    packs.add(2, 4)
    expect(packs.count(3)).toEqual({ requests: 4, charged: 10 + 15 + 5 + 10 })
  })

  it('charges the prompt where that is more than the cap', () => {
    const packs = new Packs({
      maxPackTokens: 100,
      maxRecords: Infinity,
      fixedCharacters: 401,
      capFor: () => 1,
    })
    packs.add(1, 10)
    packs.add(1, 10)
    expect(packs.count(2)).toEqual({ requests: 1, charged: Math.ceil(421 / 4) })
  })

  it('has no pack without a record', () => {
    const packs = packed([], 1_000)
    expect(packs.count(25)).toEqual({ requests: 0, charged: 0 })
  })

  it('is that of a real stream, also where tokens bind, and where the last packs are evened out', async () => {
    const word = (n: number) => 'word '.repeat(n).trimEnd()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 150 })), {
          minLength: 1,
          maxLength: 120,
        }),
        fc.constantFrom(2, 3, 5, 10, 25, 50, 100),
        fc.constantFrom(60, 200, 4_000),
        async (lengths, size, maxPackTokens) => {
          const texts = lengths.map(word)
          const messages = await sent(texts, size, maxPackTokens)
          expect(packed(texts, maxPackTokens).count(size).requests).toBe(messages.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('charges what a real stream is charged, but for the last packs', async () => {
    const texts = Array.from({ length: 250 }, (_, i) => `text ${'x '.repeat(i % 17)}`)
    const messages = await sent(texts, 25, 4_000)
    const charged = messages.reduce((sum, user) => {
      return sum + Math.ceil((prompts.packed.characters - prompts.header.length + user.length) / 4)
    }, 0)
    expect(Math.abs(packed(texts, 4_000).count(25).charged - charged)).toBeLessThanOrEqual(messages.length)
  })
})

describe("the records' tokens", () => {
  it('add up to those of the whole user message, whatever the texts are', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      // What might join with the tags.
      fc
        .array(
          fc.constantFrom('\n', '\r\n', ' ', '"', '>', '/', '<', '7', 'word', "'s", '?', '</', 'é', '\u0301'),
          {
            maxLength: 12,
          },
        )
        .map((parts) => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(2, 7, 25),
        async (texts, size) => {
          const messages = await sent(texts, size, 4_000)
          fc.pre(messages.every((message) => message.includes(' records in <record> tags')))
          const whole = messages.reduce((sum, message) => sum + tokenize(message, asText), 0)
          const parts = texts.reduce((sum, one) => sum + count(prompts.frame(one)), 0)
          expect(messages.length * count(prompts.header) + parts).toBe(whole)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are at most 4 more for each record where a text holds such a tag, and 2 for the pack', async () => {
    const texts = ['<record id="1">', 'plain', 'also plain']
    const [message = ''] = await sent(texts, 25, 4_000)
    const parts = texts.reduce((sum, one) => sum + count(prompts.frame(one)), 0)
    expect(tokenize(message, asText) - count(prompts.header) - parts).toBe(4 * 3 + 2)
  })

  it('are the same for every id and every number of records', async () => {
    const [message = ''] = await sent(new Array<string>(100).fill('same'), 100, 4_000)
    expect(tokenize(message, asText)).toBe(count(prompts.header) + 100 * count(prompts.frame('same')))
  })
})
