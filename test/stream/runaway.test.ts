import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import { describe, expect, it, vi } from 'vitest'
import type { Outcome } from 'llm-pack-stream'
import { collect, fakeTimers, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, echo, recordsOf, scriptedClient, type Answer } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const element = (position: number, value = `text ${position - 1}`) =>
  JSON.stringify({ id: idAt(position - 1), value })
const values = (outcomes: readonly Outcome<string, string>[]) =>
  outcomes
    .toSorted((a, b) => a.index - b.index)
    .map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))
const attempts = (outcomes: readonly Outcome<string, string>[]) =>
  outcomes.toSorted((a, b) => a.index - b.index).map((outcome) => outcome.attempts)

/**
 * Pieces of an answer that count how many were read and whether the reader closed them. They end
 * after 10,000 pieces.
 */
function watched(...pieces: (string | (() => string))[]) {
  const seen = { pulled: 0, isClosed: false }
  function* text(): Generator<string> {
    let isDone = false
    try {
      for (let i = 0; i < 10_000; i++) {
        const piece = pieces[Math.min(i, pieces.length - 1)] ?? ''
        seen.pulled += 1
        yield typeof piece === 'string' ? piece : piece()
      }
      isDone = true
    } finally {
      seen.isClosed = !isDone
    }
  }
  return { seen, text: text() }
}

/** A model that gives this answer first, and correct answers afterwards. */
function firstly(answer: Answer) {
  return scriptedClient((call) => (call.number === 0 ? answer : echo(call)))
}

describe('an answer of only whitespace is stopped', () => {
  const places: [string, string, number][] = [
    ['before the JSON', '', 0],
    ['after its first bracket', '{', 0],
    ['before its first element', '{"results":[', 0],
    ['between elements', `{"results":[${element(1)},${element(2)}`, 2],
    ['after a comma', `{"results":[${element(1)},`, 1],
    ['inside an element', `{"results":[${element(1)},{"id":${idAt(1)},`, 1],
    ['before a value', `{"results":[${element(1)},{"id":${idAt(1)},"value":`, 1],
  ]
  const pieces: [string, string][] = [
    ['newlines, one by one', '\n'],
    ['spaces, one by one', ' '],
    ['indentation', '\n\t    '],
    ['100 newlines at a time', '\n'.repeat(100)],
    ['5,000 spaces at a time', ' '.repeat(5_000)],
  ]

  it.each(places.flatMap((place) => pieces.map((piece) => [...place, ...piece] as const)))(
    '%s',
    async (_place, start, closed, _piece, blanks) => {
      const { seen, text } = watched(start, blanks)
      const client = firstly({ text })
      const outcomes = await inNoTime(() => collect(stringStream(client), texts(4)))
      expect(values(outcomes)).toEqual(texts(4))
      expect(attempts(outcomes)).toEqual([1, 2, 3, 4].map((id) => (id <= closed ? 1 : 2)))
      expect(seen).toEqual({ pulled: 1 + Math.ceil(501 / blanks.length), isClosed: true })
      expect(client.calls.map(({ records }) => records.length)).toEqual([4, 4 - closed])
    },
  )

  it('after the last element, if no record is missing, it causes no further request', async () => {
    const { seen, text } = watched(`{"results":[${element(1)},${element(2)}]}`, '\n')
    const client = firstly({ text })
    const stream = stringStream(client)
    expect(values(await collect(stream, texts(2)))).toEqual(texts(2))
    expect(seen).toEqual({ pulled: 502, isClosed: true })
    expect(client.calls).toHaveLength(1)
  })

  it('has the code `runaway`, and its tokens are wasted with this cause', async () => {
    const client = scriptedClient(() => ({ text: watched('{"results":[', ' ').text }))
    const stream = stringStream(client, { maxAttempts: 1 })
    expect(await collect(stream, ['a'])).toMatchObject([
      { reason: { code: 'request_failed', cause: { name: 'RequestError', code: 'runaway' } } },
    ])
    expect(stream.stats.tokens.wasted.runaway).toBeGreaterThan(0)
    expect(stream.stats.tokens.wasted.runaway).toBe(stream.stats.tokens.estimated)
  })
})

