import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import type { ResponseStreamEvent } from 'openai/resources/responses/responses'
import { describe, expect, it } from 'vitest'
import { PackStream, type Outcome, type PackStreamOptions, type ResponsesClient } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { collect, inNoTime, stringStream, texts, patient } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient, scriptedResponses } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const tickets = readFileSync(new URL('../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { id: string; text: string; label: string })
  .slice(0, 100)
const schema = z.object({ label: z.enum(tickets.map(({ label }) => label)), confidence: z.number() })
const instant = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }

/** The sent requests: the path and the body of each. */
type Sent = { path: string; body: Record<string, unknown> }[]

const sdks = [
  [
    'openai 7',
    (options: { baseURL: string; fetch: typeof fetch }) => new OpenAI({ ...options, apiKey: 'test' }),
  ],
  [
    'openai 6',
    (options: { baseURL: string; fetch: typeof fetch }) => new OpenAI6({ ...options, apiKey: 'test' }),
  ],
] as const

describe.each(sdks)('through %s against the simulator', (_name, connect) => {
  async function run(options: Partial<PackStreamOptions<(typeof tickets)[number], z.infer<typeof schema>>>) {
    await using simulator = await startSimulator({ latency: instant })
    const sent: Sent = []
    const spy = (url: string | URL | Request, init?: RequestInit) => {
      const { pathname } = new URL(url instanceof Request ? url.url : url)
      sent.push({ path: pathname, body: JSON.parse(init?.body as string) as Sent[number]['body'] })
      return fetch(url, init)
    }
    const stream = new PackStream({
      ...patient,
      client: connect({ baseURL: simulator.baseURL, fetch: spy }),
      ...{ model: 'm', instructions: 'Label.', schema, maxInFlight: 1 },
      serialize: ({ text }) => text,
      ...options,
    })
    const outcomes = await collect(stream, tickets)
    const values = outcomes
      .toSorted((a, b) => a.index - b.index)
      .map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))
    return { values, sent, stats: stream.stats, simulated: simulator.stats }
  }

  it('gives the same results as Chat Completions, for the same tokens', async () => {
    const responses = await run({ api: 'responses' })
    const chat = await run({ api: 'chat' })
    expect(responses.values).toEqual(chat.values)
    expect(responses.values).toHaveLength(tickets.length)
    expect(new Set(responses.sent.map(({ path }) => path))).toEqual(new Set(['/v1/responses']))
    expect(new Set(chat.sent.map(({ path }) => path))).toEqual(new Set(['/v1/chat/completions']))
    for (const { stats, simulated } of [responses, chat]) {
      const { requests, inputTokens, cachedTokens, outputTokens } = simulated
      expect(stats.records).toEqual({ read: 100, fulfilled: 100, rejected: 0, unsettled: 0 })
      expect(stats.requests).toBe(requests)
      expect(stats.tokens).toMatchObject({ input: inputTokens, cached: cachedTokens, output: outputTokens })
      expect(stats.tokens).toMatchObject({ estimated: 0, used: inputTokens + outputTokens })
    }
    expect(responses.stats.tokens).toEqual(chat.stats.tokens)
  })

  it('sends the form that the API requires, and asks it to store nothing', async () => {
    const { sent } = await run({ api: 'responses', request: { temperature: 0, prompt_cache_key: 'k' } })
    expect(sent.length).toBeGreaterThan(1)
    for (const { body } of sent) {
      expect(body).toMatchObject({
        ...{ model: 'm', stream: true, store: false, temperature: 0, prompt_cache_key: 'k' },
        input: [{ role: 'system' }, { role: 'user' }],
        text: { format: { type: 'json_schema', name: 'results', strict: true, schema: { type: 'object' } } },
      })
      expect(body).not.toHaveProperty('messages')
      expect(body).not.toHaveProperty('max_completion_tokens')
    }
  })

  it('lets the API store requests if the user asks for it', async () => {
    const { sent } = await run({ api: 'responses', request: { store: true } })
    expect(sent.every(({ body }) => body['store'] === true)).toBe(true)
  })

  it('sends the cap as max_output_tokens: no cap at first, and then the learned cap', async () => {
    const free = await run({ api: 'responses' })
    const caps = free.sent.map(({ body }) => body['max_output_tokens'])
    expect(caps[0]).toBeUndefined()
    expect(caps.slice(1).every((cap) => typeof cap === 'number' && cap > 100 && cap < 5_000)).toBe(true)
    const capped = await run({ api: 'responses', maxOutputTokens: 400 })
    expect(capped.sent[0]?.body['max_output_tokens']).toBe(400)
    expect(capped.sent.every(({ body }) => Number(body['max_output_tokens']) <= 400)).toBe(true)
    expect(capped.values).toEqual(free.values)
  })
})

