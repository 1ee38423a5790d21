import { pipeline } from 'node:stream/promises'
import { RateLimiter } from 'llm-pack-stream'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { collect, fakeTimers, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient } from '../helpers/scripted-client.ts'

const sizes = ({ calls }: ReturnType<typeof scriptedClient>) => calls.map(({ records }) => records.length)

describe('packs', () => {
  it.each([
    [25, [25]],
    [26, [13, 13]],
    [51, [25, 13, 13]],
    [126, [25, 25, 25, 25, 13, 13]],
    [110, [25, 25, 25, 18, 17]],
  ])('%i records in packs of at most 25 leave no small pack', async (count, expected) => {
    // Time stands still, so that no full pack has waited long enough on a busy machine.
    fakeTimers()
    const client = scriptedClient(echo)
    await collect(stringStream(client), texts(count))
    expect(sizes(client)).toEqual(expected)
  })

  it.each(['requestsPerMinute', 'tokensPerMinute'] as const)(
    'leave no small pack under %s',
    async (limit) => {
      const client = scriptedClient(echo)
      const limiter = new RateLimiter({ [limit]: limit === 'requestsPerMinute' ? 12 : 1_000 })
      const stream = stringStream(client, { maxPackRecords: 10, limiter }).resume()
      // The source pauses, so that a full pack waits only for the limit, and not for the next pack.
      const source = async function* () {
        for (const [i, text] of texts(100).entries()) {
          if (i % 12 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
          yield text
        }
      }
      await inNoTime(() => pipeline(source, stream))
      expect(sizes(client)).toEqual(Array(10).fill(10))
    },
  )

  it('hold as many tokens as maxPackTokens allows, tags included, in input order', async () => {
    const client = scriptedClient(echo)
    const countTokens = (text: string) => text.length
    const stream = stringStream(client, { countTokens, maxPackTokens: 200, maxPackRecords: 99 })
    await collect(stream, texts(60))
    for (const { records, body } of client.calls) {
      const content = body.messages.at(-1)?.content as string
      expect(content.slice(content.indexOf('\n') + 1).length).toBeLessThanOrEqual(200)
      expect(records.length).toBeGreaterThanOrEqual(4)
    }
    expect(client.calls.flatMap(({ records }) => records.map(({ text }) => text))).toEqual(texts(60))
  })

  it('hold a record that is larger than the budget alone and complete', async () => {
    const client = scriptedClient(echo)
    const long = 'x'.repeat(10_000)
    const outcomes = await collect(stringStream(client, { maxPackTokens: 100 }), ['a', 'b', long, 'c', 'd'])
    expect(client.calls.map(({ records }) => records.map(({ text }) => text))).toEqual([
      ['a', 'b'],
      [long],
      ['c', 'd'],
    ])
    expect(outcomes).toHaveLength(5)
  })

  it("are named in each outcome, with the record's position and the size", async () => {
    const outcomes = await collect(stringStream(scriptedClient(echo), { maxPackRecords: 3 }), texts(6))
    expect(outcomes.map(({ index, pack }) => [index, pack])).toEqual(
      texts(6).map((_, i) => {
        const request = i < 3 ? 1 : 2
        return [i, { request, responseId: `answer-${request - 1}`, position: (i % 3) + 1, size: 3 }]
      }),
    )
  })

  it('shrink to fit under maxOutputTokens when the size of a result is known', async () => {
    const client = scriptedClient((call) => ({
      ...echo(call),
      usage: { input: 100, output: call.records.length * 20 },
    }))
    await collect(
      stringStream(client, { maxOutputTokens: 200, maxInFlight: 1, maxPackRecords: 10 }),
      texts(100),
    )
    // 70% of 200 tokens are 7 results of 20 tokens. This counts for waiting records too.
    expect(sizes(client)[0]).toBe(10)
    expect(Math.max(...sizes(client).slice(1))).toBe(7)
    expect(client.calls[0]?.body).toMatchObject({ max_completion_tokens: 200 })
  })

  it('with records that are sent again come before new packs, become smaller, and hold one record in the end', async () => {
    const client = scriptedClient((call) => ({
      text: answerOf(
        { ...call, records: call.records.filter(({ text }) => !/text [0-7]$/.test(text)) },
        (r) => r.text,
      ),
    }))
    await collect(stringStream(client, { maxPackRecords: 8, maxInFlight: 1, maxAttempts: 4 }), texts(24))
    expect(sizes(client)).toEqual([8, 4, 2, 1, 1, 2, 1, 1, 4, 2, 1, 1, 2, 1, 1, 8, 8])
  })
})

describe('the estimate of tokens', () => {
  it('is corrected by the reported usage, so that packs get the requested size', async () => {
    // Three times as many tokens per byte as assumed at first.
    const tokens = (text: string) => 8 + Math.round(text.length * 0.75)
    const client = scriptedClient((call) => {
      const input = 500 + call.records.reduce((sum, { text }) => sum + tokens(text), 0)
      return { ...echo(call), usage: { input, output: 10 } }
    })
    const records = Array.from({ length: 3_000 }, (_, i) => 'x'.repeat(20 + ((i * 37) % 60)))
    await collect(
      stringStream(client, { maxPackTokens: 1_000, maxPackRecords: 1_000, maxInFlight: 1 }),
      records,
    )
    const packs = client.calls.map(({ records }) => records.reduce((sum, { text }) => sum + tokens(text), 0))
    expect(packs[0]).toBeGreaterThan(1_800)
    const [, , , , , ...later] = packs.slice(0, -3)
    for (const pack of later) expect(Math.abs(pack / 1_000 - 1)).toBeLessThan(0.1)
    expect(later.length).toBeGreaterThan(50)
  })

  it('survives a server with nonsense counts', async () => {
    const counts = [1e306, -5, NaN, '100', null, undefined, 0]
    const client = scriptedClient((call) => ({
      ...echo(call),
      usage: { input: counts[call.number % counts.length] as number, output: 10 },
    }))
    const stream = stringStream(client, { maxPackRecords: 5, maxInFlight: 1 })
    const outcomes = await collect(stream, texts(100))
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(stream.stats.tokens.input).toBe(0)
  })
})

describe('linger', () => {
  beforeEach(fakeTimers)

  it('sends a partial pack when the linger time of its first record is over', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 100 })
    stream.write('a')
    await vi.advanceTimersByTimeAsync(60)
    stream.write('b')
    await vi.advanceTimersByTimeAsync(39)
    expect(sizes(client)).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(sizes(client)).toEqual([2])
    stream.write('c')
    await vi.advanceTimersByTimeAsync(99)
    expect(sizes(client)).toEqual([2])
    await vi.advanceTimersByTimeAsync(1)
    expect(sizes(client)).toEqual([2, 1])
    stream.destroy()
  })

  it('of 0 sends the records of the same tick at once', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 0 })
    stream.write('a')
    stream.write('b')
    expect(sizes(client)).toEqual([])
    // Time stands still: no timer is waited for.
    await settle()
    expect(sizes(client)).toEqual([2])
    stream.destroy()
  })

  it('of 0 lets the records of many keys leave, also more than may wait at once', async () => {
    vi.useRealTimers()
    const client = scriptedClient(echo)
    const partition = (text: string): string => text
    const stream = stringStream(client, { linger: 0, partition, maxInFlight: 1, maxPackRecords: 1 })
    expect(await collect(stream, texts(200))).toHaveLength(200)
  })

  it('does not apply to a full pack, which leaves when the next pack is full too, or after 10 ms', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 60_000, maxPackRecords: 2 })
    for (const text of texts(3)) stream.write(text)
    await settle()
    expect(sizes(client)).toEqual([])
    stream.write('text 3')
    await settle()
    expect(sizes(client)).toEqual([2])
    await vi.advanceTimersByTimeAsync(10)
    expect(sizes(client)).toEqual([2, 2])
    stream.destroy()
  })

  it('does not apply to a record that must be alone', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 60_000, maxPackTokens: 50 })
    stream.write('x'.repeat(1_000))
    await vi.advanceTimersByTimeAsync(10)
    expect(sizes(client)).toEqual([1])
    stream.destroy()
  })

  it('lets a pack that waits for a free slot grow after its time', async () => {
    const client = scriptedClient(() => new Promise(() => undefined))
    const stream = stringStream(client, { linger: 10, maxInFlight: 1 })
    stream.write('a')
    await vi.advanceTimersByTimeAsync(10)
    for (const text of texts(5)) stream.write(text)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sizes(client)).toEqual([1])
    expect(stream.stats.records.unsettled).toBe(6)
    // Only the deadline of the running request.
    expect(vi.getTimerCount()).toBe(1)
    stream.destroy()
  })
})

