import { once } from 'node:events'
import { PackStreamError } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import { collect, stringStream, texts } from '../helpers/collect.ts'
import {
  answerOf,
  echo,
  scriptedClient,
  type Answer,
  type Call,
  type ScriptedClient,
} from '../helpers/scripted-client.ts'

const capOf = ({ body }: Call) => {
  const { max_completion_tokens, max_tokens } = body as unknown as Record<string, number | undefined>
  return max_completion_tokens ?? max_tokens
}
const capsOf = (client: ScriptedClient) => client.calls.map(capOf)
const sizesOf = (client: ScriptedClient) => client.calls.map(({ records }) => records.length)

/**
 * A model that writes a number of tokens for each record after a number of reasoning tokens, and
 * stops at the cap.
 */
function writing(tokensOf: (text: string) => number, reasoning = 0) {
  return (call: Call): Answer => {
    const cap = capOf(call) ?? Infinity
    let output = reasoning
    const done = call.records.filter(({ text }) => (output += tokensOf(text)) <= cap)
    const text = answerOf({ ...call, records: done }, (record) => record.text)
    if (done.length === call.records.length) return { text, usage: { input: 100, output, reasoning } }
    return { text: text.slice(0, -2), finishReason: 'length', usage: { input: 100, output: cap, reasoning } }
  }
}

/** One request at a time, so that each request uses what the earlier requests have shown. */
const options = { maxInFlight: 1, maxPackRecords: 10 }

describe('the cap on an answer', () => {
  it('is sent after the first answer, with room', async () => {
    const client = scriptedClient(writing(() => 20))
    await collect(stringStream(client, options), texts(50))
    const [first, ...others] = capsOf(client)
    expect(first).toBeUndefined()
    expect(others).toHaveLength(4)
    for (const cap of others) {
      expect(cap).toBeGreaterThanOrEqual(2 * 10 * 20)
      expect(cap).toBeLessThanOrEqual(3 * 10 * 20)
    }
  })

  it('grows with the pack', async () => {
    const client = scriptedClient(writing(() => 20))
    const stream = stringStream(client, { ...options, linger: 0 })
    stream.resume()
    for (const count of [10, 10, 5, 1]) {
      for (const text of texts(count)) stream.write(text)
      stream.flush()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const [, ten, five, one] = capsOf(client) as number[]
    expect(sizesOf(client)).toEqual([10, 10, 5, 1])
    expect(ten! - five!).toBe(2 * 5 * 20)
    expect(five! - one!).toBe(2 * 4 * 20)
    stream.destroy()
  })

  it.each([100, 250, 500, 1_000])(
    'is never above maxOutputTokens, and is equal to it at first: %d',
    async (max) => {
      const client = scriptedClient(writing(() => 20))
      const stream = stringStream(client, { ...options, maxOutputTokens: max })
      const outcomes = await collect(stream, texts(100))
      expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
      const caps = capsOf(client) as number[]
      expect(caps[0]).toBe(max)
      expect(Math.max(...caps)).toBe(max)
      // After the first answer, no answer is cut: the packs fit into seven tenths of the cap.
      const sizes = sizesOf(client).slice(2)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.floor((max * 0.7) / 20))
    },
  )

  it('that was too small is raised, and no record is lost', async () => {
    // Results that grow suddenly and stay long.
    const client = scriptedClient(writing((text) => (Number(text.slice(5)) < 20 ? 10 : 80)))
    const outcomes = await collect(stringStream(client, options), texts(100))
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    const caps = capsOf(client).slice(1) as number[]
    expect(caps[0]).toBeLessThan(800)
    const perRecord = caps.map((cap, i) => cap / sizesOf(client)[i + 1]!)
    expect(perRecord.at(-1)).toBeGreaterThan(2 * 80)
    // A few answers are cut, and fewer than half of them.
    expect(client.calls.length).toBeLessThan(20)
  })

  it('grows with reasoning tokens, which are counted separately and do not make records look long', async () => {
    const client = scriptedClient(writing(() => 20, 1_000))
    const stream = stringStream(client, { ...options, maxOutputTokens: 2_000 })
    // All reasoning tokens of the first answer are for one record.
    stream.write('alone')
    stream.flush()
    await once(stream, 'readable')
    const outcomes = await collect(stream, texts(50))
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(sizesOf(client)).toEqual([1, 10, 10, 10, 10, 10])
    for (const cap of capsOf(client) as number[]) expect(cap).toBeGreaterThanOrEqual(1_000 + 2 * 20 * 10)
    expect(stream.stats.tokens).toMatchObject({ output: 6 * 1_000 + 51 * 20, reasoning: 6 * 1_000 })
  })
})

