import fc from 'fast-check'
import { countTokens as tokenize } from 'gpt-tokenizer/encoding/o200k_base'
import { exactTokenCounter, PackStream } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Framed, PackRules } from '../../../src/cli/plan/forecast.ts'
import { Packs } from '../../../src/cli/plan/packs.ts'
import { readPrompts } from '../../../src/cli/plan/plain-request.ts'
import type { Range } from '../../../src/cli/measure/range.ts'
import { SeenTexts } from '../../../src/cli/plan/seen-texts.ts'
import { looksTagged } from '../../../src/cli/plan/tag-like.ts'
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

const exactly = (value: number): Range => ({ low: value, expected: value, high: value })
const none = { tokens: 0, characters: 0 }
const rules: PackRules = {
  ...{ maxPackTokens: 10, maxRecords: Infinity, surelyFit: Infinity, isCounted: true, fixedCharacters: 8 },
  ...{ capFor: () => exactly(0), tagged: { header: none, record: none } },
  ...{ maxInFlight: 4, largestRequest: Infinity, roomFor: () => Infinity },
}
const framed = (tokens: number, characters = 4, isTagLike = false): Framed => ({
  ...{ tokens, characters, bytes: 4 * Math.max(0, tokens - 8), isTagLike, partition: undefined },
})

function packed(texts: readonly string[], maxPackTokens: number): Packs {
  const fixedCharacters = prompts.packed.characters
  const packs = new Packs({ ...rules, maxPackTokens, fixedCharacters, tagged: prompts.tagged })
  for (const text of texts) {
    const whole = prompts.frame(text)
    packs.add(framed(count(whole), whole.length, looksTagged(text)))
  }
  return packs
}

describe('the simulated packing', () => {
  it('counts by hand', () => {
    const packs = new Packs({ ...rules, maxRecords: 3, capFor: (records) => exactly(5 * records) })
    for (const tokens of [4, 4, 4, 1, 1, 30, 2]) packs.add(framed(tokens))
    // 4 4 | 4 1 | 1 | 30 | 2, of which the third is full by tokens: 1 + 30 > 10. Each record's cap passes its prompt.
    expect(packs.count(2)).toMatchObject({ requests: 5, charged: exactly(10 + 10 + 5 + 5 + 5) })
    // 4 4 | 4 1 1 | 30 | 2
    expect(packs.count(3)).toMatchObject({ requests: 4, charged: exactly(10 + 15 + 5 + 5) })
    // No pack has more than 3 records.
    expect(packs.count(100)).toEqual(packs.count(3))
    // Asking changes nothing: the last pack takes more.
    packs.add(framed(2))
    expect(packs.count(3)).toMatchObject({ requests: 4, charged: exactly(10 + 15 + 5 + 10) })
  })

  it('charges the prompt where that is more than the cap, at each end', () => {
    const packs = new Packs({
      ...rules,
      fixedCharacters: 401,
      capFor: () => ({ low: 1, expected: 1, high: 500 }),
    })
    packs.add(framed(1, 10))
    packs.add(framed(1, 10))
    expect(packs.count(2)).toMatchObject({ requests: 1, charged: { low: 106, expected: 106, high: 500 } })
  })

  it('charges longer tags to the packs that have them', () => {
    const tagged = { header: { tokens: 2, characters: 16 }, record: { tokens: 4, characters: 40 } }
    const packs = new Packs({ ...rules, maxPackTokens: 100, tagged })
    for (const isTagLike of [false, true, false, false]) packs.add(framed(1, 8, isTagLike))
    // 8 fixed and 2 of 8 each, in the first pack 16 + 2 × 40 more.
    expect(packs.count(2).charged).toEqual(exactly((8 + 16 + 96) / 4 + (8 + 16) / 4))
  })

  it('has no pack without a record', () => {
    const packs = packed([], 1_000)
    expect(packs.count(25)).toMatchObject({ requests: 0, charged: exactly(0), tagTokens: 0, loose: [] })
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
    expect(Math.abs(packed(texts, 4_000).count(25).charged.expected - charged)).toBeLessThanOrEqual(
      messages.length,
    )
  })
})