describe('a string of only whitespace is stopped', () => {
  it.each([
    ['spaces, one by one', ' ', 5_001],
    ['line breaks, as they are written in JSON', String.raw`\n`, 2_501],
    ['tabs and spaces, 1,000 characters at a time', String.raw`\t  `.repeat(250), 6],
    ['line breaks, character by character', String.raw`\r\n`.split(/(?=.)/), 5_001],
  ])('%s', async (_name, blanks, pulled) => {
    const start = `{"results":[${element(1)},{"id":${idAt(1)},"value":"text`
    const { seen, text } = watched(start, ...Array<string | readonly string[]>(3_000).fill(blanks).flat())
    const client = firstly({ text })
    const stream = stringStream(client)
    const outcomes = await inNoTime(() => collect(stream, texts(3)))
    expect(values(outcomes)).toEqual(texts(3))
    expect(attempts(outcomes)).toEqual([1, 2, 2])
    expect(seen).toEqual({ pulled: 1 + pulled, isClosed: true })
    expect(stream.stats.tokens.wasted.runaway).toBeGreaterThan(0)
  })
})

describe('normal whitespace does not stop the answer', () => {
  it.each([
    ['in a string', ' '.repeat(5_000)],
    ['in a string, as escapes', '\n'.repeat(2_500)],
    ['in a string, again and again', `${' '.repeat(5_000)}x${'\t'.repeat(2_500)}x${'\r'.repeat(2_500)}`],
    ['in a string, behind quotes and backslashes', `"\\" \\\\" ${' '.repeat(2_000)}`],
  ])('%s', async (_name, value) => {
    const answer = `{"results":[${element(1, value)},${element(2, 'b')}]}`
    for (const size of [1, 7, answer.length]) {
      const parts = answer.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      const client = scriptedClient(() => ({ text: parts }))
      expect(values(await collect(stringStream(client), ['a', 'b']))).toEqual([value, 'b'])
      expect(client.calls).toHaveLength(1)
    }
  })

  it.each([
    ['indented by ten', 10],
    ['indented by tabs', '\t\t\t\t\t\t\t\t\t\t'],
  ])('in pretty-printed JSON, %s', async (_name, indent) => {
    const client = scriptedClient((call) => ({
      text: JSON.stringify(JSON.parse(answerOf(call, ({ text }) => text)), null, indent).match(
        /[^]{1,9}/g,
      ) as string[],
    }))
    expect(values(await collect(stringStream(client), texts(25)))).toEqual(texts(25))
    expect(client.calls).toHaveLength(1)
  })

  it('in any number of short gaps', async () => {
    const gap = '\n'.repeat(500)
    const client = scriptedClient((call) => ({
      text: answerOf(call, ({ text }) => text).replaceAll(',', `${gap},${gap}`),
    }))
    expect(values(await collect(stringStream(client), texts(25)))).toEqual(texts(25))
    expect(client.calls).toHaveLength(1)
  })
})

describe('elements that the request did not ask for', () => {
  // An element with an id that was not asked, or that comes again, stops the answer by itself.
  const kinds: [string, () => string][] = [
    ['without an id', () => ',{"value":"x"}'],
    ['that are no objects', () => ',"x"'],
  ]

  it.each(kinds)('%s: five in a row stop the answer', async (name, unasked) => {
    const { seen, text } = watched(`{"results":[${element(1)}`, unasked)
    const client = firstly({ text })
    const stream = stringStream(client)
    const outcomes = await inNoTime(() => collect(stream, texts(3)))
    expect(values(outcomes)).toEqual(texts(3))
    expect(attempts(outcomes)).toEqual([1, 2, 2])
    // Only the next character shows where a value ends that is no object.
    expect(seen).toEqual({ pulled: name === 'that are no objects' ? 7 : 6, isClosed: true })
    const { repeated, unknown } = stream.stats.elements
    expect(repeated + unknown).toBe(5)
    expect(client.calls.map(({ records }) => records.length)).toEqual([3, 2])
  })

  it.each(kinds)('%s: repeated rows of four do not stop the answer', async (_name, unasked) => {
    const four = () => Array.from({ length: 4 }, unasked).join('')
    const client = scriptedClient((call) => ({
      text: answerOf(call, ({ text }) => text)
        .replaceAll('},', () => `}${four()},`)
        .split(/(?<=\},)/),
    }))
    const stream = stringStream(client)
    expect(values(await collect(stream, texts(6)))).toEqual(texts(6))
    const { repeated, unknown } = stream.stats.elements
    expect(repeated + unknown).toBe(20)
    expect(client.calls).toHaveLength(1)
  })

  it('do not prevent that later elements of the same delta settle', async () => {
    const many = Array.from({ length: 50 }, () => '{"value":"x"}').join(',')
    const { seen, text } = watched(`{"results":[${element(1)},${many},${element(2)}`, `,${element(3)}`)
    const client = firstly({ text })
    const outcomes = await inNoTime(() => collect(stringStream(client), texts(3)))
    expect(values(outcomes)).toEqual(texts(3))
    expect(attempts(outcomes)).toEqual([1, 1, 2])
    expect(seen).toEqual({ pulled: 1, isClosed: true })
  })

  it('stop the answer also if no record is missing', async () => {
    const { seen, text } = watched(`{"results":[${element(1)},${element(2)}`, `,${element(1)}`)
    const client = firstly({ text })
    expect(values(await collect(stringStream(client), texts(2)))).toEqual(texts(2))
    expect(seen).toEqual({ pulled: 6, isClosed: true })
    expect(client.calls).toHaveLength(1)
  })
})

