import { Readable } from 'node:stream'
import fc from 'fast-check'
import OpenAI from 'openai'
import { PackStream, PackStreamError, type Outcome } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

const pricing = { input: 1, cachedInput: 0.5, output: 10 }

/**
 * The cost of a request: OpenAI's estimate of the prompt from its characters, and an output of at
 * most the cap.
 */
function charged(call: Call, wanted: number): Answer {
  const { messages, response_format, max_completion_tokens } = call.body
  const cap = max_completion_tokens ?? Infinity
  const bytes = Buffer.byteLength(
    messages.map(({ content }) => content as string).join('') + JSON.stringify(response_format),
  )
  const usage = { input: Math.round(bytes / 4), output: Math.min(wanted, cap) }
  return wanted > cap ? { text: '{"results":[', finishReason: 'length', usage } : { ...echo(call), usage }
}

/**
 * Takes all outcomes of a stream at a given speed. Returns them, and the error with which the
 * stream ended.
 */
async function drain(
  stream: PackStream<string, string>,
  records: Iterable<string>,
  rest: () => Promise<void> = () => Promise.resolve(),
) {
  const outcomes: Outcome<string, string>[] = []
  let error: unknown
  try {
    for await (const outcome of Readable.from(records).pipe(stream)) {
      outcomes.push(outcome)
      await rest()
    }
  } catch (thrown) {
    error = thrown
  }
  return { outcomes, error: error as PackStreamError | undefined }
}

describe('a stream never spends more than maxCost', () => {
  it('by its own accounts, with answers of any size within the caps', async () => {
    let reached = 0
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.001, max: 0.2, noNaN: true }),
        fc.array(fc.nat(1_500), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 150 }),
        fc.record({
          maxPackRecords: fc.integer({ min: 1, max: 20 }),
          maxInFlight: fc.integer({ min: 1, max: 6 }),
          preserveOrder: fc.boolean(),
        }),
        fc.constantFrom({}, { maxOutputTokens: 50 }, { maxOutputTokens: 500 }, { maxOutputTokens: 2_000 }),
        async (maxCost, sizes, count, others, caps) => {
          const options = { ...others, ...caps }
          const client = scriptedClient((call) => charged(call, sizes[call.number % sizes.length]!))
          const stream = stringStream(client, { ...options, pricing, maxCost })
          const { outcomes, error } = await inNoTime(() => drain(stream, texts(count)))
          const { cost, records, requests } = stream.stats
          expect(cost).toBeLessThanOrEqual(maxCost)
          expect(requests).toBe(client.calls.length)
          // Including the outcomes that waited in order behind an unsettled record.
          expect(outcomes).toHaveLength(records.fulfilled + records.rejected)
          if (options.preserveOrder) {
            const indexes = outcomes.map(({ index }) => index)
            expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
          }
          if (error === undefined) {
            expect(outcomes).toHaveLength(count)
          } else {
            // A stream whose answers are all cut before the first result ends for that reason.
            const isUnusable = records.fulfilled === 0 && error.code === 'unusable_answers'
            reached += isUnusable ? 0 : 1
            expect(error).toMatchObject({
              code: isUnusable ? 'unusable_answers' : 'max_cost_reached',
              unsettled: records.read - outcomes.length,
            })
          }
        },
      ),
      { numRuns: runs(300) },
    )
    // Both ends happened. Each run reaches maxCost with a chance of about 0.75.
    expect(reached).toBeGreaterThan(runs(15))
    expect(reached).toBeLessThan(runs(300))
  })

  it.each([0.01, 0.02, 0.05])('by the counts of a server: $%d', async (maxCost) => {
    await using simulator = await startSimulator({
      latency: { timeToFirstToken: 1, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity },
    })
    const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
    const schema = z.object({ label: z.enum(['card', 'refund', 'transfer']), confidence: z.number() })
    const options = { client, model: 'gpt-4o-mini', instructions: 'Label each.', schema, pricing, maxCost }
    const stream = new PackStream<string, z.infer<typeof schema>>({
      ...options,
      maxPackRecords: 10,
      linger: 1,
    })
    const outcomes: unknown[] = []
    const reading = async () => {
      for await (const outcome of Readable.from(texts(5_000)).pipe(stream)) outcomes.push(outcome)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'max_cost_reached' })
    const { inputTokens, cachedTokens, outputTokens, requests } = simulator.stats
    const { input, cachedInput, output } = pricing
    const spent =
      ((inputTokens - cachedTokens) * input + cachedTokens * cachedInput + outputTokens * output) / 1e6
    expect(spent).toBeLessThanOrEqual(maxCost)
    // No request may cost more than 0.006, so nearly the whole maxCost is spent.
    expect(spent).toBeGreaterThan(maxCost - 0.006)
    expect(stream.stats.cost).toBeCloseTo(spent, 9)
    expect(stream.stats.requests).toBe(requests)
    expect(outcomes).toHaveLength(stream.stats.records.fulfilled)
  })
})

