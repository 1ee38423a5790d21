import { describe, expect, it, vi } from 'vitest'
import { collect, fakeTimers, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, scriptedClient } from '../helpers/scripted-client.ts'
import { chunk, eventStream, frames, sdks, type Received } from '../helpers/sdk-clients.ts'

type Server = Parameters<(typeof sdks)[number][1]>[0]

const text = (request: Received) => answerOf(request, (record) => record.text.repeat(50))
const usage = (prompt_tokens: number, completion_tokens: number, more: object = {}) => ({
  usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, ...more },
})
const options = { pricing: { input: 1, output: 1 }, maxPackRecords: 20, maxInFlight: 1 }

describe.each(sdks)('through %s', (_name, connect) => {
  async function tokens(server: Server) {
    const stream = stringStream(connect(server), options)
    await collect(stream, texts(20))
    return stream.stats
  }

  it('a count in the first event only is not the whole answer: the rest is estimated', async () => {
    const server: Server = (request) => {
      const pieces = text(request).match(/.{1,4}/gs) ?? []
      const first = chunk({ role: 'assistant', content: '' }, null, usage(1_000, 1))
      return eventStream(frames(first, ...pieces.map((content) => chunk({ content })), chunk({}, 'stop')))
    }
    const { tokens: counted, cost } = await tokens(server)
    expect(counted.input).toBe(1_000)
    // About 7,000 characters.
    expect(counted.output).toBeGreaterThan(1_500)
    expect(counted.estimated).toBe(counted.output - 1)
    expect(cost).toBeCloseTo((counted.input + counted.output) / 1e6, 12)
  })

  it('a count in an early event, before the connection breaks off, is not the whole answer', async () => {
    const server: Server = (request) => {
      const whole = text(request)
      const bytes = new TextEncoder().encode(
        frames(chunk({ content: '' }, null, usage(1_000, 1)), chunk({ content: whole.slice(0, -10) })),
      )
      const pieces = function* () {
        yield bytes
        throw new TypeError('terminated')
      }
      if (request.number > 0) return eventStream(frames(chunk({ content: whole }, 'stop', usage(100, 5))))
      return new Response(ReadableStream.from(pieces()))
    }
    const { tokens: counted } = await tokens(server)
    expect(counted.input).toBe(1_100)
    expect(counted.output).toBeGreaterThan(1_500)
    expect(counted.estimated).toBe(counted.output - 5 - 1)
  })

  it.each([
    ['in the event of the last token', (body: string) => [chunk({ content: body }, 'stop', usage(900, 700))]],
    [
      'in every event, as it grows',
      (body: string) => [
        chunk({ content: body.slice(0, 50) }, null, usage(900, 10)),
        chunk({ content: body.slice(50) }, 'stop', usage(900, 700)),
      ],
    ],
    [
      'after the finish reason',
      (body: string) => [chunk({ content: body }, 'stop'), { choices: [], ...usage(900, 700) }],
    ],
  ])('a count %s is exact', async (_when, events) => {
    const { tokens: counted } = await tokens((request) => eventStream(frames(...events(text(request)))))
    expect(counted).toMatchObject({ input: 900, output: 700, estimated: 0 })
  })

  it.each([
    ['xAI', { total_tokens: 14_428, completion_tokens_details: { reasoning_tokens: 2_809 } }],
    ['Gemini', { total_tokens: 14_428 }],
  ])('%s counts the reasoning beside the output: the total tells', async (_server, more) => {
    const { tokens: counted, cost } = await tokens((request) =>
      eventStream(frames(chunk({ content: text(request) }, 'stop', usage(10_120, 1_499, more)))),
    )
    expect(counted).toMatchObject({ input: 10_120, output: 4_308, reasoning: 2_809, estimated: 0 })
    expect(cost).toBeCloseTo(14_428 / 1e6, 12)
  })

  it.each([NaN, -5, 'many', null, 10])('a total of %s is no reason to count less', async (total_tokens) => {
    const { tokens: counted } = await tokens((request) =>
      eventStream(frames(chunk({ content: text(request) }, 'stop', usage(900, 700, { total_tokens })))),
    )
    expect(counted).toMatchObject({ input: 900, output: 700, reasoning: 0 })
  })

  it('a connection that stays open after the usage holds no slot', async () => {
    fakeTimers()
    const open = (request: Received) => {
      const events = frames(chunk({ content: text(request) }, 'stop'), { choices: [], ...usage(900, 700) })
      return new Response(
        new ReadableStream({
          start: (controller) => {
            controller.enqueue(new TextEncoder().encode(events))
          },
        }),
      )
    }
    const client = connect(open)
    const stream = stringStream(client, { ...options, maxPackRecords: 10 })
    const done = collect(stream, texts(20))
    for (let i = 0; i < 40; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      await vi.advanceTimersByTimeAsync(100)
    }
    expect((await done).every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(client.requests).toHaveLength(2)
    expect(stream.stats.tokens).toMatchObject({ input: 1_800, output: 1_400, estimated: 0 })
  })
})

it('a client that leaves its iterator open holds no slot either', async () => {
  fakeTimers()
  const client = scriptedClient((call) => ({ text: answerOf(call, (record) => record.text) }))
  const { completions } = client.chat
  const create = completions.create.bind(completions)
  completions.create = async (body, sending) => {
    const events = await create(body, sending)
    return (async function* () {
      yield* events
      await new Promise(() => undefined)
    })()
  }
  const done = collect(stringStream(client, { ...options, maxPackRecords: 10 }), texts(20))
  for (let i = 0; i < 40; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(100)
  }
  expect((await done).every(({ status }) => status === 'fulfilled')).toBe(true)
})
