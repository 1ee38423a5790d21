import { countTokens as tokenize } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI from 'openai'
import { exactTokenCounter } from 'llm-pack-stream/exact-tokens'
import { PackStream } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { PlanRecord } from '../../../src/cli/estimate/input.ts'
import type { PlanOptions } from '../../../src/cli/estimate/options.ts'
import { makePlan } from '../../../src/cli/plan/make-plan.ts'
import type { Plan } from '../../../src/cli/plan/plan-report.ts'
import type { PlanRow } from '../../../src/cli/estimate/row.ts'
import { answerOf, scriptedClient, scriptedResponses } from '../../helpers/scripted-client.ts'
import { patient } from '../../helpers/collect.ts'
import { collectGarbage } from '../../helpers/garbage.ts'

async function* from(texts: Iterable<string | undefined>): AsyncGenerator<PlanRecord | undefined> {
  await Promise.resolve()
  for (const text of texts) yield text === undefined ? undefined : { text }
}

const texts = (n: number) => Array.from({ length: n }, (_, i) => `Where is parcel ${i}?`.repeat(1 + (i % 3)))
const job: PlanOptions = {
  model: 'm',
  instructions: 'Label each message with the team that should answer it.',
  schema: z.object({ team: z.enum(['shipping', 'returns']) }),
}
/** The reason where there is no choice: its only figure is the size. */
const ONLY = expect.stringMatching(/^1: \D*$/) as string
const rowOf = ({ rows }: Plan, size: number) => rows.find((row) => row.size === size)!