describe('partitions', () => {
  /** Requests of a real stream, on a server that takes longer than a pack lingers. */
  async function sentBy(keys: readonly string[], maxPackRecords: number): Promise<number> {
    const client = scriptedClient(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return echo(call)
    })
    const partition = (key: string) => key
    const stream = new PackStream({ ...job, client, maxPackRecords, linger: 5, partition })
    for (const key of keys) stream.write(key)
    stream.end()
    await stream.resume().toArray()
    return client.calls.length
  }

  function planned(keys: readonly string[], size: number): number {
    const packs = new Packs({ ...rules, maxPackTokens: 4_000 })
    for (const partition of keys) packs.add({ ...framed(10), partition })
    return packs.count(size).requests
  }

  it.each([
    ['all keys alike', 10, (i: number) => i % 40],
    ['many keys', 10, (i: number) => (i * 7_919) % 500],
    ['one key of nearly all, and some that are rare', 10, (i: number) => ((i * 7_919) % 10 < 9 ? 0 : i % 50)],
    ['one key after the other', 5, (i: number) => Math.floor(i / 40)],
    ['two keys', 25, (i: number) => i % 2],
  ])('%s: nearly as many packs as a real stream has', async (_, size, keyOf) => {
    const keys = Array.from({ length: 600 }, (_, i) => `key ${keyOf(i)}`)
    const requests = await sentBy(keys, size)
    expect(Math.abs(planned(keys, size) - requests) / requests).toBeLessThan(0.1)
  })

  it('wait in a number that does not grow', () => {
    // Every record has a key of its own: 12 × the size may wait, and then each leaves alone.
    const keys = Array.from({ length: 1_000 }, (_, i) => String(i))
    expect(planned(keys, 10)).toBe(1_000)
    expect(planned([...keys, ...keys], 10)).toBe(2_000)
    // Two of the same key within what may wait share a pack.
    expect(
      planned(
        keys.map((_, i) => String(i >> 1)),
        10,
      ),
    ).toBe(500)
  })
})

describe('what is refused', () => {
  it('a pack that is charged more than the limit is halved, like its halves', () => {
    const packs = new Packs({ ...rules, maxPackTokens: 1_000, largestRequest: 35 })
    // 8 fixed characters, and 40 of each record: three are 128 characters, so 32 tokens.
    for (let i = 0; i < 10; i++) packs.add(framed(1, 40))
    expect(packs.count(3)).toMatchObject({ requests: 4, overLimit: 0 })
    // 5 + 5, each 3 + 2.
    expect(packs.count(10)).toMatchObject({ requests: 4, full: 0, overLimit: 0 })
    packs.add(framed(1, 400))
    expect(packs.count(3)).toMatchObject({ requests: 5, overLimit: 1 })
  })

  it('a pack is too long for the context, or only a record in it', () => {
    const packs = new Packs({ ...rules, maxPackTokens: 1_000, roomFor: (records) => 100 - 10 * records })
    for (const tokens of [30, 30, 30, 20, 95, 20]) packs.add(framed(tokens))
    // 30 30 | 30 20 | 95 20: a record of 95 fits nowhere.
    expect(packs.count(2)).toMatchObject({ requests: 3, overContext: 0 })
    // 30 30 30 | 20 95 20
    expect(packs.count(3)).toMatchObject({ requests: 2, overContext: 1 })
  })
})

describe('the texts that came before', () => {
  it('are known by partition, as many as may be remembered', () => {
    const seen = new SeenTexts(3)
    const asked = (text: string, partition?: string) => seen.hasSeen(text, partition)
    expect([asked('a'), asked('a'), asked('a', 'x'), asked('a', 'y'), asked('a', 'x')]).toEqual([
      ...[false, true, false, false, true],
    ])
    expect([asked('b'), asked('b'), asked('a')]).toEqual([false, false, true])
    expect(seen.unremembered).toBe(2)
  })
})