type Event = Record<string, unknown>

const created = { type: 'response.created', response: { id: 'r', status: 'in_progress', usage: null } }
const delta = (text: string) => ({ type: 'response.output_text.delta', delta: text })
const textDone = (text: string) => ({ type: 'response.output_text.done', text })
const usage = {
  input_tokens: 200,
  input_tokens_details: { cached_tokens: 128 },
  output_tokens: 40,
  output_tokens_details: { reasoning_tokens: 30 },
}
const ended = (type: string, response: Event) => ({ type, response: { id: 'r', usage, ...response } })
const incomplete = (reason: string) => ({ status: 'incomplete', incomplete_details: { reason } })
const failed = (code: string) =>
  ended('response.failed', { status: 'failed', error: { code, message: 'so it is' } })
const first = `{"results":[{"id":${idAt(0)},"value":"text 0"}`
const whole = `${first},{"id":${idAt(1)},"value":"text 1"},{"id":${idAt(2)},"value":"text 2"}]}`

/** A client that plays these events for its first request, and answers all other requests. */
function playing(events: readonly object[], from = 0) {
  const answered = scriptedResponses(echo)
  const sizes: number[] = []
  async function* play() {
    for (const event of events) yield await Promise.resolve(event as ResponseStreamEvent)
  }
  const client: ResponsesClient = {
    responses: {
      create: async (body, options) => {
        const answer = await answered.responses.create(body, options)
        sizes.push(answered.calls.at(-1)?.records.length ?? 0)
        return sizes.length <= from + 1 ? play() : answer
      },
    },
  }
  return { client, sizes }
}

/**
 * The results of three records: their attempts, or the codes with which they and their requests are
 * rejected.
 */
const fates = (outcomes: readonly Outcome<string, string>[]) =>
  outcomes
    .toSorted((a, b) => a.index - b.index)
    .map((outcome) => {
      if (outcome.status === 'fulfilled') return outcome.value === outcome.record ? outcome.attempts : 'wrong'
      const cause = outcome.reason.cause as { code?: string; apiCode?: string } | undefined
      return [outcome.reason.code, cause?.code, cause?.apiCode].filter(Boolean).join(' ')
    })

interface Ending {
  readonly events: readonly object[]
  /**
   * The results of three records after one such answer, and of a single record with one attempt
   * that always gets such an answer.
   */
  readonly once: readonly unknown[]
  readonly always: unknown
}