describe('flush()', () => {
  it("sends all written records, also those in Node's buffers, and lets the stream go on", async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 2 ** 31 - 1, maxPackRecords: 4, maxInFlight: 1 })
    // More records than fit: two packs wait, the callback of the next record is held, and the other
    // records are in Node's buffer.
    for (const text of texts(18)) stream.write(text)
    stream.flush()
    stream.write('later')
    stream.resume()
    await settle()
    expect(client.calls.flatMap(({ records }) => records.map(({ text }) => text))).toEqual(texts(18))
    expect(stream.stats.records).toMatchObject({ read: 19, fulfilled: 18, unsettled: 1 })
    stream.flush()
    await settle()
    expect(stream.stats.records).toMatchObject({ fulfilled: 19, unsettled: 0 })
    stream.end()
  })

  it("distributes the last records evenly, also if they are in Node's buffer", async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 2 ** 31 - 1, maxPackRecords: 25, maxInFlight: 1 })
    for (const text of texts(77)) stream.write(text)
    stream.flush()
    stream.resume()
    await settle()
    expect(sizes(client)).toEqual([25, 25, 14, 13])
    stream.end()
  })

  it('works directly after a record that could not be packed, with a full readable side', async () => {
    const client = scriptedClient(echo)
    const serialize = (record: string) =>
      record.startsWith('bad') ? (undefined as unknown as string) : record
    const stream = stringStream(client, { linger: 2 ** 31 - 1, readableHighWaterMark: 1, serialize })
    for (const text of ['bad 1', 'bad 2', 'a', 'b']) stream.write(text)
    stream.flush()
    stream.resume()
    await settle()
    expect(stream.stats.records).toMatchObject({ fulfilled: 2, rejected: 2 })
    stream.end()
  })

  it('without records has no effect', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client)
    stream.flush()
    await settle()
    expect(client.calls).toEqual([])
    expect(await collect(stream, [])).toEqual([])
  })
})