describe('a record that is cut although it is alone', () => {
  const long = (text: string) => (text === 'long' ? 5_000 : 20)
  const lonely = { ...options, maxPackRecords: 1 }
  const records = ['a', 'b', 'long', 'c']

  it('is sent once more without a cap if there is no largest cap, and then has its result', async () => {
    const client = scriptedClient(writing(long))
    const outcomes = await collect(stringStream(client, lonely), records)
    expect(outcomes.map(({ record, status }) => [record, status])).toEqual(
      records.map((record) => [record, 'fulfilled']),
    )
    const asked = client.calls.filter((call) => call.records[0]?.text === 'long')
    expect(asked.map(capOf)).toEqual([expect.any(Number), undefined])
    expect(outcomes[2]?.attempts).toBe(2)
  })

  it('is sent once more with the largest cap, and then rejected, also with more attempts left', async () => {
    for (const maxAttempts of [1, 9]) {
      const client = scriptedClient(writing(long))
      const stream = stringStream(client, { ...lonely, maxOutputTokens: 1_000, maxAttempts })
      const outcomes = await collect(stream, records)
      expect(outcomes.find(({ record }) => record === 'long')).toMatchObject({
        ...{ status: 'rejected', attempts: 2, reason: { code: 'answer_truncated' }, pack: { size: 1 } },
      })
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      const asked = client.calls.filter((call) => call.records[0]?.text === 'long')
      expect(asked.map(capOf)).toEqual([expect.any(Number), 1_000])
      expect(capOf(asked[0]!)).toBeLessThan(1_000)
    }
  })

  it.each([1, 9])(
    'is sent once more if no cap has been learned, and then rejected: maxAttempts %i',
    async (maxAttempts) => {
      const client = scriptedClient(() => ({ text: '{"results":[', finishReason: 'length' }))
      const outcomes = await collect(stringStream(client, { ...lonely, maxAttempts }), ['long'])
      expect(outcomes).toMatchObject([{ attempts: 2, reason: { code: 'answer_truncated' } }])
      expect(capsOf(client)).toEqual([undefined, undefined])
    },
  )

  it('is fulfilled if a cap was not the reason for the cut', async () => {
    const client = scriptedClient((call) =>
      call.number === 0 ? { text: '{"results":[', finishReason: 'length' } : echo(call),
    )
    const outcomes = await collect(stringStream(client, { ...lonely, maxAttempts: 1 }), ['a'])
    expect(outcomes).toMatchObject([{ status: 'fulfilled', attempts: 2 }])
  })

  it('is rejected at once if its cap was already the largest cap', async () => {
    const client = scriptedClient(writing(long))
    const stream = stringStream(client, { ...lonely, maxOutputTokens: 1_000 })
    const [outcome] = await collect(stream, ['long'])
    expect(outcome).toMatchObject({ status: 'rejected', attempts: 1, reason: { code: 'answer_truncated' } })
    expect(capsOf(client)).toEqual([1_000])
  })

  it('is found among other records, which are fulfilled', async () => {
    const client = scriptedClient(writing(long))
    const stream = stringStream(client, { ...options, maxOutputTokens: 1_000 })
    const outcomes = await collect(stream, [...texts(15), 'long', ...texts(15)])
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([
      { record: 'long', reason: { code: 'answer_truncated' } },
    ])
  })
})

describe('a server that refuses the cap', () => {
  const refusals: Record<string, object> = {
    'a field that it does not know': {
      message: 'Unrecognized request argument supplied: max_completion_tokens',
      param: null,
    },
    'a parameter that it does not support': {
      ...{ message: 'Unsupported parameter', code: 'unsupported_parameter', param: 'max_completion_tokens' },
    },
    'more than the model has': {
      message: 'max_tokens is too large: 432. This model supports at most 400 completion tokens.',
      code: 'invalid_value',
    },
  }
  const refusing = (error: object) => (call: Call) => {
    if (capOf(call) !== undefined) throw Object.assign(new Error('400'), { status: 400, ...error })
    return echo(call)
  }

  it.each(Object.entries(refusals))('as %s gets no more caps, and no record is lost', async (_, error) => {
    const client = scriptedClient(refusing(error))
    const outcomes = await collect(stringStream(client, { ...options, maxAttempts: 1 }), texts(60))
    expect(outcomes).toHaveLength(60)
    // The refused request does not count as an attempt.
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    const caps = capsOf(client)
    // A field that the server does not know is tried under its older name too.
    const tries = error === refusals['more than the model has'] ? 1 : 2
    expect(caps.filter((cap) => cap !== undefined)).toHaveLength(tries)
    expect(caps.slice(1 + tries)).toEqual(Array(5).fill(undefined))
  })

  it('for several requests at once gets each of them again without a cap', async () => {
    const client = scriptedClient(refusing(refusals['more than the model has']!))
    const stream = stringStream(client, { ...options, maxInFlight: 4, maxAttempts: 1 })
    const outcomes = await collect(stream, texts(200))
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    expect(capsOf(client).filter((cap) => cap !== undefined).length).toBeLessThanOrEqual(4)
  })

  it.each(Object.entries(refusals))('that the user set, as %s, ends the stream', async (_, error) => {
    const client = scriptedClient(refusing(error))
    const thrown = await collect(stringStream(client, { maxOutputTokens: 432 }), texts(5)).catch(
      (reason: unknown) => reason,
    )
    expect(thrown).toBeInstanceOf(PackStreamError)
    expect(thrown).toMatchObject({ code: 'bad_request', unsettled: 5 })
    // The pack, under both names of the field, and two of its records alone.
    expect(client.calls).toHaveLength(error === refusals['more than the model has'] ? 3 : 4)
  })

  it('that was learned, gets the larger cap that the user set', async () => {
    const client = scriptedClient((call) => {
      if (capOf(call) !== 4_000) {
        throw Object.assign(new Error('400'), { status: 400, ...refusals['more than the model has'] })
      }
      return echo(call)
    })
    const outcomes = await collect(stringStream(client, { ...options, maxOutputTokens: 4_000 }), texts(60))
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(capsOf(client).filter((cap) => cap !== 4_000)).toHaveLength(1)
  })
})
