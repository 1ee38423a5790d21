import fc from 'fast-check'
import { countTokens as tokenize } from 'gpt-tokenizer/encoding/o200k_base'
import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
import { PackStream } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { resultFormat, systemMessage } from '../../../src/engine/index.ts'
import type { Range } from '../../../src/cli/measure/range.ts'
import {
  Forecast,
  LEARNED,
  type PackCount,
  type PackRules,
  type PlannedRecord,
} from '../../../src/cli/estimate/forecast.ts'
import { looksTagged, readPrompts } from '../../../src/cli/estimate/plain-request.ts'
import { SeenTexts } from '../../../src/cli/estimate/seen-texts.ts'
import { runs } from '../../helpers/properties.ts'
import { inNoTime } from '../../helpers/collect.ts'
import { echo, scriptedClient } from '../../helpers/scripted-client.ts'

const count = await exactTokenCounter()
const job = { model: 'm', instructions: 'Repeat it.', schema: z.string() }
const prompts = readPrompts(job, count)
/** Tokens of the text before the records of a pack. */
const headerTokens = count('2 records in <record> tags:\n')
const asText = { disallowedSpecial: new Set<string>() }

/** The user messages that a real stream sends. */
async function sent(
  texts: readonly string[],
  maxPackRecords: number,
  maxPackTokens: number,
  mix?: number,
): Promise<string[]> {
  const client = scriptedClient(echo)
  const stream = new PackStream({
    ...{ ...job, client, maxPackRecords, maxPackTokens, mix, linger: 60_000, countTokens: count },
  })
  for (const text of texts) stream.write(text)
  stream.end()
  let outcomes = 0
  for await (const outcome of stream) if (outcome.status === 'fulfilled') outcomes += 1
  expect(outcomes).toBe(texts.length)
  return client.calls.map(({ body }) => body.messages.at(-1)?.content as string)
}

const system = systemMessage(job.instructions, resultFormat(job.schema), [])
const exactly = (value: number): Range => ({ low: value, expected: value, high: value })
const rules: PackRules = {
  ...{ maxPackTokens: 10, maxInFlight: 4, mix: 0, maxRecords: Infinity, surelyFit: Infinity },
  ...{ charactersAround: () => 8, tagTokens: () => 0, capFor: () => exactly(0) },
  ...{ largestRequest: Infinity, roomFor: () => Infinity },
}
const record = (tokens: number, characters = 4): PlannedRecord => ({
  ...{ tokens, mostTokens: 0, characters, isTagLike: false, partition: undefined },
  ...{ sharedTokens: 0, sharedCharacters: 0 },
})
const records = (texts: readonly string[]): PlannedRecord[] =>
  texts.map((text) => ({
    ...record(prompts.recordTokens(text), text.length),
    isTagLike: looksTagged(text),
  }))

/** The packs of up to `size` records. */
function pack(items: readonly PlannedRecord[], size: number, options: Partial<PackRules> = {}): PackCount {
  const forecast = new Forecast({ ...rules, ...options })
  for (const item of items) forecast.add(item)
  return forecast.end(size)
}

/** The packs of texts, with the prompts of a real stream. */
function packTexts(texts: readonly string[], size: number, maxPackTokens = 4_000, mix = 0): PackCount {
  const { charactersAround, tagTokens } = prompts
  return pack(records(texts), size, { maxPackTokens, charactersAround, tagTokens, mix })
}