describe('the cap if the user sets no cap', () => {
  const capsOf = (calls: readonly Call[]) => calls.map(({ body }) => body.max_completion_tokens)
  const script = (call: Call): Answer => ({ ...echo(call), usage: { input: 100, output: 100 } })
  const options = { maxPackRecords: 10, maxInFlight: 1 }

  it('is sent from the first request on, and is the learned cap afterwards', async () => {
    const client = scriptedClient(script)
    await drain(stringStream(client, { ...options, pricing, maxCost: 1 }), texts(50))
    const [first, ...others] = capsOf(client.calls)
    expect(first).toBe(4_096)
    expect(others).toHaveLength(4)
    for (const cap of others) expect(cap).toBeLessThan(500)
  })

  it('is smaller if less money is left', async () => {
    const client = scriptedClient(script)
    await drain(stringStream(client, { ...options, pricing, maxCost: 0.03 }), texts(5))
    const [cap] = capsOf(client.calls)
    expect(cap).toBeGreaterThan(32)
    expect(cap).toBeLessThan(0.03 / (10 / 1e6))
  })

  it('grows if it was too small', async () => {
    const client = scriptedClient((call) => charged(call, 6_000))
    const stream = stringStream(client, { ...options, maxPackRecords: 1, pricing, maxCost: 1 })
    const { outcomes, error } = await inNoTime(() => drain(stream, texts(1)))
    expect([outcomes.map(({ status }) => status), error]).toEqual([['fulfilled'], undefined])
    const [first, second] = capsOf(client.calls)
    expect(first).toBe(4_096)
    expect(second).toBeGreaterThan(6_000)
  })

  it('is not sent without maxCost', async () => {
    const client = scriptedClient(script)
    await drain(stringStream(client, { ...options, pricing }), texts(5))
    expect(capsOf(client.calls)).toEqual([undefined])
  })
})

describe('a request in flight', () => {
  /**
   * Each request may cost 0.001 and the price of its prompt, and does cost this if it is allowed.
   */
  const options = { maxPackRecords: 1, maxOutputTokens: 100, pricing: { input: 0, output: 10 }, linger: 0 }

  it('counts as spent, and other requests spend the money that it did not use', async () => {
    const gates = Array.from({ length: 4 }, gate)
    const client = scriptedClient(async (call) => {
      await gates[call.number]?.opened
      return { ...echo(call), usage: { input: 0, output: 100 } }
    })
    const stream = stringStream(client, { ...options, maxInFlight: 9, maxCost: 0.0035 })
    const drained = drain(stream, texts(9))
    await settle()
    // The stream does not know yet what an answer costs.
    expect(client.inFlight).toBe(1)
    gates[0]?.open()
    await settle()
    // Three of four requests may cost a tenth of a cent each. A fourth request would be too much.
    expect(client.calls).toHaveLength(3)
    gates[1]?.open()
    await settle()
    expect([client.calls.length, stream.destroyed]).toEqual([3, false])
    gates[2]?.open()
    const { outcomes, error } = await drained
    expect(outcomes).toHaveLength(3)
    expect(error).toMatchObject({ code: 'max_cost_reached', unsettled: stream.stats.records.read - 3 })
    await settle()
    expect(client.calls).toHaveLength(3)
    expect(stream.stats.cost).toBeCloseTo(0.003, 12)
  })

  it('that settles the last records lets the stream end well, although no further request could be paid', async () => {
    const client = scriptedClient((call) => ({ ...echo(call), usage: { input: 0, output: 100 } }))
    const stream = stringStream(client, { ...options, maxCost: 0.003 })
    const { outcomes, error } = await drain(stream, texts(3))
    expect([outcomes.length, error]).toEqual([3, undefined])
    expect(stream.stats.cost).toBeCloseTo(0.003, 12)
  })
})