const endings: Record<string, Ending> = {
  completed: {
    events: [created, delta(whole), ended('response.completed', { status: 'completed' })],
    once: [1, 1, 1],
    always: 1,
  },
  'incomplete at the output cap': {
    events: [created, delta(first), ended('response.incomplete', incomplete('max_output_tokens'))],
    once: [1, 2, 2],
    always: 1,
  },
  'incomplete at the output cap, before anything closed': {
    events: [created, delta('{"res'), ended('response.incomplete', incomplete('max_output_tokens'))],
    once: [2, 2, 2],
    always: 'answer_truncated',
  },
  'stopped by the content filter': {
    events: [created, delta('{"res'), ended('response.incomplete', incomplete('content_filter'))],
    once: [2, 2, 2],
    always: 'content_filtered',
  },
  'failed with server_error': {
    events: [created, delta(first), failed('server_error')],
    once: [1, 2, 2],
    always: 1,
  },
  'failed with server_error, before anything closed': {
    events: [created, failed('server_error')],
    once: [2, 2, 2],
    always: 'request_failed api_error server_error',
  },
  'failed with rate_limit_exceeded': {
    events: [created, delta(first), failed('rate_limit_exceeded')],
    once: [1, 1, 1],
    always: 1,
  },
  'failed with invalid_prompt': {
    events: [created, failed('invalid_prompt')],
    once: [2, 2, 2],
    always: 'content_filtered api_error invalid_prompt',
  },
  'failed without an error': {
    events: [created, ended('response.failed', { status: 'failed', error: null })],
    once: [2, 2, 2],
    always: 'request_failed api_error response.failed',
  },
  'an error event': {
    events: [
      created,
      delta(first),
      { type: 'error', code: 'server_error', message: 'so it is', param: null },
    ],
    once: [1, 2, 2],
    always: 1,
  },
  'an error event of a rate limit': {
    events: [created, { type: 'error', code: 'rate_limit_exceeded', message: 'slow down', param: null }],
    once: [1, 1, 1],
    always: 1,
  },
  'an error event without a code': {
    events: [created, { type: 'error', message: 'so it is' }],
    once: [2, 2, 2],
    always: 'request_failed api_error error',
  },
  'a refusal, piece by piece': {
    events: [
      ...[created, { type: 'response.refusal.delta', delta: 'I can' }],
      ...[
        { type: 'response.refusal.delta', delta: 'not.' },
        { type: 'response.refusal.done', refusal: 'I cannot.' },
      ],
      ended('response.completed', { status: 'completed' }),
    ],
    once: [2, 2, 2],
    always: 'refused',
  },
  silence: { events: [created, delta(first)], once: [1, 2, 2], always: 1 },
  'silence before anything closed': {
    events: [created],
    once: [2, 2, 2],
    always: 'request_failed cut_short',
  },
  // llama.cpp does this.
  'completed although it was cut': {
    events: [
      created,
      delta(`{"results":[{"id":${idAt(0)},`),
      ended('response.completed', { status: 'completed' }),
    ],
    once: [2, 2, 2],
    always: 'answer_truncated',
  },
  // aimock does this.
  'completed by its name, incomplete by its status': {
    events: [created, delta('{"results":['), ended('response.completed', incomplete('max_output_tokens'))],
    once: [2, 2, 2],
    always: 'answer_truncated',
  },
  'completed, with its text only as a whole': {
    events: [created, textDone(whole), ended('response.completed', { status: 'completed' })],
    once: [1, 1, 1],
    always: 1,
  },
  'completed, with its text in pieces and as a whole': {
    events: [
      ...[created, delta(whole.slice(0, 50)), delta(''), delta(whole.slice(50)), textDone(whole)],
      ended('response.completed', { status: 'completed' }),
    ],
    once: [1, 1, 1],
    always: 1,
  },
  'completed, with its text only in the last event': {
    events: [
      created,
      ended('response.completed', {
        status: 'completed',
        output: [{ type: 'reasoning' }, { content: [{ type: 'output_text', text: whole }] }],
      }),
    ],
    once: [1, 1, 1],
    always: 1,
  },
  'a refusal, only in the last event': {
    events: [
      created,
      ended('response.completed', {
        status: 'completed',
        output: [{ content: [{ type: 'refusal', refusal: 'I cannot.' }] }],
      }),
    ],
    once: [2, 2, 2],
    always: 'refused',
  },
  'completed, without any text': {
    events: [created, textDone(''), ended('response.completed', { status: 'completed' })],
    once: [2, 2, 2],
    always: 'request_failed not_json',
  },
  'a refusal, only as a whole': {
    events: [
      ...[created, { type: 'response.refusal.done', refusal: 'I cannot.' }],
      ended('response.completed', { status: 'completed' }),
    ],
    once: [2, 2, 2],
    always: 'refused',
  },
  'completed, with refusals that say nothing': {
    events: [
      ...[created, { type: 'response.refusal.delta', delta: '' }, delta(whole)],
      ...[
        { type: 'response.refusal.delta', delta: '' },
        { type: 'response.refusal.done', refusal: '' },
      ],
      ended('response.completed', { status: 'completed' }),
    ],
    once: [1, 1, 1],
    always: 1,
  },
  'incomplete without a status': {
    events: [
      ...[created, delta('{"res')],
      ended('response.incomplete', { incomplete_details: { reason: 'max_output_tokens' } }),
    ],
    once: [2, 2, 2],
    always: 'answer_truncated',
  },
  'completed without a status': {
    events: [created, delta(whole), { type: 'response.completed', response: { id: 'r', usage } }],
    once: [1, 1, 1],
    always: 1,
  },
}