describe('the simulated packing', () => {
  it('matches a calculation by hand', () => {
    const sizes = [4, 4, 4, 1, 1, 30, 2]
    const count = (size: number, more: readonly number[] = []) => {
      const items = [...sizes, ...more].map((tokens) => record(tokens))
      return pack(items, size, { maxRecords: 3, capFor: (n) => exactly(5 * n) })
    }
    // 4 4 | 4 1 | 1 | 30 | 2, and tokens fill the third pack: 1 + 30 > 10.
    // Each cap is larger than the prompt.
    expect(count(2)).toMatchObject({ requests: 5, charged: exactly(10 + 10 + 5 + 5 + 5) })
    // 4 4 | 4 1 1 | 30 | 2
    expect(count(3)).toMatchObject({ requests: 4, charged: exactly(10 + 15 + 5 + 5) })
    // No pack has more than 3 records.
    expect(count(100)).toEqual(count(3))
    expect(count(3, [2])).toMatchObject({ requests: 4, charged: exactly(10 + 15 + 5 + 10) })
  })

  it('charges the prompt where the prompt is larger than the cap, at each end', () => {
    const options = { charactersAround: () => 401, capFor: () => ({ low: 1, expected: 1, high: 500 }) }
    expect(pack([record(1, 10), record(1, 10)], 2, options)).toMatchObject({
      ...{ requests: 1, charged: { low: 106, expected: 106, high: 500 } },
    })
  })

  it('charges longer tags only to the packs that have them', () => {
    const charactersAround = (n: number, isTagged: boolean) => 8 + (isTagged ? 16 + 40 * n : 0)
    const items = [false, true, false, false].map((isTagLike) => ({ ...record(1, 8), isTagLike }))
    const options = { maxPackTokens: 100, charactersAround, tagTokens: (n: number) => 2 + 4 * n }
    // 8 fixed characters and 2 records of 8 characters. The first pack has 16 + 2 × 40 more.
    expect(pack(items, 2, options)).toMatchObject({
      charged: exactly((8 + 16 + 96) / 4 + (8 + 16) / 4),
      tagTokens: 2 + 4 * 2,
    })
  })

  it('equals a real stream, also where tokens bind, and where the stream evens out the last packs', async () => {
    const word = (n: number) => 'word '.repeat(n).trimEnd()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 150 })), {
          minLength: 1,
          maxLength: 120,
        }),
        fc.constantFrom(2, 3, 5, 10, 25, 50, 100),
        fc.constantFrom(60, 200, 4_000),
        fc.constantFrom(undefined, 20, 50, 500),
        async (lengths, size, maxPackTokens, mix) => {
          const texts = lengths.map(word)
          const messages = await sent(texts, size, maxPackTokens, mix)
          expect(packTexts(texts, size, maxPackTokens, mix).requests).toBe(messages.length)
        },
      ),
      { numRuns: runs(60) },
    )
  })

  it('charges the same as a real stream, except for the last packs', async () => {
    const texts = Array.from({ length: 250 }, (_, i) => `text ${'x '.repeat(i % 17)}`)
    const messages = await sent(texts, 25, 4_000)
    const charged = messages.reduce((sum, user) => {
      return sum + Math.ceil((system.length + user.length) / 4)
    }, 0)
    expect(Math.abs(packTexts(texts, 25).charged.expected - charged)).toBeLessThanOrEqual(messages.length)
  })
})

describe('partitions', () => {
  /** Number of requests of a real stream, on a server that is slower than the linger of a pack. */
  async function sentBy(keys: readonly string[], maxPackRecords: number): Promise<number> {
    const client = scriptedClient(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return echo(call)
    })
    const partition = (key: string) => key
    await inNoTime(() => {
      const stream = new PackStream({ ...job, client, maxPackRecords, linger: 5, partition })
      for (const key of keys) stream.write(key)
      stream.end()
      return stream.resume().toArray()
    })
    return client.calls.length
  }

  const planned = (keys: readonly string[], size: number) =>
    pack(
      keys.map((partition) => ({ ...record(10), partition })),
      size,
      { maxPackTokens: 4_000 },
    ).requests

  it.each([
    ['all keys alike', 10, (i: number) => i % 40],
    ['many keys', 10, (i: number) => (i * 7_919) % 500],
    ['one key of nearly all, and some that are rare', 10, (i: number) => ((i * 7_919) % 10 < 9 ? 0 : i % 50)],
    ['one key after the other', 5, (i: number) => Math.floor(i / 40)],
    ['two keys', 25, (i: number) => i % 2],
  ])('%s: the number of packs is near to that of a real stream', async (_, size, keyOf) => {
    const keys = Array.from({ length: 600 }, (_, i) => `key ${keyOf(i)}`)
    const requests = await sentBy(keys, size)
    expect(Math.abs(planned(keys, size) - requests) / requests).toBeLessThan(0.1)
  })

  it('wait in a limited number', () => {
    // Every record has a key of its own. 12 × the size may wait, then each record leaves alone.
    const keys = Array.from({ length: 1_000 }, (_, i) => String(i))
    expect(planned(keys, 10)).toBe(1_000)
    expect(planned([...keys, ...keys], 10)).toBe(2_000)
    // Two waiting records with the same key share a pack.
    expect(
      planned(
        keys.map((_, i) => String(i >> 1)),
        10,
      ),
    ).toBe(500)
  })
})