describe('a slow consumer at that moment', () => {
  it.each([
    ['whitespace', ' '.repeat(600)],
    ['repeated elements', `,${Array.from({ length: 6 }, () => element(1)).join(',')}`],
    ['no JSON', ' That is all.'],
  ])('gets every outcome once: %s in the delta of the waiting elements', async (_name, rest) => {
    const { seen, text } = watched(`{"results":[${element(1)},${element(2)},${element(3)}${rest}`, rest)
    const client = firstly({ text })
    const stream = stringStream(client, { readableHighWaterMark: 1, highWaterMark: 1, maxInFlight: 1 })
    const outcomes: Outcome<string, string>[] = []
    await inNoTime(async () => {
      for (const record of texts(5)) stream.write(record)
      stream.end()
      for await (const outcome of stream) {
        outcomes.push(outcome)
        // A time in which everything happens that does not wait for the consumer.
        await settle()
        if (outcomes.length < 3) expect(client.calls).toHaveLength(1)
      }
    })
    expect(values(outcomes)).toEqual(texts(5))
    expect(attempts(outcomes)).toEqual([1, 1, 1, 2, 2])
    expect(seen.isClosed).toBe(true)
    expect(stream.stats.records).toEqual({ read: 5, fulfilled: 5, rejected: 0, unsettled: 0 })
  })
})

describe('text that is not JSON', () => {
  it('stops the answer at 2,000 characters after an element if a record is missing', async () => {
    const { seen, text } = watched(`{"results":[${element(1)}`, '] Let me explain'.padEnd(100, '.'))
    const client = firstly({ text })
    const outcomes = await inNoTime(() => collect(stringStream(client), texts(3)))
    expect(values(outcomes)).toEqual(texts(3))
    expect(attempts(outcomes)).toEqual([1, 2, 2])
    // 2,000 characters are not too many, and the first piece does not count.
    expect(seen).toEqual({ pulled: 22, isClosed: true })
  })

  it('stops the answer also directly behind the last closed element', async () => {
    const { seen, text } = watched(`{"results":[${element(1)} oops`, 'oops'.repeat(500))
    const client = firstly({ text })
    expect(values(await inNoTime(() => collect(stringStream(client), texts(2))))).toEqual(texts(2))
    expect(seen).toEqual({ pulled: 3, isClosed: true })
  })

  it('is read to the end if no record is missing, to get the usage', async () => {
    const parts = [`{"results":[${element(1)},${element(2)}]}`, ' That', ' is', ' all.']
    const client = scriptedClient(() => ({ text: parts, usage: { input: 70, output: 30 } }))
    const stream = stringStream(client)
    expect(values(await collect(stream, texts(2)))).toEqual(texts(2))
    expect(stream.stats.tokens).toMatchObject({ input: 70, output: 30, estimated: 0 })
    expect(client.calls).toHaveLength(1)
  })

  it('has the code `not_json`', async () => {
    const client = scriptedClient(() => ({ text: 'I cannot do that.' }))
    expect(await collect(stringStream(client, { maxAttempts: 1 }), ['a'])).toMatchObject([
      { reason: { code: 'request_failed', cause: { code: 'not_json' } } },
    ])
  })
})