describe.each(Object.entries(endings))('an answer that ends: %s', (_name, { events, once, always }) => {
  it('keeps the closed elements, and sends the other records again', async () => {
    const { client } = playing(events)
    const stream = stringStream(client, { api: 'responses' })
    const outcomes = await inNoTime(() => collect(stream, texts(3)))
    expect(fates(outcomes)).toEqual(once)
    expect(stream.stats.records).toEqual({ read: 3, fulfilled: 3, rejected: 0, unsettled: 0 })
  })

  it('rejects a single record with the right code', async () => {
    const isRateLimit = JSON.stringify(events).includes('rate_limit')
    const { client, sizes } = playing(events, isRateLimit ? 1 : Infinity)
    const stream = stringStream(client, { api: 'responses', maxAttempts: 1 })
    expect(fates(await inNoTime(() => collect(stream, texts(1))))).toEqual([always])
    // The stream waits out a rate limit, and sends a cut record once more. The single record may
    // have settled before.
    const settledFirst = events.some((event) => JSON.stringify(event).includes('text 0'))
    const isCut = always === 'answer_truncated'
    expect(sizes).toEqual(isRateLimit && !settledFirst ? [1, 1, 1] : isCut ? [1, 1] : [1])
  })
})

describe('the accounts', () => {
  it('take the usage from the last event of any kind', async () => {
    for (const last of [
      ended('response.completed', { status: 'completed' }),
      ended('response.incomplete', incomplete('max_output_tokens')),
      failed('server_error'),
    ]) {
      const { client } = playing([created, delta(whole), last])
      const stream = stringStream(client, { api: 'responses' })
      const outcomes = await collect(stream, texts(3))
      expect(outcomes.map(({ pack }) => pack?.responseId)).toEqual(['r', 'r', 'r'])
      expect(stream.stats.tokens).toMatchObject({
        input: 200,
        cached: 128,
        output: 40,
        reasoning: 30,
        estimated: 0,
      })
    }
  })

  it.each(['piece by piece', 'only as a whole'])(
    'of a refusal, %s, hold its text in the property `refusal`',
    async (how) => {
      const { client } = playing(endings[`a refusal, ${how}`]?.events ?? [], Infinity)
      const [outcome] = await collect(stringStream(client, { api: 'responses' }), ['a'])
      expect(outcome).toMatchObject({ reason: { code: 'refused', refusal: 'I cannot.' } })
    },
  )
})

describe('through the SDK, over HTTP', () => {
  it.each(
    sdks.flatMap(([sdk, connect]) =>
      ([true, false] as const).map((isNamed) => [sdk, isNamed, connect] as const),
    ),
  )(
    '%s: an error event (named: %s) breaks the answer off, and the other records are sent again',
    async (_sdk, isNamed, connect) => {
      let requests = 0
      const respond = (_url: unknown, init?: RequestInit) => {
        requests += 1
        const { input } = JSON.parse(init?.body as string) as { input: { content: string }[] }
        const error = { type: 'error', code: 'server_error', message: 'so it is', param: null }
        const ids = Array.from(input[1]?.content.matchAll(/id="(\d+)">([^<]*)/g) ?? [], ([, id, text]) => ({
          id: Number(id),
          text: text ?? '',
        }))
        const events =
          requests === 1
            ? [created, delta(first), error]
            : [
                created,
                delta(answerOf({ records: ids }, ({ text }) => text)),
                ended('response.completed', { status: 'completed' }),
              ]
        const frames = events.map((event) => {
          const name = isNamed ? `event: ${event.type}\n` : ''
          return `${name}data: ${JSON.stringify(event)}\n\n`
        })
        return Promise.resolve(
          new Response(frames.join(''), { headers: { 'content-type': 'text/event-stream' } }),
        )
      }
      const client = connect({ baseURL: 'http://localhost/v1', fetch: respond })
      const outcomes = await inNoTime(() => collect(stringStream(client, { api: 'responses' }), texts(3)))
      expect(fates(outcomes)).toEqual([1, 2, 2])
      expect(requests).toBe(2)
    },
  )
})

describe('a client without the method', () => {
  it('is refused at once', () => {
    const chat = scriptedClient(echo)
    expect(() => stringStream(chat, { api: 'responses' })).toThrow(/`client`.*responses\.create/)
    expect(() => stringStream(scriptedResponses(echo))).toThrow(/`client`.*chat\.completions\.create/)
  })

  it.each(['input', 'text', 'max_output_tokens', 'previous_response_id', 'tools', 'messages', 'n'])(
    'a `request` that sets %s is refused',
    (field) => {
      const request = { [field]: 'x' }
      expect(() => stringStream(scriptedResponses(echo), { api: 'responses', request })).toThrow(field)
    },
  )
})
