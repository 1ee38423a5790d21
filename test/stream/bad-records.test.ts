import { EventEmitter, once } from 'node:events'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { PackStream, PackStreamError, type Outcome } from 'llm-pack-stream'
import * as z from 'zod'
import { collect, inNoTime, stringStream, texts, patient } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'

describe('a record that cannot be serialized', () => {
  const thrown = new Error('mine')
  const fail = () => {
    throw thrown
  }
  const ways: [string, () => unknown, RegExp, Error | undefined][] = [
    ['throws', fail, /threw/, thrown],
    ['returns undefined', () => undefined, /got undefined/, undefined],
    ['returns a number', () => 7, /got 7$/, undefined],
    ['returns null', () => null, /got null$/, undefined],
    ['returns a promise', () => Promise.resolve('x'), /got object$/, undefined],
  ]
  it.each(ways)(
    '%s: it is rejected without being sent, and its neighbours are fulfilled',
    async (_name, serialize, message, original) => {
      const client = scriptedClient(echo)
      const stream = stringStream(client, {
        serialize: (record) => (record === 'bad' ? (serialize() as string) : record),
        preserveOrder: true,
      })
      const outcomes = await collect(stream, ['a', 'bad', 'b'])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(outcomes[1]).toMatchObject({
        index: 1,
        record: 'bad',
        attempts: 0,
        reason: { code: 'invalid_record', original },
      })
      expect(outcomes[1]).not.toHaveProperty('pack')
      expect(outcomes[1]?.status === 'rejected' && outcomes[1].reason.message).toMatch(message)
      expect(client.calls.flatMap(({ records }) => records.map(({ text }) => text))).toEqual(['a', 'b'])
    },
  )

  it('is rejected by default if JSON cannot express it', async () => {
    const stream = new PackStream({
      ...patient,
      client: scriptedClient(echo),
      model: 'm',
      instructions: '',
      schema: z.string(),
    })
    const outcomes = await collect<unknown, string>(stream, [undefined, 1n, { a: 1 }, () => 1])
    const byIndex = outcomes.toSorted((a, b) => a.index - b.index)
    expect(byIndex.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'rejected'])
    expect(byIndex[2]).toMatchObject({ value: '{"a":1}' })
  })
})

describe('null', () => {
  it('is refused by write(), and no other record is lost', async () => {
    const stream = stringStream(scriptedClient(echo))
    stream.write('a')
    expect(() => stream.write(null as unknown as string)).toThrow(/null/)
    stream.write('b')
    stream.end()
    expect(await stream.toArray()).toMatchObject([{ value: 'a' }, { value: 'b' }])
  })
})

describe("a user's countTokens", () => {
  it.each([() => NaN, () => '7' as unknown as number, () => -1])(
    'that does not return a number is refused (%#)',
    (countTokens) => {
      expect(() => stringStream(scriptedClient(echo), { countTokens })).toThrow(
        /`countTokens` to return a number/,
      )
    },
  )

  it('that fails for one record rejects that record', async () => {
    const thrown = new Error('mine')
    const countTokens = (text: string) => {
      if (text.includes('bad')) throw thrown
      return text.includes('odd') ? NaN : 1
    }
    const outcomes = await collect(stringStream(scriptedClient(echo), { countTokens }), [
      'a',
      'bad',
      'odd',
      'b',
    ])
    expect(outcomes.toSorted((a, b) => a.index - b.index)).toMatchObject([
      { value: 'a' },
      {
        reason: {
          code: 'invalid_record',
          message: '`countTokens` threw Error for record 1',
          original: thrown,
        },
      },
      {
        reason: {
          code: 'invalid_record',
          message: 'Expected `countTokens` to return a number for record 2, got NaN',
        },
      },
      { value: 'b' },
    ])
  })
})