describe('the limits that a stream may keep to in another way', () => {
  const loose = (options: Partial<PackRules>, sizes: readonly Framed[], size: number) => {
    const packs = new Packs({ ...rules, isCounted: false, maxPackTokens: 100, ...options })
    for (const one of sizes) packs.add(one)
    return packs.count(size).loose
  }
  const ten = (tokens: number, bytes = 4) => new Array<Framed>(10).fill({ ...framed(tokens), bytes })

  it('are none where the number of records alone closes packs', () => {
    expect(loose({}, ten(10), 9)).toEqual([])
    expect(loose({ surelyFit: 9 }, ten(10), 9)).toEqual([])
  })

  it('are its tokens where it estimates them, and they come near to the limit', () => {
    // 10 of 10 are all of 100, and what it learns may be a tenth more.
    expect(loose({}, ten(10), 10)).toEqual(['maxPackTokens'])
    expect(loose({}, ten(60), 2)).toEqual(['maxPackTokens'])
    // By its first guess, 8 for the tags and one for 4 bytes, 4 are near to 100.
    expect(loose({}, ten(9, 60), 3)).toEqual([])
    expect(loose({}, ten(9, 60), 4)).toEqual(['maxPackTokens'])
    expect(loose({ isCounted: true }, ten(60), 5)).toEqual([])
  })

  it('are the results where they may fill the cap', () => {
    expect(loose({ surelyFit: 4, maxRecords: 6 }, ten(1), 4)).toEqual([])
    expect(loose({ surelyFit: 4, maxRecords: 6 }, ten(1), 5)).toEqual(['maxOutputTokens'])
    expect(loose({ surelyFit: 4, maxRecords: 6, isCounted: true }, ten(1), 50)).toEqual(['maxOutputTokens'])
    expect(loose({ surelyFit: 10, maxRecords: 10 }, ten(1), 50)).toEqual([])
  })

  it('are so where a stream without a counter does pack otherwise', async () => {
    const texts = Array.from({ length: 157 }, () => '支払いができません。订单没有到'.repeat(4))
    const client = scriptedClient(echo)
    const stream = new PackStream({ ...job, client, maxPackRecords: 50, maxPackTokens: 900, linger: 60_000 })
    for (const text of texts) stream.write(text)
    stream.end()
    await stream.resume().toArray()
    const packs = new Packs({ ...rules, isCounted: false, maxPackTokens: 900 })
    for (const text of texts) {
      const whole = prompts.frame(text)
      packs.add({ ...framed(count(whole)), bytes: Buffer.byteLength(text) })
    }
    expect(packs.count(50).requests).not.toBe(client.calls.length)
    expect(packs.count(50).loose).toEqual(['maxPackTokens'])
    expect(packs.count(5).loose).toEqual([])
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
          fc.constantFrom(
            '\n',
            '\r\n',
            ' ',
            '"',
            '>',
            '/',
            '<',
            '7',
            'word',
            "'s",
            '?',
            '</',
            'é',
            '\u0301',
            '<record',
            '＜ｒｅｃｏｒｄ',
            'rec',
            'ord',
            '\u200b',
          ),
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
          const whole = messages.reduce((sum, message) => sum + tokenize(message, asText), 0)
          const parts = texts.reduce((sum, one) => sum + count(prompts.frame(one)), 0)
          // The last packs of the stream are evened out, so a tag-like text may stand among fewer.
          fc.pre(!texts.some(looksTagged) || texts.length <= size)
          const { tagTokens } = packed(texts, 4_000).count(size)
          expect(messages.length * count(prompts.header) + parts + tagTokens).toBe(whole)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are 4 more for each record of a pack in which a text holds such a tag, and 2 for the pack', async () => {
    const texts = ['plain', '<record id="1">', 'also plain', 'last']
    const [message = ''] = await sent(texts, 25, 4_000)
    const parts = texts.reduce((sum, one) => sum + count(prompts.frame(one)), 0)
    expect(tokenize(message, asText) - count(prompts.header) - parts).toBe(4 * 4 + 2)
    const packs = packed(texts, 4_000)
    expect(packs.count(25).tagTokens).toBe(4 * 4 + 2)
    // By twos only the first pack has it.
    expect(packs.count(2).tagTokens).toBe(4 * 2 + 2)
    // Once for each pack, also when further ones are closed.
    packs.add(framed(5))
    expect(packs.count(4).tagTokens).toBe(4 * 4 + 2)
  })

  it.each([
    ...['<record', '</record>', '< / RECORD', '＜record', '<rec\u200bord', '<\u2044record', 'a <records>'],
    ...['record', '<rec ord', '&lt;record', '<recörd', '<\u200brecоrd', 'plain', 'é'],
  ])('%j has such a tag where the stream says so', async (text) => {
    const [message = ''] = await sent([text], 25, 4_000)
    expect(looksTagged(text)).toBe(!message.includes(' records in <record> tags'))
  })

  it('are the same for every id and every number of records', async () => {
    const [message = ''] = await sent(new Array<string>(100).fill('same'), 100, 4_000)
    expect(tokenize(message, asText)).toBe(count(prompts.header) + 100 * count(prompts.frame('same')))
  })
})
