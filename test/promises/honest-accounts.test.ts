import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { describe, expect, it, vi } from 'vitest'
import { collect, fakeTimers, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import {
  answerOf,
  echo,
  recordsOf,
  scriptedClient,
  scriptedResponses,
  type Answer,
  type Call,
} from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const pricing = { input: 1, cachedInput: 0.5, output: 10 }
const wasted = (stream: ReturnType<typeof stringStream>) =>
  Object.fromEntries(Object.entries(stream.stats.tokens.wasted).filter(([, tokens]) => tokens > 0))

describe('honest accounts', () => {
  it('wait for the usage, which comes after the last element', async () => {
    const server = createServer((request, response) => {
      const body: Buffer[] = []
      request.on('data', (chunk: Buffer) => body.push(chunk))
      request.on('end', () => {
        const send = (frame: object) => response.write(`data: ${JSON.stringify({ id: 'x', ...frame })}\n\n`)
        const elements = recordsOf(JSON.parse(Buffer.concat(body).toString()) as never).map(({ id, text }) =>
          JSON.stringify({ id, value: text }),
        )
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        send({ choices: [{ index: 0, delta: { content: `{"results":[${elements.join(',')}` } }] })
        setTimeout(() => {
          send({ choices: [{ index: 0, delta: { content: ']}' }, finish_reason: 'stop' }] })
          send({ choices: [], usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 } })
          response.end('data: [DONE]\n\n')
        }, 30)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const stream = stringStream(new OpenAI({ baseURL, apiKey: 'x' }), { maxPackRecords: 5, pricing })
    await collect(stream, texts(20))
    expect(stream.stats).toMatchObject({
      requests: 4,
      inFlight: 0,
      tokens: { input: 400, output: 200, estimated: 0 },
    })
    expect(stream.stats.cost).toBeCloseTo((400 * 1 + 200 * 10) / 1e6, 12)
    server.close()
  })

  it('count cached tokens separately', async () => {
    const client = scriptedClient((call) => ({
      ...echo(call),
      usage: { input: 1_000, cached: 800, output: 100 },
    }))
    const stream = stringStream(client, { pricing })
    await collect(stream, texts(5))
    expect(stream.stats.cost).toBeCloseTo((200 * 1 + 800 * 0.5 + 100 * 10) / 1e6, 12)
  })

  it('show the cause of wasted tokens: a record without an element', async () => {
    const client = scriptedClient((call) => {
      const records = call.number === 0 ? call.records.slice(1) : call.records
      return {
        text: answerOf({ ...call, records }, ({ text }) => text),
        usage: { input: 1_000, output: 100 },
      }
    })
    const stream = stringStream(client)
    await collect(stream, texts(10))
    // A tenth of the first prompt was for the record that was sent again.
    expect(wasted(stream)).toEqual({ missing: 100 })
    expect(stream.stats).toMatchObject({ packs: 1, retries: 1, tokens: { input: 2_000, output: 200 } })
  })

  it('show the cause of wasted tokens: elements that settle no record', async () => {
    const client = scriptedClient((call) => ({
      // The four elements have the same length, and the second has no id.
      text: `{"results":[{"id":${idAt(0)},"value":"same"},{"no":${idAt(0)},"value":"same"},{"id":${idAt(1)},"value":"same"},{"id":${idAt(1)},"value":"same"}]}`,
      usage: { input: call.number, output: 100 },
    }))
    const stream = stringStream(client)
    await collect(stream, texts(2))
    expect(wasted(stream)).toEqual({ repeated: 25, unknown: 25 })
  })

  it('keep the usage that the API had reported before the answer broke off', async () => {
    const client = scriptedClient((call) => {
      if (call.number > 0) return echo(call)
      return { ...echo(call), breaksOff: new TypeError('terminated'), usage: { input: 1_000, output: 500 } }
    })
    const stream = stringStream(client)
    await collect(stream, texts(5))
    expect(stream.stats).toMatchObject({ requests: 1, tokens: { input: 1_000, output: 500, estimated: 0 } })
  })

  it('do not wait forever for an answer that stays open after its end', async () => {
    const { opened, open } = gate()
    async function* lingering(call: Call): AsyncGenerator<string> {
      yield answerOf(call, ({ text }) => text)
      await Promise.race([opened, once(call.signal, 'abort')])
    }
    const client = scriptedClient((call) => ({ text: lingering(call) }))
    const stream = stringStream(client)
    expect(await inNoTime(() => collect(stream, texts(5)))).toHaveLength(5)
    expect(stream.stats.tokens.estimated).toBeGreaterThan(0)
    open()
  })

  it('do not make the stream wait longer, also if flush() is called many times', async () => {
    fakeTimers()
    async function* lingering(call: Call): AsyncGenerator<string> {
      yield answerOf(call, ({ text }) => text)
      await once(call.signal, 'abort')
    }
    const stream = stringStream(scriptedClient((call) => ({ text: lingering(call) })))
    const [received, ended] = [vi.fn(), vi.fn()]
    stream.on('data', received).on('end', ended)
    for (const text of texts(5)) stream.write(text)
    stream.end()
    await settle()
    expect(received).toHaveBeenCalledTimes(5)
    for (let second = 1; second <= 10; second++) {
      expect(ended).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(second < 10 ? 1_000 : 1_001)
      stream.flush()
    }
    await settle()
    expect(ended).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('estimate the prompt of a request that missed firstTokenTimeout, because the server has read it', async () => {
    fakeTimers()
    const client = scriptedClient((call) =>
      call.number === 0 ? new Promise<never>(() => undefined) : echo(call),
    )
    const stream = stringStream(client, { firstTokenTimeout: 1_000, linger: 0, pricing })
    const outcomes = stream.toArray()
    for (const text of texts(5)) stream.write(text)
    stream.end()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await outcomes).toHaveLength(5)
    const { tokens, cost, requests } = stream.stats
    expect(requests).toBe(2)
    expect(tokens.estimated).toBeGreaterThan(50)
    expect(tokens).toMatchObject({ input: 100 + tokens.estimated, output: 10 })
    expect(wasted(stream)).toEqual({ timeout: tokens.estimated })
    expect(cost).toBeCloseTo((tokens.input * 1 + 10 * 10) / 1e6, 12)
  })

  it.each<[string, Answer, string, Partial<Record<'output' | 'reasoning', number>>]>([
    ['thoughts', { thoughts: 300, finishReason: null }, 'failure', { output: 300, reasoning: 300 }],
    [
      'thoughts that broke off with an error',
      { thoughts: 300, finishReason: null, breaksOff: new TypeError('terminated') },
      ...(['failure', { output: 300, reasoning: 300 }] as const),
    ],
    ['thoughts that took all the room', { thoughts: 300, finishReason: 'length' }, 'length', { output: 300 }],
    [
      'thoughts before the content filter',
      { thoughts: 9, finishReason: 'content_filter' },
      'content_filter',
      { output: 9 },
    ],
    ['a refusal', { refusal: 'No.', finishReason: null }, 'refusal', { output: 1 }],
    [
      'a refusal that broke off with an error',
      { thoughts: 20, refusal: 'No.', finishReason: null, breaksOff: new TypeError('terminated') },
      ...(['refusal', { output: 21 }] as const),
    ],
    [
      'text, of which each event is a token at least',
      { text: Array<string>(200).fill(' '), finishReason: null },
      ...(['failure', { output: 200, reasoning: 0 }] as const),
    ],
  ])('estimate usage that no server has reported: %s', async (_name, answer, cause, expected) => {
    for (const [api, script] of [
      ['chat', scriptedClient],
      ['responses', scriptedResponses],
    ] as const) {
      const client = script((call: Pick<Call, 'number' | 'records'>) =>
        call.number === 0 ? { usage: null, ...answer } : echo(call),
      )
      const stream = stringStream(client, { api, pricing })
      expect(await inNoTime(() => collect(stream, texts(4)))).toHaveLength(4)
      const { tokens, requests } = stream.stats
      // All requests except the first were counted, with 100 and 10 tokens.
      const output = tokens.output - 10 * (requests - 1)
      expect({ output, reasoning: tokens.reasoning }).toMatchObject(expected)
      expect(tokens.estimated).toBe(tokens.input - 100 * (requests - 1) + output)
      expect(tokens.estimated).toBeGreaterThan(output + 50)
      expect(wasted(stream)).toEqual({ [cause]: tokens.estimated })
    }
  })

  it('estimate the cost of an answer that broke off, and report the estimate', async () => {
    const client = scriptedClient((call) =>
      call.number === 0 ? { text: '{"results":[', finishReason: null, usage: null } : echo(call),
    )
    const stream = stringStream(client)
    await collect(stream, texts(5))
    const { tokens } = stream.stats
    expect(tokens.estimated).toBeGreaterThan(50)
    expect(tokens.input + tokens.output).toBe(110 + tokens.estimated)
    expect(wasted(stream)).toEqual({ failure: tokens.estimated })
  })

  it('count no tokens for a request that never began', async () => {
    const client = scriptedClient((call) => {
      if (call.number === 0)
        throw Object.assign(new Error('busy'), { status: 503, headers: { 'retry-after-ms': '1' } })
      return echo(call)
    })
    const stream = stringStream(client)
    await collect(stream, texts(5))
    expect(stream.stats).toMatchObject({ requests: 2, tokens: { input: 100, output: 10, estimated: 0 } })
    expect(wasted(stream)).toEqual({})
  })

  it('are a frozen snapshot', () => {
    const stream = stringStream(scriptedClient(echo))
    const { stats } = stream
    expect(
      [stats, stats.records, stats.elements, stats.tokens, stats.tokens.wasted].every(Object.isFrozen),
    ).toBe(true)
    stream.write('a')
    expect(stats.records.read).toBe(0)
    expect(stream.stats.records.read).toBe(1)
    expect(stats.cost).toBeUndefined()
    stream.destroy()
  })
})