describe('requests that are too large', () => {
  it('a pack that is charged more than the limit is halved, and its halves too', () => {
    const options = { maxPackTokens: 1_000, largestRequest: 35 }
    // 8 fixed characters, and 40 for each record: three records are 128 characters, so 32 tokens.
    const ten = new Array<PlannedRecord>(10).fill(record(1, 40))
    expect(pack(ten, 3, options)).toMatchObject({ requests: 4, overLimit: 0 })
    // 5 + 5, each 3 + 2.
    expect(pack(ten, 10, options)).toMatchObject({ requests: 4, full: 0, overLimit: 0 })
    expect(pack([...ten, record(1, 400)], 3, options)).toMatchObject({ requests: 5, overLimit: 1 })
  })

  it('a pack is too long for the context, or only one record in it', () => {
    const options = { maxPackTokens: 1_000, roomFor: (n: number) => 100 - 10 * n }
    const items = [30, 30, 30, 20, 95, 20].map((tokens) => record(tokens))
    // 30 30 | 30 20 | 95 20: a record of 95 fits nowhere.
    expect(pack(items, 2, options)).toMatchObject({ requests: 3, overContext: 0 })
    // 30 30 30 | 20 95 20
    expect(pack(items, 3, options)).toMatchObject({ requests: 2, overContext: 1 })
  })
})

describe('the texts that the plan has seen', () => {
  it('are kept by partition, up to the limit', () => {
    const seen = new SeenTexts(3)
    const asked = (text: string, partition?: string) => seen.hasSeen(text, partition)
    expect([asked('a'), asked('a'), asked('a', 'x'), asked('a', 'y'), asked('a', 'x')]).toEqual([
      ...[false, true, false, false, true],
    ])
    expect([asked('b'), asked('b'), asked('a')]).toEqual([false, false, true])
    expect(seen.unremembered).toBe(2)
  })
})