describe('the input tokens', () => {
  it('of packs are the tokens of the messages of a real stream, and an estimate of its schema', async () => {
    const examples = [{ record: 'Lost!', value: { team: 'shipping' } }]
    const client = scriptedClient((call) => ({
      text: JSON.stringify({ results: call.records.map(({ id }) => ({ id, team: 'shipping' })) }),
    }))
    const count = await exactTokenCounter()
    const stream = new PackStream({
      ...patient,
      ...job,
      examples,
      client,
      maxPackRecords: 10,
      countTokens: count,
    })
    for (const text of texts(95)) stream.write(text)
    stream.end()
    await stream.resume().toArray()

    const sent = client.calls.map(({ body }) => {
      const format = body.response_format as { json_schema: { schema: object } }
      const contents = body.messages.map(({ content }) => content as string)
      const framing = contents.length * 4 + 3
      return [...contents, JSON.stringify(format.json_schema.schema)].reduce(
        (sum, text) => sum + tokenize(text),
        framing,
      )
    })
    const plan = await makePlan(from(texts(95)), { ...job, examples })
    expect(rowOf(plan, 10)).toMatchObject({
      requests: client.calls.length,
      inputTokens: sent.reduce((sum, tokens) => sum + tokens, 0),
    })
  })

  it('of a long schema are exact', async () => {
    const names = z.enum(
      Array.from({ length: 77 }, (_, i) => `label_${'abcdefghijkl'.slice(0, 1 + (i % 12))}${i}`),
    )
    const { prompts } = await makePlan(from(['a']), { ...job, schema: z.object({ label: names }) })
    const schema = {
      type: 'object',
      properties: { label: { type: 'string', enum: names.options } },
      required: ['label'],
      additionalProperties: false,
    }
    expect(prompts.plain.schemaTokens).toBe(tokenize(JSON.stringify(schema)))
  })

  it('of packs with a tag-like text equal the tokens of a real stream', async () => {
    const tagged = texts(50).map((text, i) => (i % 20 === 3 ? `<record id="7">${text}` : text))
    const client = scriptedClient((call) => ({
      text: JSON.stringify({ results: call.records.map(({ id }) => ({ id, team: 'shipping' })) }),
    }))
    const count = await exactTokenCounter()
    const stream = new PackStream({ ...patient, ...job, client, maxPackRecords: 10, countTokens: count })
    for (const text of tagged) stream.write(text)
    stream.end()
    await stream.resume().toArray()
    const sent = client.calls.reduce(
      (sum, { body }) => sum + tokenize(body.messages.at(-1)?.content as string),
      0,
    )
    const plan = await makePlan(from(tagged), job)
    const { packed } = plan.prompts
    const [call] = client.calls
    const system = tokenize(call?.body.messages[0]?.content as string)
    const rest = packed.schemaTokens + system + 2 * 4 + 3
    expect(rowOf(plan, 10).inputTokens).toBe(sent + client.calls.length * rest)
  })

  it('of plain requests include instructions, schema and text, and exclude the protocol', async () => {
    const plan = await makePlan(from(texts(7)), job)
    const schema = {
      type: 'object',
      properties: { team: { type: 'string', enum: ['shipping', 'returns'] } },
      required: ['team'],
      additionalProperties: false,
    }
    const fixed = tokenize(job.instructions) + tokenize(JSON.stringify(schema)) + 2 * 4 + 3
    const each = texts(7).reduce((sum, text) => sum + tokenize(text), 0)
    expect(rowOf(plan, 1)).toMatchObject({ requests: 7, isPacked: false, inputTokens: 7 * fixed + each })
  })

  it('of plain requests include examples as separate messages', async () => {
    const schema = z.enum(['shipping', 'returns'])
    const with_ = { ...job, schema, examples: [{ record: 'Lost!', value: 'shipping' }] }
    const one = await makePlan(from(['a']), with_)
    const none = await makePlan(from(['a']), { ...with_, examples: [] })
    const more = rowOf(one, 1).inputTokens - rowOf(none, 1).inputTokens
    expect(more).toBe(tokenize('Lost!') + tokenize('{"value":"shipping"}') + 2 * 4)
  })

  it('are the same for both APIs', async () => {
    const chat = await makePlan(from(texts(50)), job)
    expect(await makePlan(from(texts(50)), { ...job, api: 'responses' })).toEqual(chat)
    // A real stream of that API sends the same number of tokens.
    const client = scriptedResponses((call) => ({ text: answerOf(call, () => 'x') }))
    const stream = new PackStream({
      ...patient,
      ...job,
      schema: z.string(),
      client,
      api: 'responses',
      maxPackRecords: 5,
    })
    for (const text of texts(50)) stream.write(text)
    stream.end()
    await stream.resume().toArray()
    expect(rowOf(chat, 5).requests).toBe(client.calls.length)
  })

  it('are counted by the stated encoding', async () => {
    const plan = await makePlan(from(['Überweisung']), { ...job, encoding: 'cl100k_base' })
    const other = await makePlan(from(['Überweisung']), job)
    expect(plan.encoding).toBe('cl100k_base')
    expect(plan.tokens.plain).toBeGreaterThan(other.tokens.plain)
  })
})

