import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ElementEvent, OutcomeEvent, RequestEndEvent, RequestStartEvent } from 'llm-pack-stream'
import { publish } from '../../src/accounts/diagnostics.ts'
import { collect, fakeTimers, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import {
  answerOf,
  echo,
  scriptedClient,
  scriptedResponses,
  type Answer,
  type Call,
} from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

interface Heard {
  readonly starts: RequestStartEvent[]
  readonly ends: RequestEndEvent[]
  readonly elements: ElementEvent[]
  readonly outcomes: OutcomeEvent[]
}

/** Collects everything that is published until the end of the test. */
function listen(): Heard {
  const heard: Heard = { starts: [], ends: [], elements: [], outcomes: [] }
  const channels = {
    'llm-pack-stream:request:start': heard.starts,
    'llm-pack-stream:request:end': heard.ends,
    'llm-pack-stream:element': heard.elements,
    'llm-pack-stream:outcome': heard.outcomes,
  }
  for (const [name, events] of Object.entries(channels)) {
    const listener = (event: unknown) => events.push(event as never)
    subscribe(name, listener)
    onTestFinished(() => void unsubscribe(name, listener))
  }
  return heard
}

/**
 * A model with one fault of each kind in its first answers. The last record never gets a valid
 * result.
 */
const flawed = () =>
  scriptedClient((call) => {
    const value = ({ text }: { text: string }) => (text === 'text 19' ? 42 : text)
    const text = answerOf(call, value)
    switch (call.number) {
      case 0:
        return {
          text: text.replace(']}', `,{"id":${idAt(0)},"value":"text 0"},{"id":"x","value":"whose?"}]}`),
        }
      case 1:
        return { text: text.slice(0, text.length / 2), finishReason: 'length' }
      case 2:
        return { text: text.slice(0, text.length / 2), finishReason: null, usage: null }
      case 3:
        throw Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after-ms': '5' } })
      case 4:
        throw Object.assign(new Error('busy'), { status: 503, code: 'busy', requestID: 'req_4' })
      case 5:
        return { refusal: 'No.' }
      default:
        return { text }
    }
  })

describe('the published events', () => {
  it('agree with the outcomes and with the stats', async () => {
    const { starts, ends, elements, outcomes } = listen()
    const stream = stringStream(flawed(), { maxPackRecords: 5, maxInFlight: 2 })
    const emitted = await inNoTime(() => collect(stream, texts(20)))
    const { records, requests, packs, retries, tokens, rateLimited, elements: faults } = stream.stats
    const numbers = Array.from({ length: requests }, (_, i) => i + 1)
    const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)

    expect(starts.map(({ request }) => request)).toEqual(numbers)
    expect(ends.map(({ request }) => request).toSorted((a, b) => a - b)).toEqual(numbers)
    expect(starts.filter(({ isRetry }) => isRetry)).toHaveLength(retries)
    expect(starts.filter(({ isRetry }) => !isRetry)).toHaveLength(packs)
    for (const { request, settled, unsettled } of ends) {
      expect(settled + unsettled).toBe(starts.find((start) => start.request === request)?.records)
      expect(elements.filter((e) => e.request === request && e.kind === 'fulfilled')).toHaveLength(settled)
    }
    expect(sum(ends.map(({ settled }) => settled))).toBe(records.fulfilled)
    expect(sum(ends.map(({ usage }) => (usage ? usage.input + usage.output : 0)))).toBe(
      tokens.input + tokens.output - tokens.estimated,
    )
    expect(ends.filter(({ end }) => end === 'rate_limit')).toHaveLength(rateLimited)
    for (const kind of ['invalid', 'repeated', 'unknown'] as const) {
      expect(faults[kind], kind).toBeGreaterThan(0)
      expect(elements.filter((element) => element.kind === kind)).toHaveLength(faults[kind])
    }

    expect(outcomes.toSorted((a, b) => a.index - b.index)).toEqual(
      emitted
        .toSorted((a, b) => a.index - b.index)
        .map((outcome) => ({
          index: outcome.index,
          status: outcome.status,
          code: outcome.status === 'rejected' ? outcome.reason.code : undefined,
          attempts: outcome.attempts,
        })),
    )
    expect(records.rejected).toBeGreaterThan(0)
    const indexes = (events: readonly { index: number | undefined }[]) =>
      events.map(({ index = -1 }) => index).toSorted((a, b) => a - b)
    expect(indexes(elements.filter(({ kind }) => kind === 'fulfilled'))).toEqual(
      indexes(outcomes.filter(({ status }) => status === 'fulfilled')),
    )
  })

  it('say how each request ended, in codes', async () => {
    const { ends } = listen()
    await inNoTime(() => collect(stringStream(flawed(), { maxPackRecords: 5, maxInFlight: 1 }), texts(20)))
    expect(ends.slice(0, 6)).toMatchObject([
      { request: 1, responseId: 'answer-0', end: 'complete', error: undefined, settled: 5, unsettled: 0 },
      { request: 2, end: 'length', error: undefined },
      { request: 3, end: 'failure', error: 'cut_short', usage: undefined },
      {
        request: 4,
        end: 'rate_limit',
        error: 'rate_limited',
        status: 429,
        responseId: undefined,
        settled: 0,
      },
      { request: 5, end: 'failure', error: 'api_error', status: 503, requestId: 'req_4', settled: 0 },
      { request: 6, end: 'refusal', error: undefined, settled: 0 },
    ])
    expect(ends[0]?.usage).toEqual({ input: 100, cached: 0, output: 10, reasoning: 0 })
  })

  it('have these fields, and no other fields', async () => {
    const { starts, ends, elements, outcomes } = listen()
    const stream = stringStream(scriptedResponses(echo), { api: 'responses', maxOutputTokens: 500 })
    await collect(stream, ['a'])
    expect(starts).toStrictEqual([
      {
        ...{
          request: 1,
          api: 'responses',
          model: 'm',
          records: 1,
          isRetry: false,
          isAudit: false,
          isEscalated: false,
        },
        maxOutputTokens: 500,
      },
    ])
    expect(ends).toStrictEqual([
      {
        ...{ request: 1, responseId: 'answer-0', end: 'complete', settled: 1, unsettled: 0 },
        ...{ error: undefined, status: undefined, requestId: undefined },
        usage: { input: 100, cached: 0, output: 10, reasoning: 0 },
        firstToken: expect.any(Number) as number,
        duration: expect.any(Number) as number,
      },
    ])
    expect(ends[0]?.duration).toBeGreaterThanOrEqual(0)
    expect(elements).toStrictEqual([{ request: 1, kind: 'fulfilled', index: 0 }])
    expect(outcomes).toStrictEqual([{ index: 0, status: 'fulfilled', code: undefined, attempts: 1 }])
  })

  it.each(['chat', 'responses'] as const)(
    'hold the time to the first token, also of a reasoning token, and no time without a token: %s',
    async (api) => {
      fakeTimers()
      const { ends } = listen()
      const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
      const script = async (call: Pick<Call, 'number' | 'records'>): Promise<Answer> => {
        await pass(10)
        const { text } = echo(call)
        const late = async function* () {
          await pass(20)
          yield '{'
          await pass(40)
          yield (text as string).slice(1)
        }
        switch (call.number) {
          case 0:
            return { text: late() }
          case 1:
            return { text: late(), thoughts: 2 }
          case 2:
            return { refusal: 'No.' }
          case 3:
            // The answer has begun, and no token comes.
            return { text: '', usage: null }
          case 4:
            throw Object.assign(new Error('no'), { status: 400 })
          default:
            return {
              text: (async function* () {
                await pass(1_000)
                yield '{'
              })(),
            }
        }
      }
      const client = api === 'chat' ? scriptedClient(script) : scriptedResponses(script)
      const stream = stringStream(client, {
        api,
        maxPackRecords: 1,
        maxInFlight: 1,
        maxAttempts: 1,
        linger: 0,
        firstTokenTimeout: 500,
      })
      const collected = collect(stream, texts(6))
      await vi.advanceTimersByTimeAsync(2_000)
      expect(await collected).toHaveLength(6)
      const times = [30, 10, 10, undefined, undefined, undefined]
      expect(ends.map(({ firstToken }) => firstToken)).toEqual(times)
      expect(ends.map(({ duration }) => duration)).toEqual([70, 70, 10, 10, 10, 500])
    },
  )

  it('hold their stream in a property that printing does not show', async () => {
    const { starts, ends, elements, outcomes } = listen()
    const streams = [stringStream(scriptedClient(echo)), stringStream(scriptedClient(echo))]
    await Promise.all(streams.map((stream) => collect(stream, ['a'])))
    for (const events of [starts, ends, elements, outcomes]) {
      expect(new Set(events.map(({ stream }) => stream))).toEqual(new Set(streams))
      expect(events.every((event) => !Object.keys(event).includes('stream'))).toBe(true)
    }
  })

  it('cover records that could not be sent, and requests that are aborted', async () => {
    const { starts, ends, outcomes } = listen()
    const client = scriptedClient(() => new Promise(() => undefined))
    const stream = stringStream(client, { serialize: (text) => (text === 'bad' ? (1 as never) : text) })
    stream.write('bad')
    stream.write('a')
    stream.flush()
    await settle()
    expect(outcomes).toMatchObject([{ index: 0, status: 'rejected', code: 'invalid_record', attempts: 0 }])
    expect(starts).toHaveLength(1)
    expect(ends).toEqual([])
    stream.destroy()
    await settle()
    expect(ends).toMatchObject([{ request: 1, end: 'failure', settled: 0, unsettled: 1 }])
  })

  it('come in order: a request starts, its elements close, and it ends', async () => {
    const order: string[] = []
    for (const name of ['request:start', 'element', 'outcome', 'request:end']) {
      const listener = () => order.push(name)
      subscribe(`llm-pack-stream:${name}`, listener)
      onTestFinished(() => void unsubscribe(`llm-pack-stream:${name}`, listener))
    }
    await collect(stringStream(scriptedClient(echo)), ['a', 'b'])
    const both = ['element', 'outcome']
    expect(order).toEqual(['request:start', ...both, ...both, 'request:end'])
  })
})

describe('without a subscriber', () => {
  it('no event is made', () => {
    const build = vi.fn(() => ({ request: 1, kind: 'fulfilled' as const, index: 0 }))
    publish('element', {}, build)
    expect(build).not.toHaveBeenCalled()
    const { elements } = listen()
    publish('element', {}, build)
    expect(build).toHaveBeenCalledTimes(1)
    expect(elements).toHaveLength(1)
  })

  it('a listener that throws changes nothing for the stream', async () => {
    const thrown: unknown[] = []
    const listener = () => {
      throw new Error('from the listener')
    }
    // Node throws the error again later.
    const kept = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => thrown.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of kept) process.on('uncaughtException', listener)
    })
    subscribe('llm-pack-stream:outcome', listener)
    onTestFinished(() => void unsubscribe('llm-pack-stream:outcome', listener))
    expect(await collect(stringStream(scriptedClient(echo)), texts(3))).toHaveLength(3)
    await settle()
    expect(thrown).toHaveLength(3)
  })
})