describe('the limits that a stream may apply differently', () => {
  const loose = (options: Partial<PackRules>, sizes: readonly PlannedRecord[], size: number) =>
    pack(sizes, size, { maxPackTokens: 100, ...options }).loose
  const ten = (tokens: number, mostTokens = LEARNED * tokens) =>
    new Array<PlannedRecord>(10).fill({ ...record(tokens), mostTokens })

  it('are absent where only the number of records closes packs', () => {
    expect(loose({}, ten(10), 9)).toEqual([])
    expect(loose({ surelyFit: 9 }, ten(10), 9)).toEqual([])
  })

  it('include tokens where the stream estimates tokens, and packs come near to the limit', () => {
    // 10 records of 10 tokens fill the limit of 100. The learned estimate may be a tenth higher.
    expect(loose({}, ten(10), 10)).toEqual(['maxPackTokens'])
    expect(loose({}, ten(60), 2)).toEqual(['maxPackTokens'])
    // The first guess may be higher: 4 records of 26 tokens are near to 100, and 3 are not.
    expect(loose({}, ten(9, 26), 3)).toEqual([])
    expect(loose({}, ten(9, 26), 4)).toEqual(['maxPackTokens'])
    // A stream that counts tokens closes packs where the plan does.
    expect(loose({}, ten(60, 0), 5)).toEqual([])
  })

  it('include tokens where tokens close a pack', () => {
    const items = [10, 10, 90, 10, 10].map((tokens) => ({ ...record(tokens), mostTokens: LEARNED * tokens }))
    expect(loose({}, items, 5)).toEqual(['maxPackTokens'])
    expect(loose({}, items, 2)).toEqual(['maxPackTokens'])
  })

  it('include the output cap where results may fill it', () => {
    expect(loose({ surelyFit: 4, maxRecords: 6 }, ten(1), 4)).toEqual([])
    expect(loose({ surelyFit: 4, maxRecords: 6 }, ten(1), 5)).toEqual(['maxOutputTokens'])
    expect(loose({ surelyFit: 4, maxRecords: 6 }, ten(1, 0), 50)).toEqual(['maxOutputTokens'])
    expect(loose({ surelyFit: 10, maxRecords: 10 }, ten(1), 50)).toEqual([])
    expect(loose({ surelyFit: 9, maxRecords: 9 }, ten(1), 50)).toEqual(['maxOutputTokens'])
  })

  it('include partitions only where there are several', () => {
    const items = (partitions: number) =>
      Array.from({ length: 100 }, (_, i) => ({ ...record(60, 0), partition: String(i % partitions) }))
    expect(loose({}, items(1), 10)).toEqual([])
    expect(loose({}, items(50), 2)).toEqual(['partition'])
  })

  it('include tokens where a stream without a counter packs differently', async () => {
    const texts = Array.from({ length: 157 }, () => '支払いができません。订单没有到'.repeat(4))
    const client = scriptedClient(echo)
    const stream = new PackStream({ ...job, client, maxPackRecords: 50, maxPackTokens: 900, linger: 60_000 })
    for (const text of texts) stream.write(text)
    stream.end()
    await stream.resume().toArray()
    const items = records(texts).map((item) => ({ ...item, mostTokens: LEARNED * item.tokens }))
    const planned = (size: number) => pack(items, size, { maxPackTokens: 900 })
    expect(planned(50).requests).not.toBe(client.calls.length)
    expect(planned(50).loose).toEqual(['maxPackTokens'])
    expect(planned(5).loose).toEqual([])
  })
})

describe("the records' tokens", () => {
  it('add up to the tokens of the whole user message, for any texts', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      // Characters that the tokenizer might join with the tags.
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
          const parts = texts.reduce((sum, one) => sum + prompts.recordTokens(one), 0)
          // The stream evens out its last packs, so a tag-like text may be in a smaller pack.
          fc.pre(!texts.some(looksTagged) || texts.length <= size)
          const { tagTokens } = packTexts(texts, size)
          expect(messages.length * headerTokens + parts + tagTokens).toBe(whole)
        },
      ),
      { numRuns: runs(150) },
    )
  })

  it('are 4 more for each record of a pack with a tag-like text, and 2 more for the pack', async () => {
    const texts = ['plain', '<record id="1">', 'also plain', 'last']
    const [message = ''] = await sent(texts, 25, 4_000)
    const parts = texts.reduce((sum, one) => sum + prompts.recordTokens(one), 0)
    expect(tokenize(message, asText) - headerTokens - parts).toBe(4 * 4 + 2)
    expect(packTexts(texts, 25).tagTokens).toBe(4 * 4 + 2)
    // In packs of 2 only the first pack has longer tags.
    expect(packTexts(texts, 2).tagTokens).toBe(4 * 2 + 2)
    // Later packs have no longer tags.
    expect(packTexts([...texts, 'a', 'b', 'c'], 4).tagTokens).toBe(4 * 4 + 2)
  })

  it('are the same for every id and every number of records', async () => {
    const [message = ''] = await sent(new Array<string>(100).fill('same'), 100, 4_000)
    expect(tokenize(message, asText)).toBe(headerTokens + 100 * prompts.recordTokens('same'))
  })
})