describe('an answer without any text', () => {
  it('does not count as cut: its records are sent again, also a single record', async () => {
    const client = firstly({ text: '' })
    const outcomes = await inNoTime(() => collect(stringStream(client), ['a']))
    expect(outcomes).toMatchObject([{ value: 'a', attempts: 2 }])
  })

  it.each([
    ['none at all', {}],
    ['empty pieces', { text: ['', ''] }],
    ['none, by the end of a tool call', { finishReason: 'tool_calls' }],
  ])('is a failed request, with the pause of a failed request: %s', async (_name, answer) => {
    fakeTimers()
    const client = scriptedClient(() => answer)
    const outcomes = stringStream(client, { maxAttempts: 2, linger: 0 })
    const all = outcomes.toArray()
    outcomes.end('a')
    await vi.advanceTimersByTimeAsync(50)
    expect(client.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await all).toMatchObject([
      { attempts: 2, reason: { code: 'request_failed', cause: { code: 'not_json' } } },
    ])
    expect(client.calls).toHaveLength(2)
  })
})

describe('an answer that ends for an unknown reason', () => {
  it.each(['error', 'network_error', 'eos', 'STOP'])(
    'is complete if its JSON is complete: %s',
    async (finishReason) => {
      const client = scriptedClient((call) => ({ ...echo(call), finishReason }))
      expect(attempts(await collect(stringStream(client), texts(3)))).toEqual([1, 1, 1])
      expect(client.calls).toHaveLength(1)
    },
  )

  it.each([
    ['nothing', ''],
    ['the beginning', '{"results":['],
    ['some elements', `{"results":[${element(1)},`],
  ])('has failed if its JSON is not complete: %s', async (_name, text) => {
    const client = firstly({ text, finishReason: 'error' })
    const outcomes = await inNoTime(() => collect(stringStream(client), texts(3)))
    const closed = text.includes('id') ? 1 : 0
    expect(attempts(outcomes)).toEqual([1, 2, 3].map((id) => (id <= closed ? 1 : 2)))
    expect(values(outcomes)).toEqual(texts(3))
    // The unsettled records go again together, like after any failure.
    expect(client.calls.map(({ records }) => records.length)).toEqual([3, 3 - closed])
  })

  it.each([
    ['', 'cut_short'],
    ['{"results":[', 'cut_short'],
    ['It went wrong.', 'cut_short'],
  ])('is reported as a failed request: %j, %s', async (text, code) => {
    const client = scriptedClient(() => ({ text, finishReason: 'error' }))
    expect(await inNoTime(() => collect(stringStream(client, { maxAttempts: 2 }), ['a']))).toMatchObject([
      { attempts: 2, reason: { code: 'request_failed', cause: { code } } },
    ])
  })
})

describe.each([
  ['openai 7', (baseURL: string) => new OpenAI({ baseURL, apiKey: 'test' })],
  ['openai 6', (baseURL: string) => new OpenAI6({ baseURL, apiKey: 'test' })],
])('through %s', (_name, connect) => {
  it('a stopped answer is closed at the server, which then stops writing', async () => {
    let requests = 0
    const { promise: hungUp, resolve } = Promise.withResolvers<undefined>()
    const server = createServer((request, response) => {
      const body: Buffer[] = []
      request.on('data', (chunk: Buffer) => body.push(chunk))
      request.on('end', () => {
        const send = (content: string, finish_reason: string | null = null) =>
          response.write(
            `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`,
          )
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        requests += 1
        if (requests === 1) {
          send(`{"results":[${element(1)}`)
          const writing = setInterval(() => send('\n'.repeat(50)), 1)
          response.on('close', () => {
            clearInterval(writing)
            resolve(undefined)
          })
          return
        }
        const records = recordsOf(JSON.parse(Buffer.concat(body).toString()) as never)
        send(
          answerOf({ records }, ({ text }) => text),
          'stop',
        )
        response.end('data: [DONE]\n\n')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
    const outcomes = await collect(stringStream(client), texts(2))
    expect(values(outcomes)).toEqual(texts(2))
    await hungUp
    expect(requests).toBe(2)
    server.close()
  })
})