describe('the requests', () => {
  it('have the number that an actual run sends to the simulator', async () => {
    const plan = await makePlan(from(texts(260)), { ...job, maxPackTokens: 150 })
    await using simulator = await startSimulator({
      latency: { timeToFirstToken: 0, outputTokensPerSecond: Infinity, promptTokensPerSecond: Infinity },
    })
    const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
    const countTokens = await exactTokenCounter()
    let sent = 0
    for (const maxPackRecords of [5, 10, 25, 50]) {
      const options = { ...job, client, countTokens, maxPackTokens: 150, maxPackRecords, linger: 60_000 }
      const stream = new PackStream(options)
      for (const text of texts(260)) stream.write(text)
      stream.end()
      const outcomes = await stream.toArray()
      expect(outcomes).toHaveLength(260)
      expect(stream.stats.requests).toBe(rowOf(plan, maxPackRecords).requests)
      sent += stream.stats.requests
    }
    expect(simulator.stats.requests).toBe(sent)
    // Tokens close these packs, not the number of records.
    expect(rowOf(plan, 50).requests).toBeGreaterThan(260 / 10)
  })

  it('have only as many records as the output cap allows', async () => {
    const plan = await makePlan(from(texts(100)), { ...job, outputTokens: 20, maxOutputTokens: 200 })
    const { recordsUnderCap } = plan.limits
    // 70% of 200 tokens hold 5 results of 20 tokens, each with its frame.
    expect(recordsUnderCap).toBe(5)
    expect(rowOf(plan, 5).requests).toBe(20)
    expect(rowOf(plan, 50).requests).toBe(20)
    // Five results fit even if they are a tenth longer than stated. For a sixth result the stream
    // must learn first.
    expect(plan.rows.map(({ size, loose }) => [size, ...loose])).toEqual([
      ...[[1], [5]],
      ...[10, 25, 50].map((size) => [size, 'maxOutputTokens']),
    ])
  })

  it('are approximate where the stream packs by its estimate of tokens', async () => {
    const options = { ...job, maxPackTokens: 200 }
    const plan = await makePlan(from(texts(260)), options)
    expect(rowOf(plan, 5).loose).toEqual([])
    expect(rowOf(plan, 50).loose).toEqual(['maxPackTokens'])
    const counted = await makePlan(from(texts(260)), { ...options, encoding: 'o200k_base' })
    expect(counted.rows.flatMap(({ loose }) => loose)).toEqual([])
  })
})

describe('the limit that binds', () => {
  const latency = { timeToFirstToken: 500, outputTokensPerSecond: 100 }

  it('is latency where there are no limits', async () => {
    const plan = await makePlan(from(texts(1_000)), { ...job, latency })
    expect(plan.chosen?.boundBy).toBe('latency × max-in-flight')
    const { requests, time, outputTokens } = rowOf(plan, 25)
    expect(requests).toBe(40)
    expect(time.expected).toBeCloseTo(10 * (500 + (outputTokens.expected / 40) * 10))
  })

  it('is requests per minute for small packs', async () => {
    const plan = await makePlan(from(texts(1_000)), { ...job, latency, requestsPerMinute: 10 })
    for (const [size, minutes] of [
      [1, 100],
      [25, 4],
    ] as const) {
      const { boundBy, time, bounds } = rowOf(plan, size)
      const one = bounds['latency × max-in-flight']!.expected / (minutes * 2.5)
      expect(boundBy).toBe('requests per minute')
      expect(time.high).toBeCloseTo((minutes - 0.1) * 60_000 + one)
      expect(time.expected).toBeCloseTo(minutes * 60_000 - 10_000 + one)
    }
    expect(plan.chosen?.size).toBeGreaterThan(25)
  })

  it('is tokens per minute, charged by prompt or cap', async () => {
    const plan = await makePlan(from(texts(1_000)), { ...job, latency, tokensPerMinute: 2_000 })
    // Plain requests have no cap, so the limit charges the characters of instructions and text.
    const plain = texts(1_000).reduce(
      (sum, text) => sum + Math.ceil((job.instructions.length + text.length) / 4),
      0,
    )
    expect(rowOf(plan, 1)).toMatchObject({ boundBy: 'tokens per minute' })
    const one = (bounds: PlanRow['bounds'], rounds: number) =>
      bounds['latency × max-in-flight']!.expected / rounds
    const { time, bounds } = rowOf(plan, 1)
    expect(time.high).toBeCloseTo(((plain - plain / 1_000) / 2_000) * 60_000 + one(bounds, 250))
    expect(time.expected).toBeCloseTo((plain / 2_000 - 1 / 6) * 60_000 + one(bounds, 250))

    // Long results: the limit charges each pack its cap, which is twice 26 results, and 32 tokens.
    const long = await makePlan(from(texts(1_000)), {
      ...{ ...job, latency, tokensPerMinute: 20_000, outputTokens: 50 },
    })
    const element = long.results.element.expected
    expect(rowOf(long, 25).boundBy).toBe('tokens per minute')
    const charged = 39 * (52 * element + 32)
    const row = rowOf(long, 25)
    expect(row.time.high).toBeCloseTo((charged / 20_000) * 60_000 + one(row.bounds, 10))
  })

  it('is tokens per minute, from caps learned of short results to caps learned of long results', async () => {
    const time = async (outputTokens: PlanOptions['outputTokens'] & {}, size = 25) =>
      rowOf(
        await makePlan(from(texts(1_000)), { ...{ ...job, latency, tokensPerMinute: 20_000 }, outputTokens }),
        size,
      ).time
    const [range, short, long] = [await time({ low: 5, high: 95 }), await time(5), await time(95)]
    expect(range.low).toBeCloseTo(short.low)
    expect(range.high).toBeCloseTo(long.high)
    // The cap of the expected case has room for a long result.
    expect(range.expected).toBeGreaterThan((await time(50)).expected)
    // Plain requests send no cap.
    expect((await time({ low: 5, high: 95 }, 1)).expected).toBeCloseTo((await time(50, 1)).expected)
  })

  it('is tokens per minute also where only the first requests are charged a large cap', async () => {
    const options = { ...job, latency, tokensPerMinute: 30_000, outputTokens: 5, maxOutputTokens: 16_000 }
    const { boundBy, time } = rowOf(await makePlan(from(texts(100)), options), 25)
    expect(boundBy).toBe('tokens per minute')
    // The first cap is a quarter of the limit, and 10 s allow a sixth. Then three requests of about
    // 500 tokens follow.
    expect(time.expected).toBeGreaterThan(((7_500 + 3 * 400 - 5_000) / 30_000) * 60_000)
    expect(time.expected).toBeLessThan(12_000)
  })
})