describe('a record that the server refuses', () => {
  /**
   * A server that accepts all requests, except requests from number 1 on that hold one of these
   * records.
   */
  const refusing = (status: number, isBad: (text: string) => boolean, fields: object = {}) =>
    scriptedClient((call: Call) => {
      if (call.number > 0 && call.records.some(({ text }) => isBad(text))) {
        throw Object.assign(new Error('as the API says'), { status, ...fields })
      }
      return echo(call)
    })
  const options = { maxPackRecords: 8, maxInFlight: 1, maxAttempts: 1, preserveOrder: true }

  it.each([
    [400, {}],
    [400, { code: 'invalid_request_error' }],
    [403, {}],
    [422, {}],
  ])('%i %j is found by halving, and its neighbours are fulfilled', async (status, fields) => {
    const client = refusing(status, (text) => text === 'text 11', fields)
    const stream = stringStream(client, options)
    const outcomes = await inNoTime(() => collect(stream, texts(24)))
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toMatchObject([
      {
        ...{ index: 11, pack: { size: 1 } },
        reason: { code: 'request_failed', cause: { name: 'RequestError', code: 'api_error', status } },
      },
    ])
    expect(stream.stats.records).toEqual({ read: 24, fulfilled: 23, rejected: 1, unsettled: 0 })
    // 8 attempts for the packs before and after, and 8, 4, 4, 2, 2, 1, 1 for the pack with the
    // record.
    expect(client.calls.map(({ records }) => records.length).toSorted((a, b) => b - a)).toEqual([
      8, 8, 8, 4, 4, 2, 2, 1, 1,
    ])
  })

  it('several are found, although each makes packs of other records fail', async () => {
    const client = refusing(400, (text) => /[37]$/.test(text))
    const outcomes = await inNoTime(() => collect(stringStream(client, options), ['text 0', ...texts(30)]))
    const rejected = outcomes.filter(({ status, index }) => status === 'rejected' && index > 7)
    expect(rejected.map(({ record }) => record)).toEqual([
      'text 7',
      'text 13',
      'text 17',
      'text 23',
      'text 27',
    ])
  })

  it('ends the stream if the server refuses every request', async () => {
    const client = refusing(400, () => true)
    const stream = stringStream(client, options)
    const thrown: unknown = await inNoTime(() => collect(stream, texts(200)).catch((error: unknown) => error))
    expect(thrown).toBeInstanceOf(PackStreamError)
    expect(thrown).toMatchObject({ code: 'bad_request', cause: { code: 'api_error', status: 400 } })
    // The first request was accepted. The next 40 records that are refused alone are rejected.
    expect(client.calls.filter(({ records }) => records.length === 1)).toHaveLength(40 + 1)
    expect(stream.stats.records.rejected).toBe(40)
  })

  it.each([1, 4])('is found in the first request, with %i in flight', async (maxInFlight) => {
    const client = scriptedClient((call) => {
      if (call.records.some(({ text }) => text === 'text 0'))
        throw Object.assign(new Error('no'), { status: 400 })
      return echo(call)
    })
    const outcomes = await collect(stringStream(client, { ...options, maxInFlight }), texts(20))
    const rejected = outcomes.filter(({ status }) => status === 'rejected')
    expect(rejected).toMatchObject([{ index: 0, reason: { code: 'request_failed' }, pack: { size: 1 } }])
    expect(outcomes).toHaveLength(20)
  })

  it('is found while the first answer is still coming', async () => {
    const slow = new EventEmitter()
    const halves = async function* (text: string) {
      const cut = text.indexOf('},') + 1
      yield text.slice(0, cut)
      await once(slow, 'over')
      yield text.slice(cut)
    }
    const client = scriptedClient((call) => {
      if (call.records.some(({ text }) => text === 'text 9'))
        throw Object.assign(new Error('no'), { status: 400 })
      // The first element comes at once, and the others when each other record has its outcome.
      return call.number === 0 ? { text: halves(answerOf(call, ({ text }) => text)) } : echo(call)
    })
    const stream = stringStream(client, { ...options, maxInFlight: 2, preserveOrder: false })
    const outcomes: Outcome<string, string>[] = []
    stream.on('data', (outcome: Outcome<string, string>) => {
      if (outcomes.push(outcome) === 17) slow.emit('over')
    })
    for (const text of texts(24)) stream.write(text)
    stream.end()
    await finished(stream)
    expect(outcomes.filter(({ status }) => status === 'rejected').map(({ index }) => index)).toEqual([9])
    expect(outcomes).toHaveLength(24)
  })

  it.each([
    [1, 1],
    [20, 3],
  ])('ends the stream if all %i records are refused at first, after %i requests', async (count, requests) => {
    const client = scriptedClient(() => {
      throw Object.assign(new Error('as the API says'), { status: 400 })
    })
    await expect(collect(stringStream(client, options), texts(count))).rejects.toMatchObject({
      ...{ code: 'bad_request', unsettled: count },
      cause: { code: 'api_error', status: 400 },
    })
    expect(client.calls).toHaveLength(requests)
  })

  it.each([
    ['the option', { accepted: true }, () => undefined],
    [
      '`assumeAccepted()`',
      {},
      (stream: PackStream<string, string>) => {
        stream.assumeAccepted()
      },
    ],
  ])(
    'is rejected although it is the only record, if %s says that others were accepted',
    async (_, more, tell) => {
      const client = scriptedClient(() => {
        throw Object.assign(new Error('no'), { status: 400 })
      })
      const stream = stringStream(client, { ...options, ...more })
      tell(stream)
      expect(await collect(stream, texts(1))).toMatchObject([{ reason: { code: 'request_failed' } }])
      expect(client.calls).toHaveLength(1)
    },
  )
})
