import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { describe, expect, it, vi } from 'vitest'
import type { ApiName, PackStreamOptions } from 'llm-pack-stream'
import { fakeTimers, settle, stringStream, texts } from '../helpers/collect.ts'
import { echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

type Client = PackStreamOptions<string, string>['client']
type Stream = ReturnType<typeof stringStream>
/** The steps of a client: it waits for some ms, or sends an event. */
type Play = Iterable<number | object>

const timeouts = { firstTokenTimeout: 1_000, idleTimeout: 500, requestTimeout: 3_000 }

/**
 * A client that plays the first `plays.length` requests, and answers all other requests at once.
 */
function playing(api: ApiName, ...plays: Play[]) {
  const counts = { requests: 0, events: 0 }
  const fallback = scriptedClient(echo)
  async function* run(play: Play, signal: AbortSignal | undefined) {
    for (const step of play) {
      if (typeof step === 'number') await wait(step, signal)
      if (signal?.aborted) return
      if (typeof step === 'number') continue
      counts.events += 1
      yield step
    }
  }
  const create = (body: never, options?: { signal?: AbortSignal }) => {
    const play = plays[counts.requests]
    counts.requests += 1
    if (play) return Promise.resolve(run(play, options?.signal))
    return api === 'chat'
      ? fallback.chat.completions.create(body, options)
      : Promise.resolve(run(answer, undefined))
  }
  const answer = [text(api, `{"results":[{"id":${idAt(0)},"value":"a"}]}`), ends[api]]
  const client = (
    api === 'chat' ? { chat: { completions: { create } } } : { responses: { create } }
  ) as Client
  return { client, counts }
}

/** It ends without an error when aborted, like the SDK. */
async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const chat = (delta: object | null) => ({ id: 'x', choices: [{ index: 0, delta, finish_reason: null }] })
const text = (api: ApiName, part: string) =>
  api === 'chat' ? chat({ content: part }) : { type: 'response.output_text.delta', delta: part }
const ends = {
  chat: { id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  responses: { type: 'response.completed', response: { id: 'x', status: 'completed' } },
}
/** Repeats an event until every deadline has passed. */
const often = (...steps: (number | object)[]): Play => Array.from({ length: 100 }, () => steps).flat()

const head = '{"results":['
/** Opens an answer, and then writes spaces forever, at this interval. */
const talking = (pause: number): Play => [text('chat', head), ...often(pause, text('chat', ' '))]

const missed = {
  first_token_timeout: { after: 1_000, plays: [100_000] },
  idle_timeout: { after: 900, plays: [400, text('chat', head), 100_000] },
  request_timeout: { after: 3_000, plays: talking(200) },
} as const

const optionOf = (code: string) =>
  code.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof typeof timeouts

describe.each(Object.entries(missed))('%s', (code, { after, plays }) => {
  it('is a failure like any other: the records are sent again, and settle', async () => {
    fakeTimers()
    const { client, counts } = playing('chat', plays)
    const stream = stringStream(client, { ...timeouts, linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(after - 1)
    expect(counts.requests).toBe(1)
    expect(stream.stats.inFlight).toBe(1)
    await vi.advanceTimersByTimeAsync(2)
    expect(stream.stats.inFlight).toBe(0)
    await vi.advanceTimersByTimeAsync(500)
    expect(await outcomes).toMatchObject([{ status: 'fulfilled', value: 'a', attempts: 2 }])
    expect(counts.requests).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is the cause of the rejection after maxAttempts, and names the option', async () => {
    fakeTimers()
    const { client, counts } = playing('chat', plays, plays)
    const stream = stringStream(client, { ...timeouts, linger: 0, maxAttempts: 2 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(2 * after + 501)
    expect(await outcomes).toMatchObject([
      {
        attempts: 2,
        reason: {
          code: 'request_failed',
          cause: {
            name: 'RequestError',
            code,
            message: expect.stringContaining(`(${optionOf(code)})`) as string,
          },
        },
      },
    ])
    expect(counts.requests).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
    const { wasted } = stream.stats.tokens
    // The server has read the prompt of an aborted request, but has reported no usage.
    expect(Object.entries(wasted).filter(([, tokens]) => tokens > 0)).toEqual([
      ['timeout', stream.stats.tokens.estimated],
    ])
    expect(stream.stats.tokens.input).toBeGreaterThan(2 * 50)
  })
})

describe('events that keep a connection open are not tokens', () => {
  const keepAlives: [ApiName, string, object][] = [
    ['chat', 'a role', chat({ role: 'assistant' })],
    ['chat', 'a role with empty content', chat({ role: 'assistant', content: '' })],
    ['chat', 'an empty delta', chat({})],
    ['chat', 'no delta', chat(null)],
    ['chat', 'null for every field', chat({ content: null, refusal: null, reasoning_content: null })],
    ['chat', 'empty lists', chat({ content: '', tool_calls: [], reasoning_details: [] })],
    ['chat', 'no choices', { id: 'x', choices: [] }],
    ['chat', 'an empty object', {}],
    ['responses', 'response.created', { type: 'response.created', response: { id: 'x', status: 'queued' } }],
    ['responses', 'response.in_progress', { type: 'response.in_progress', response: { id: 'x' } }],
    ['responses', 'an added item', { type: 'response.output_item.added', item: {} }],
    ['responses', 'an empty delta', { type: 'response.output_text.delta', delta: '' }],
    ['responses', 'keepalive', { type: 'keepalive', sequence_number: 3 }],
  ]

  it.each(keepAlives)('%s: %s does not stop the first clock', async (api, _name, event) => {
    fakeTimers()
    const stream = stringStream(playing(api, often(100, event)).client, {
      ...timeouts,
      api,
      maxAttempts: 1,
      linger: 0,
    })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(1_001)
    expect(await outcomes).toMatchObject([{ reason: { cause: { code: 'first_token_timeout' } } }])
  })

  it.each(keepAlives)(
    '%s: %s in the middle of an answer does not hide its silence',
    async (api, _name, event) => {
      fakeTimers()
      const play = [text(api, head), ...often(100, event)]
      const stream = stringStream(playing(api, play).client, { ...timeouts, api, maxAttempts: 1, linger: 0 })
      const outcomes = stream.toArray()
      stream.end('a')
      await vi.advanceTimersByTimeAsync(501)
      expect(await outcomes).toMatchObject([{ reason: { cause: { code: 'idle_timeout' } } }])
    },
  )
})

describe('reasoning counts as writing', () => {
  it.each<[ApiName, string, object]>([
    ['chat', 'reasoning_content', chat({ content: null, reasoning_content: 'hm' })],
    ['chat', 'reasoning', chat({ content: '', reasoning: 'hm' })],
    ['chat', 'reasoning_details', chat({ reasoning_details: [{ text: 'hm' }] })],
    ['responses', 'a summary', { type: 'response.reasoning_summary_text.delta', delta: 'hm' }],
    ['responses', 'reasoning text', { type: 'response.reasoning_text.delta', delta: 'hm' }],
  ])('%s: %s stops the first clock, and keeps the answer from being idle', async (api, _name, thought) => {
    fakeTimers()
    const thoughts = Array.from({ length: 5 }, () => [450, thought]).flat()
    const play = [...thoughts, text(api, `{"results":[{"id":${idAt(0)},"value":"a"}]}`), ends[api]]
    const stream = stringStream(playing(api, play).client, { ...timeouts, api, maxAttempts: 1, linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await outcomes).toMatchObject([{ status: 'fulfilled', attempts: 1 }])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a slow consumer', () => {
  const element = (position: number) => `{"id":${idAt(position - 1)},"value":"text ${position - 1}"}`

  it('does not make a request fail, for any length of a pause in the middle of an answer', async () => {
    fakeTimers()
    const rest = 10 * timeouts.requestTimeout
    const play: Play = [
      text('chat', head + element(1)),
      ...[2, 3, 4].flatMap((id) => [400, text('chat', `,${element(id)}`)]),
      ...[400, text('chat', ']}'), ends.chat],
    ]
    const { client, counts } = playing('chat', play)
    const stream = stringStream(client, { ...timeouts, readableHighWaterMark: 1, maxAttempts: 1, linger: 0 })
    for (const record of texts(4)) stream.write(record)
    stream.end()
    const values: unknown[] = []
    const reading = (async () => {
      for await (const outcome of stream) {
        values.push(outcome.status === 'fulfilled' ? outcome.value : outcome.reason)
        await wait(rest, undefined)
      }
    })()
    await vi.advanceTimersByTimeAsync(5 * rest)
    await reading
    expect(values).toEqual(texts(4))
    expect(counts).toEqual({ requests: 1, events: 6 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not give a silent answer more time', async () => {
    fakeTimers()
    const { client } = playing('chat', [text('chat', head + element(1) + ',' + element(2)), 1_000_000])
    const stream = stringStream(client, { ...timeouts, readableHighWaterMark: 1, maxAttempts: 1, linger: 0 })
    for (const record of texts(3)) stream.write(record)
    stream.end()
    await vi.advanceTimersByTimeAsync(100_000)
    // The answer waits only for the consumer.
    expect(vi.getTimerCount()).toBe(0)
    expect(stream.stats).toMatchObject({ inFlight: 1, records: { rejected: 0 } })
    const outcomes = stream.toArray()
    await settle()
    await vi.advanceTimersByTimeAsync(501)
    expect(await outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { reason: { cause: { code: 'idle_timeout' } } },
    ])
  })

  it('that destroys the stream while the stream waits for it leaves no timer', async () => {
    fakeTimers()
    const { client } = playing('chat', [text('chat', head + element(1) + ',' + element(2)), 1_000_000])
    const stream = stringStream(client, { ...timeouts, readableHighWaterMark: 1, linger: 0 })
    for (const record of texts(3)) stream.write(record)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(stream.stats).toMatchObject({ inFlight: 1, records: { fulfilled: 1 } })
    stream.destroy()
    await settle()
    expect(vi.getTimerCount()).toBe(0)
    expect(stream.stats.inFlight).toBe(0)
  })
})

describe('a consumer that works for longer than idleTimeout without a pause', () => {
  /**
   * Real time and a real socket, because the test is about data that has come and was not read yet.
   */
  const work = () => {
    const end = performance.now() + 60
    while (performance.now() < end);
  }
  const ways: [string, (stream: Stream, see: (outcome: unknown) => void) => Promise<unknown>][] = [
    ["by on('data')", (stream, see) => once(stream.on('data', see), 'end')],
    [
      'by for await',
      async (stream, see) => {
        for await (const outcome of stream) see(outcome)
      },
    ],
  ]

  it.each(ways)('%s, does not make a request fail', async (_name, consume) => {
    let requests = 0
    const server = createServer((request, response) => {
      const send = (content: string, finish_reason: string | null = null) =>
        response.write(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`,
        )
      request.resume().on('end', () => {
        requests += 1
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        send('{"results":[')
        let written = 0
        const writing = setInterval(() => {
          if (written++ < 3)
            send(`${written > 1 ? ',' : ''}{"id":${idAt(written - 1)},"value":"text ${written - 1}"}`)
          else {
            clearInterval(writing)
            send(']}', 'stop')
            response.end('data: [DONE]\n\n')
          }
        }, 5)
        response.on('close', () => {
          clearInterval(writing)
        })
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const stream = stringStream(new OpenAI({ baseURL, apiKey: 'x' }), { idleTimeout: 40, linger: 0 })
    for (const record of texts(3)) stream.write(record)
    stream.end()
    const outcomes: unknown[] = []
    await consume(stream, (outcome) => {
      outcomes.push(outcome)
      work()
    })
    expect(outcomes).toMatchObject(texts(3).map((value) => ({ status: 'fulfilled', value, attempts: 1 })))
    expect(requests).toBe(1)
    expect(stream.stats.tokens.wasted.timeout).toBe(0)
    server.close()
  })
})

describe('a client that does not know the signal', () => {
  const never = () => new Promise<never>(() => undefined)
  async function* speechless(opening: object[]) {
    yield* opening
    await never()
  }
  const ways: [string, () => Promise<AsyncIterable<unknown>>, string][] = [
    ['whose create() never resolves', never, 'first_token_timeout'],
    ['whose answer never begins', () => Promise.resolve(speechless([])), 'first_token_timeout'],
    ['whose answer never goes on', () => Promise.resolve(speechless([text('chat', head)])), 'idle_timeout'],
  ]

  it.each(ways)('%s: the stream leaves it as well', async (_name, create, code) => {
    fakeTimers()
    const calls = vi.fn(create)
    const stream = stringStream(
      { chat: { completions: { create: calls } } },
      {
        ...timeouts,
        linger: 0,
        maxAttempts: 3,
      },
    )
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await outcomes).toMatchObject([{ attempts: 3, reason: { cause: { code } } }])
    expect(calls).toHaveBeenCalledTimes(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is ignored after the stream has left it', async () => {
    fakeTimers()
    let speak: (() => void) | undefined
    const late = async function* () {
      await new Promise<void>((resolve) => (speak = resolve))
      yield text('chat', `{"results":[{"id":${idAt(0)},"value":"late"}]}`)
      yield ends.chat
    }
    const client = scriptedClient(echo)
    const answered = client.chat.completions.create.bind(client)
    const create = (body: never, options: never) =>
      speak ? answered(body, options) : (Promise.resolve(late()) as never)
    const stream = stringStream({ chat: { completions: { create } } }, { ...timeouts, linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(1_001)
    speak?.()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await outcomes).toMatchObject([{ value: 'a', attempts: 2 }])
    expect(stream.stats.records).toMatchObject({ read: 1, fulfilled: 1 })
  })
})

const forever = { firstTokenTimeout: Infinity, idleTimeout: Infinity, requestTimeout: Infinity }

describe('Infinity', () => {
  it('waits forever, without a timer that is too long for Node', async () => {
    fakeTimers()
    const month = 2 ** 31
    // The client's own timer cannot hold a month either.
    const aMonth = Array<number>(32).fill(month / 32)
    const play = [
      ...[...aMonth, text('chat', `${head}{"id":${idAt(0)},"value":"a"}`)],
      ...[...aMonth, text('chat', ']}'), ends.chat],
    ]
    const stream = stringStream(playing('chat', play).client, { ...forever, linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(1_000)
    // The client's timer.
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(2 * month)
    expect(await outcomes).toMatchObject([{ value: 'a', attempts: 1 }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(Object.entries(missed))(
    'for the other deadlines leaves %s in force',
    async (code, { after, plays }) => {
      fakeTimers()
      const option = optionOf(code)
      const options = { ...forever, [option]: timeouts[option] }
      const stream = stringStream(playing('chat', plays).client, { ...options, linger: 0, maxAttempts: 1 })
      const outcomes = stream.toArray()
      stream.end('a')
      await vi.advanceTimersByTimeAsync(after + 1)
      expect(await outcomes).toMatchObject([{ reason: { cause: { code } } }])
      expect(vi.getTimerCount()).toBe(0)
    },
  )
})

describe('the SDK is told', () => {
  it.each([
    [timeouts, 2_000],
    [{ ...timeouts, firstTokenTimeout: Infinity }, 4_000],
    [forever, 2 ** 31 - 1],
  ])(
    'to wait for the headers slightly longer than the stream, and not to retry (%#)',
    async (options, timeout) => {
      const seen: unknown[] = []
      const client = scriptedClient((call: Call) => echo(call))
      const create = (body: never, sent: never) => {
        seen.push(sent)
        return client.chat.completions.create(body, sent)
      }
      const stream = stringStream({ chat: { completions: { create } } }, options)
      stream.end('a')
      await once(stream, 'data')
      expect(seen).toMatchObject([{ timeout, maxRetries: 0 }])
    },
  )
})