describe('the chosen size', () => {
  const pricing = { input: 1, cachedInput: 0.1, output: 4 }

  it('is the smallest size near to the best, with its numbers', async () => {
    const plan = await makePlan(from(texts(2_000)), { ...job, pricing })
    const { size, why } = plan.chosen!
    expect(size).toBeGreaterThan(10)
    expect(why).toMatch(/ 5% .*\(\$[\d.]+\).*\([\d.]+ \w+\).*\$[\d.]+ and [\d.]+ \w+\.$/)
    expect(why.startsWith(`${size}: `)).toBe(true)
    expect(why).toContain('latency × max-in-flight')
    expect(plan.rows.map((row) => row.size)).toEqual(
      [...new Set([1, 5, 10, 25, 50, size])].sort((a, b) => a - b),
    )
  })

  it('is never above the allowed size', async () => {
    const plan = await makePlan(from(texts(2_000)), { ...job, pricing, maxPackRecords: 7 })
    expect(plan.chosen?.size).toBe(7)
    const one = await makePlan(from(texts(2_000)), { ...job, pricing, maxPackRecords: 1 })
    expect(one.chosen).toMatchObject({ size: 1, why: ONLY })
  })

  it('depends only on time without prices', async () => {
    const plan = await makePlan(from(texts(2_000)), job)
    expect(plan.chosen?.why).toMatch(/ 5% \D*time \(/)
    expect(plan.rows.every(({ cost }) => cost === undefined)).toBe(true)
  })

  it('is 1 where the instructions are short and nothing else binds', async () => {
    const latency = { timeToFirstToken: 0, outputTokensPerSecond: 100 }
    const plan = await makePlan(from(texts(1_000)), {
      ...{ ...job, instructions: 'Label it.', latency },
      pricing: { input: 0.1, output: 10 },
    })
    expect(plan.chosen?.size).toBe(1)
    expect(plan.chosen?.why).toMatch(
      /^Packing does not pay here: .*\$[\d.]+ and \d+ s, packs of \d+ .*\$[\d.]+ and \d+ s\..* \d+ .* \d+ .* [\d.]+ .* 3 /,
    )
  })

  it('is 1 where the cache makes a long prompt cheap', async () => {
    const plan = await makePlan(from(texts(1_000)), {
      ...{ ...job, instructions: 'Label it by the rules. '.repeat(300) },
      latency: { timeToFirstToken: 0, outputTokensPerSecond: 100 },
      pricing: { input: 0.1, cachedInput: 0.001, output: 10 },
    })
    expect(plan.chosen?.size).toBe(1)
    expect(plan.chosen?.why).toMatch(
      /^Packing does not pay here: .* 1,792 of the 1,8\d\d .*\(\$[\d.]+ against \$[\d.]+\)\.$/,
    )
    // Without a cheaper price for cached tokens, packs are cheaper.
    const dear = await makePlan(from(texts(1_000)), {
      ...{ ...job, instructions: 'Label it by the rules. '.repeat(300) },
      pricing: { input: 0.1, output: 10 },
    })
    expect(dear.chosen?.size).toBeGreaterThan(1)
  })

  it('is 1 for one record', async () => {
    const plan = await makePlan(from(['a']), job)
    expect(plan.chosen).toMatchObject({ size: 1 })
    expect(plan.chosen?.why).toMatch(/ one record\.$/)
  })

  it('balances cost and time where they disagree, and says so', async () => {
    const plan = await makePlan(from(texts(1_000)), {
      ...{ ...job, instructions: 'Label it.', pricing: { input: 10, output: 0.1 } },
      latency: { timeToFirstToken: 0, outputTokensPerSecond: 100 },
    })
    expect(plan.chosen?.why).toMatch(
      /^\d+: .* 5% of both .*\(\$[\d.]+\).*\(\d+ s\).*: (no|\d+%) dearer and (no|\d+%) slower\. .*cheapest size is \d+, the fastest 1\./,
    )
  })
})

describe('impossible requests', () => {
  // Texts of about 100 tokens.
  const long = (n: number) => Array.from({ length: n }, (_, i) => `${i} word`.repeat(50))

  it('are not chosen where packs do not fit into the context', async () => {
    const free = await makePlan(from(long(200)), job)
    const plan = await makePlan(from(long(200)), { ...job, contextTokens: 2_048 })
    expect(free.chosen!.size).toBeGreaterThan(20)
    const { overContextFrom = 0 } = plan.limits
    expect(plan.chosen!.size).toBeLessThan(overContextFrom)
    expect(rowOf(plan, 25)).toMatchObject({ overContext: 8, boundBy: 'too long' })
    expect(rowOf(plan, 10)).toMatchObject({ overContext: 0, boundBy: 'latency × max-in-flight' })
    // A chosen pack has room for the longest results too.
    const { prompts, results, tokens } = plan
    const fixed = prompts.packed.tokens + results.frame
    const each = tokens.packed / 200 + results.element.high
    expect(fixed + (overContextFrom - 1) * each).toBeLessThan(2_048 + each)
    expect(fixed + overContextFrom * each).toBeGreaterThan(2_048 - each)
  })

  it('do not make a size too large where a single record does not fit into the context', async () => {
    const input = ['a', 'b', 'word '.repeat(3_000), 'c']
    const plan = await makePlan(from(input), { ...job, contextTokens: 2_048 })
    expect(plan.records.overContext).toBe(1)
    expect(plan.limits.overContextFrom).toBeUndefined()
  })

  it('leave no choice where no request fits into the context', async () => {
    const none = await makePlan(from(texts(26)), { ...job, contextTokens: 20 })
    expect(none.chosen).toBeUndefined()
    expect(none.rows.map(({ requests, overContext }) => overContext === requests)).toEqual(
      [1, 5, 10, 25, 50].map(() => true),
    )
    // Only the protocol is too long.
    const fixed = none.prompts.plain.tokens
    const plain = await makePlan(from(texts(26)), { ...job, contextTokens: fixed + 40 })
    expect(plain.chosen).toMatchObject({ size: 1, why: ONLY })
    // One record that is too long does not rule out size 1.
    const one = await makePlan(from([...texts(26), 'word '.repeat(200)]), {
      ...job,
      contextTokens: fixed + 40,
    })
    expect(one.chosen).toMatchObject({ size: 1 })
  })

  it('leave no choice where every request is above the limit of tokens', async () => {
    const instructions = 'Label it by the rules. '.repeat(300)
    const plan = await makePlan(from(texts(40)), { ...job, instructions, tokensPerMinute: 1_000 })
    expect(plan.chosen).toBeUndefined()
    // The stream halves packs down to one record. One record is still too large.
    expect(plan.rows.map(({ requests, overLimit, boundBy }) => [requests, overLimit, boundBy])).toEqual(
      [1, 5, 10, 25, 50].map(() => [40, 40, 'over the limit']),
    )
  })

  it('are halved where packs are above the limit of tokens', async () => {
    const plan = await makePlan(from(long(40)), { ...job, tokensPerMinute: 1_000 })
    // About 8 records fit: 25 are halved to 13 and 12, and these again. The last 15 are halved too.
    expect(rowOf(plan, 5)).toMatchObject({ requests: 8, overLimit: 0 })
    expect(rowOf(plan, 25)).toMatchObject({ requests: 6, overLimit: 0 })
    expect(plan.chosen).toBeDefined()
  })

  it('leave plain requests where only the protocol is too long', async () => {
    const plan = await makePlan(from(['a', 'b', 'c']), { ...job, tokensPerMinute: 100 })
    expect(plan.chosen).toMatchObject({ size: 1, why: ONLY })
  })
})

describe('records of partitions', () => {
  const shared = (n: number, partitions: number) =>
    texts(n).map((text, i) => ({ text, partition: `tenant ${i % partitions}` }))
  const fromRecords = async function* (records: readonly PlanRecord[]) {
    await Promise.resolve()
    yield* records
  }

  it('share no pack with other partitions', async () => {
    const plan = await makePlan(fromRecords(shared(400, 100)), { ...job, pricing: { input: 1, output: 1 } })
    // Each partition has four records. Three records of the first leave when too many wait.
    expect(rowOf(plan, 25).requests).toBe(101)
    expect(rowOf(plan, 25).loose).toEqual(['partition'])
  })

  it('have exact figures while all records can wait for the end', async () => {
    const plan = await makePlan(fromRecords(shared(200, 7)), job)
    expect(rowOf(plan, 50)).toMatchObject({ requests: 7, loose: [] })
  })
})

describe('kept results', () => {
  it('are requested once, in packs and in plain requests', async () => {
    const twice = [...texts(100), ...texts(100)]
    const plan = await makePlan(from(twice), { ...job, keepsResults: true })
    const once = await makePlan(from(texts(100)), job)
    expect(plan.records).toMatchObject({ read: 200, repeated: 100, unremembered: 0 })
    const figures = ({ rows }: Plan) =>
      rows.map(({ size, requests, inputTokens }) => [size, requests, inputTokens])
    expect(figures(plan)).toEqual(figures(once))
    expect(rowOf(plan, 1).loose).toEqual([])
    expect(rowOf(plan, 25).loose).toEqual(['cache'])
  })

  it('belong to one partition', async () => {
    const both = async function* () {
      await Promise.resolve()
      for (const partition of ['a', 'b', 'a']) yield { text: 'same', partition }
    }
    const plan = await makePlan(both(), { ...job, keepsResults: true })
    expect(plan.records).toMatchObject({ read: 3, repeated: 1 })
  })
})

describe('the records', () => {
  it('that cannot be read are counted and left out', async () => {
    const plan = await makePlan(from(['a', undefined, 'b', undefined]), job)
    expect(plan.records).toMatchObject({ read: 2, unreadable: 2 })
    expect(rowOf(plan, 1).requests).toBe(2)
  })

  it('that are too large for a pack travel alone, and the plan counts records above the context', async () => {
    const long = 'word '.repeat(500)
    const plan = await makePlan(from(['a', 'b', long, 'c']), {
      ...job,
      maxPackTokens: 100,
      contextTokens: 400,
    })
    expect(plan.records).toMatchObject({ read: 4, overPack: 1, overContext: 1, sampled: 0 })
    expect(rowOf(plan, 25).requests).toBe(3)
    // A record within the limit of a pack, but beyond the context: 90 tokens where the fixed prompt
    // leaves less room.
    const near = { ...job, maxPackTokens: 100 }
    const fixed = (await makePlan(from(['a']), near)).prompts.packed.tokens
    const tight = await makePlan(from(['word '.repeat(80)]), { ...near, contextTokens: fixed + 50 })
    expect(tight.records).toMatchObject({ overPack: 0, overContext: 1 })
  })

  it('that are very long are counted by samples', async () => {
    const plan = await makePlan(from(['word '.repeat(10_000)]), job)
    expect(plan.records.sampled).toBe(1)
  })

  it('may be absent', async () => {
    const plan = await makePlan(from([]), job)
    expect(plan).toMatchObject({ rows: [], chosen: undefined, records: { read: 0 } })
  })

  it('need the same memory in any number', async () => {
    const heap: number[] = []
    const some = texts(50)
    const many = function* () {
      for (let i = 0; i < 60_000; i++) {
        if (i % 20_000 === 19_999) {
          collectGarbage()
          heap.push(process.memoryUsage().heapUsed)
        }
        yield some[i % 50]
      }
    }
    const plan = await makePlan(from(many()), job)
    expect(plan.records.read).toBe(60_000)
    expect(heap[2]! - heap[1]!).toBeLessThan(200_000)
  })
})

describe('the plan', () => {
  it('is JSON', async () => {
    const pricing = { input: 1, output: 2 }
    const plan = await makePlan(from(texts(30)), {
      ...job,
      pricing,
      requestsPerMinute: 9,
      maxOutputTokens: 99,
    })
    const json = JSON.stringify(plan)
    expect(json).not.toContain('null')
    expect(JSON.stringify(JSON.parse(json))).toBe(json)
  })

  it('names a wrong option as the library does', async () => {
    const bad: [Partial<PlanOptions>, string][] = [
      [{ maxPackRecords: 0 }, 'maxPackRecords'],
      [{ maxPackRecords: 101 }, 'maxPackRecords'],
      [{ maxPackTokens: 2 }, 'maxPackTokens'],
      [{ maxInFlight: 1.5 }, 'maxInFlight'],
      [{ maxOutputTokens: -1 }, 'maxOutputTokens'],
      [{ pricing: { input: -1, output: 1 } }, 'pricing.input'],
      [{ requestsPerMinute: 0 }, 'requestsPerMinute'],
      [{ tokensPerMinute: NaN }, 'tokensPerMinute'],
      [{ contextTokens: 0 }, 'contextTokens'],
      [{ encoding: 'latin1' as 'o200k_base' }, 'encoding'],
      [{ api: 'smoke' as 'chat' }, 'api'],
      [{ examples: [{ record: 'a', value: { team: 'nobody' } }] }, 'examples[0].value.team'],
      [{ schema: z.any() }, 'schema'],
      [{ request: { messages: [] } as Record<string, unknown> }, 'request'],
    ]
    for (const [options, name] of bad) {
      await expect(makePlan(from(['a']), { ...job, ...options }), name).rejects.toThrow(`\`${name}\``)
    }
  })

  it('fails with the error of its input', async () => {
    const broken = async function* () {
      yield { text: 'a' }
      await Promise.reject(new Error('The disk is gone'))
    }
    await expect(makePlan(broken(), job)).rejects.toThrow('The disk is gone')
  })
})