describe('the end for lack of money', () => {
  it('comes before the first request if that request could cost too much', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { pricing, maxCost: 0.0001, maxOutputTokens: 1_000 })
    const { outcomes, error } = await drain(stream, texts(5))
    expect(error).toBeInstanceOf(PackStreamError)
    expect(error).toMatchObject({ code: 'max_cost_reached', unsettled: 5 })
    expect(error?.message).toContain('$0.0000 of $0.0001')
    expect([outcomes.length, client.calls.length]).toEqual([0, 0])
  })

  it.each([false, true])(
    'comes when a slow consumer has taken all outcomes: in order %s',
    async (preserveOrder) => {
      const client = scriptedClient((call) => ({ ...echo(call), usage: { input: 100, output: 200 } }))
      const stream = stringStream(client, {
        ...{
          pricing,
          maxCost: 0.01,
          maxOutputTokens: 300,
          maxPackRecords: 10,
          preserveOrder,
          highWaterMark: 2,
        },
      })
      const { outcomes, error } = await inNoTime(() => drain(stream, texts(100), settle))
      const { records, requests } = stream.stats
      expect(requests).toBeGreaterThan(2)
      expect(outcomes).toHaveLength(client.calls.flatMap((call) => call.records).length)
      expect(records.fulfilled).toBe(outcomes.length)
      expect(error).toMatchObject({ code: 'max_cost_reached', unsettled: records.read - outcomes.length })
      expect(error?.unsettled).toBeGreaterThan(0)
    },
  )

  it.each([
    ['a quick consumer', () => Promise.resolve()],
    ['a slow one', settle],
  ])('releases the outcomes that wait behind an unsettled record, in order: %s', async (_name, rest) => {
    // Two records never get a result. All other records wait for them.
    const missing = ['text 0', 'text 7']
    const script = (call: Call): Answer => {
      const records = call.records.filter(({ text }) => !missing.includes(text))
      return { ...echo({ ...call, records }), usage: { input: 100, output: 100 } }
    }
    const client = scriptedClient(script)
    const options = {
      ...{ pricing, maxCost: 0.005, maxOutputTokens: 300, maxAttempts: 9 },
      ...{ preserveOrder: true, readableHighWaterMark: 1 },
    }
    const stream = stringStream(client, options)
    const { outcomes, error } = await inNoTime(() => drain(stream, texts(20), rest))
    const paid = texts(20).filter((text) => !missing.includes(text))
    expect(outcomes.map(({ record }) => record)).toEqual(paid)
    expect(error).toMatchObject({ code: 'max_cost_reached', unsettled: 2 })
    const asked = client.calls.flatMap(({ records }) => records.map(({ text }) => text))
    expect(asked.filter((text) => !missing.includes(text))).toEqual(paid)
  })

  it('does not come for values from the cache, which cost nothing', async () => {
    const cache = new Map<string, string>()
    const script = (call: Call): Answer => ({ ...echo(call), usage: { input: 100, output: 90 } })
    await drain(stringStream(scriptedClient(script), { cache }), texts(30))
    const stream = stringStream(scriptedClient(script), { cache, pricing, maxCost: 1e-9 })
    const { outcomes, error } = await drain(stream, texts(30))
    expect([outcomes.length, error, stream.stats.cost]).toEqual([30, undefined, 0])
  })
})

it('maxCost needs pricing', () => {
  expect(() => stringStream(scriptedClient(echo), { maxCost: 1 })).toThrow('`pricing`')
})
