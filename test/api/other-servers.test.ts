import { readFileSync } from 'node:fs'
import { LLMock, type ChatCompletionRequest } from '@copilotkit/aimock'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  PackStream,
  type ApiName,
  type ChatClient,
  type Outcome,
  type PackStreamOptions,
  type Stats,
} from 'llm-pack-stream'
import * as z from 'zod'
import { collect, patient } from '../helpers/collect.ts'
import { recordsOf } from '../helpers/scripted-client.ts'

// Others wrote the mock server aimock, so it does not share a misunderstanding with this package.

interface Ticket {
  readonly id: string
  readonly text: string
  readonly label: string
}

const tickets = readFileSync(new URL('../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Ticket)
const labels = new Map(tickets.map(({ text, label }) => [text, label]))
const schema = z.object({ label: z.string(), quote: z.string() })
type Result = z.infer<typeof schema>

const ways = [
  { sdk: 'openai 7', api: 'chat' },
  { sdk: 'openai 7', api: 'responses' },
  { sdk: 'openai 6', api: 'chat' },
  { sdk: 'openai 6', api: 'responses' },
] as const
interface Way {
  readonly sdk: 'openai 6' | 'openai 7'
  readonly api: ApiName
}
/**
 * The answer of a model without mistakes. It begins with the last record, so only the ids show
 * which element belongs to which record.
 */
function answer(request: ChatCompletionRequest): string {
  const results = recordsOf(request).map(({ id, text }) => ({ id, label: labels.get(text), quote: text }))
  return JSON.stringify({ results: results.reverse() })
}

const right = (request: ChatCompletionRequest) => ({ content: answer(request) })

const mocks: LLMock[] = []
afterAll(() => Promise.all(mocks.map((mock) => mock.stop())))

async function startMock(): Promise<LLMock> {
  const mock = new LLMock({ host: '127.0.0.1', port: 0, chunkSize: 40 })
  await mock.start()
  mocks.push(mock)
  return mock
}

type Options = Partial<PackStreamOptions<Ticket, Result>>

function packStream(mock: LLMock, { sdk, api }: Way, options: Options): PackStream<Ticket, Result> {
  const connect = { baseURL: `${mock.url}/v1`, apiKey: 'test' }
  const client: ChatClient = sdk === 'openai 7' ? new OpenAI(connect) : new OpenAI6(connect)
  return new PackStream({
    ...patient,
    ...{ client, api, model: 'gpt-4o-mini', instructions: 'Label.', schema },
    serialize: ({ text }) => text,
    ...options,
  })
}

interface Run {
  /** The outcomes in the order of the input. */
  readonly outcomes: readonly Outcome<Ticket, Result>[]
  readonly rejected: readonly (readonly [text: string, code: string])[]
  readonly stats: Stats
  /** Status and number of records of each request, as the server saw them. */
  readonly requests: readonly (readonly [status: number, records: number])[]
}

/** Sends tickets through a mock server, and checks the promises that hold for every server. */
async function label(mock: LLMock, way: Way, input: readonly Ticket[], options: Options = {}): Promise<Run> {
  const stream = packStream(mock, way, options)
  const outcomes = (await collect(stream, input)).toSorted((a, b) => a.index - b.index)
  const { stats } = stream
  const requests = mock.getRequests().map(({ body, response }) => {
    return { status: response.status, records: recordsOf(body as ChatCompletionRequest) }
  })

  // Each record has one outcome, and never a neighbour's answer.
  expect(outcomes.map(({ index, record }) => [index, record])).toEqual([...input.entries()])
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') continue
    const { label, text: quote } = outcome.record
    expect(outcome.value).toEqual({ label, quote })
  }
  // A record with an outcome was not sent again: each record was sent as often as its outcome says.
  const sent = new Map<string, number>()
  for (const { text } of requests.filter(({ status }) => status !== 429).flatMap(({ records }) => records)) {
    sent.set(text, (sent.get(text) ?? 0) + 1)
  }
  expect(outcomes.map(({ record, attempts }) => [record.text, attempts])).toEqual(
    input.map(({ text }) => [text, sent.get(text)]),
  )
  // The SDK has sent no request by itself.
  expect(requests).toHaveLength(stats.requests)
  return {
    ...{ outcomes, stats },
    rejected: outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [[outcome.record.text, outcome.reason.code] as const] : [],
    ),
    requests: requests.map(({ status, records }) => [status, records.length] as const),
  }
}

/** Number of records in each request, the largest first. */
const sizes = (requests: Run['requests']) => requests.map(([, records]) => records).toSorted((a, b) => b - a)

/** Matches the first request that no earlier fixture has taken. */
const first = { sequenceIndex: 0 }
const serverError = { message: 'The server had an error', type: 'server_error' }
/** A pause that is longer than the deadlines below, in ms. */
const STALL = 12_000

/** What the server does once, and whether a part of that answer arrives. */
const faults: Record<string, { plan: (mock: LLMock) => void; arrives: boolean; options?: Options }> = {
  'answers 500': {
    plan: (mock) => mock.on(first, { error: serverError, status: 500 }),
    arrives: false,
  },
  'answers 503, as its next request error': {
    plan: (mock) => mock.nextRequestError(503, serverError),
    arrives: false,
  },
  'drops the request (500 by chaos)': {
    plan: (mock) => mock.on(first, right, { chaos: { dropRate: 1 } }),
    arrives: false,
  },
  'answers 200 with garbage': {
    plan: (mock) => mock.on(first, right, { chaos: { malformedRate: 1 } }),
    arrives: false,
  },
  'hangs up before the headers': {
    plan: (mock) => mock.on(first, right, { chaos: { disconnectRate: 1 } }),
    arrives: false,
  },
  'resets the connection after some chunks': {
    plan: (mock) => mock.on(first, right, { truncateAfterChunks: 20, latency: 2 }),
    arrives: true,
  },
  'resets the connection after some time': {
    plan: (mock) => mock.on(first, right, { disconnectAfterMs: 1_500, latency: 20 }),
    arrives: true,
  },
  'does not begin to answer': {
    plan: (mock) => mock.on(first, right, { streamingProfile: { ttft: STALL } }),
    arrives: false,
    options: { firstTokenTimeout: 5_000 },
  },
  'falls silent in the middle': {
    plan: (mock) => {
      const interChunkDelaysMs = Array.from({ length: 200 }, (_, chunk) => (chunk === 20 ? STALL : 0))
      mock.on(first, right, { recordedTimings: { ttftMs: 0, interChunkDelaysMs, totalDurationMs: STALL } })
    },
    arrives: true,
    options: { idleTimeout: 4_000 },
  },
}

describe.concurrent.each(ways)('aimock, through $sdk, $api', (way) => {
  it('labels all tickets without a fault', async () => {
    const mock = await startMock()
    mock.on({}, right)
    const { rejected, requests, stats } = await label(mock, way, tickets)
    expect(rejected).toEqual([])
    // 330 records in packs of 25. The last two packs have equal size.
    expect(requests).toEqual([...Array<unknown>(12).fill([200, 25]), [200, 15], [200, 15]])
    const { input, output, estimated } = stats.tokens
    // With Responses, aimock reports a usage of 0. That is not a count.
    expect(estimated).toBe(way.api === 'chat' ? 0 : input + output)
    expect(output).toBeGreaterThan(5_000)
  })

  it.each(Object.entries(faults))('%s', async (_name, { plan, arrives, options }) => {
    const mock = await startMock()
    plan(mock)
    mock.on({}, right)
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 60), {
      maxPackRecords: 20,
      ...options,
    })
    expect(rejected).toEqual([])
    // Three packs, and one pack with the unsettled records of one of them.
    expect(requests).toHaveLength(4)
    expect(requests.slice(0, 3).map(([, records]) => records)).toEqual([20, 20, 20])
    const again = requests[3]?.[1]
    if (arrives) {
      expect(again).toBeGreaterThan(0)
      expect(again).toBeLessThan(20)
    } else {
      expect(again).toBe(20)
    }
  })

  it.each([
    [
      'an error',
      (mock: LLMock) => mock.on(first, { error: { message: 'Slow down' }, status: 429, retryAfter: 2 }),
    ],
    ['its chaos', (mock: LLMock) => mock.on(first, right, { chaos: { rateLimitRate: 1 } })],
  ])('answers 429 by %s: the stream waits as told, and charges no attempt', async (cause, plan) => {
    const mock = await startMock()
    plan(mock)
    mock.on({}, right)
    const { outcomes, requests, stats } = await label(mock, way, tickets.slice(0, 10), {
      maxPackRecords: 5,
      maxInFlight: 1,
    })
    expect(outcomes.map(({ status, attempts }) => [status, attempts])).toEqual(
      Array<unknown>(10).fill(['fulfilled', 1]),
    )
    expect(requests).toEqual([
      [429, 5],
      [200, 5],
      [200, 5],
    ])
    expect(stats.rateLimited).toBe(1)
    const [refused, accepted] = mock.getRequests().map(({ timestamp }) => timestamp)
    expect(accepted! - refused!).toBeGreaterThanOrEqual(cause === 'an error' ? 1_990 : 990)
  })

  it('cuts answers at its output cap', async () => {
    const mock = await startMock()
    // The cap allows 700 characters, which is about five records.
    mock.on({}, (request) => {
      const content = answer(request)
      return content.length > 700 ? { content: content.slice(0, 700), finishReason: 'length' } : { content }
    })
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 60), { maxPackRecords: 20 })
    expect(rejected).toEqual([])
    expect(sizes(requests).slice(0, 3)).toEqual([20, 20, 20])
    // The other records went on in packs that fit.
    expect(sizes(requests)[3]).toBeLessThan(10)
    expect(requests.length).toBeLessThan(25)
  })

  it('says that it cut an answer, although no record is missing', async () => {
    const mock = await startMock()
    mock.on({}, (request) => ({ content: answer(request), finishReason: 'length' }))
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 20))
    expect(rejected).toEqual([])
    expect(requests).toEqual([[200, 20]])
  })

  it('filters one record, and its neighbours are fulfilled', async () => {
    const mock = await startMock()
    const guilty = tickets[7]!.text
    mock.on({}, (request) =>
      recordsOf(request).some(({ text }) => text === guilty)
        ? { content: '', finishReason: 'content_filter' }
        : right(request),
    )
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 20))
    if (way.api === 'chat') {
      expect(rejected).toEqual([[guilty, 'content_filtered']])
      expect(sizes(requests)).toEqual([20, 10, 10, 5, 5, 3, 2, 2, 1])
    } else {
      // With Responses, aimock does not say why the answer failed. The stream treats it like any
      // failure: in the end the record is sent alone.
      expect(rejected).toEqual([[guilty, 'request_failed']])
      expect(sizes(requests)).toEqual([20, 20, 10, 10, ...Array<number>(10).fill(1)])
    }
  })

  it('refuses to read one record, as Azure does', async () => {
    const mock = await startMock()
    const guilty = tickets[7]!.text
    mock.on({}, (request) =>
      recordsOf(request).some(({ text }) => text === guilty)
        ? { error: { message: 'Filtered', code: 'content_filter' }, status: 400 }
        : right(request),
    )
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 20))
    expect(rejected).toEqual([[guilty, 'content_filtered']])
    expect(sizes(requests)).toEqual([20, 10, 10, 5, 5, 3, 2, 2, 1])
  })

  it('has a short context', async () => {
    const mock = await startMock()
    mock.on({}, (request) =>
      recordsOf(request).length > 6
        ? { error: { message: 'Too long', code: 'context_length_exceeded' }, status: 400 }
        : right(request),
    )
    const { rejected, requests } = await label(mock, way, tickets.slice(0, 20))
    expect(rejected).toEqual([])
    expect(sizes(requests)).toEqual([20, 10, 10, 5, 5, 5, 5])
  })

  it.each([
    ['not_authorized', (mock: LLMock) => mock.nextRequestError(401, { message: 'Wrong key' })],
    ['insufficient_quota', (mock: LLMock) => mock.nextRequestError(429, { code: 'insufficient_quota' })],
    // aimock knows only fixtures.
    ['not_found', (mock: LLMock) => mock],
  ])('refuses every request: %s', async (code, plan) => {
    const mock = await startMock()
    plan(mock)
    const stream = packStream(mock, way, { maxInFlight: 1 })
    await expect(collect(stream, tickets.slice(0, 25))).rejects.toMatchObject({ code, unsettled: 25 })
    expect(mock.getRequests()).toHaveLength(1)
  })

  it('sends half an emoji at a time', async () => {
    const mock = await startMock()
    mock.on({}, right, { chunkSize: 1 })
    const moved = tickets.filter(({ text }) => /\p{Emoji_Presentation}/u.test(text))
    expect(moved.length).toBeGreaterThan(10)
    const { rejected, requests } = await label(mock, way, moved)
    expect(rejected).toEqual([])
    expect(requests).toEqual([[200, moved.length]])
  })
})

// This test runs alone, because it seeds the random numbers of aimock.
describe.each([ways[0], ways[3]])('aimock in chaos, through $sdk, $api', (way) => {
  it('gives every ticket its own label', async () => {
    let seed = 1
    const dice = vi.spyOn(Math, 'random').mockImplementation(() => {
      seed = (seed * 16_807) % (2 ** 31 - 1)
      return seed / 2 ** 31
    })
    onTestFinished(() => {
      dice.mockRestore()
    })
    const mock = await startMock()
    mock.setChaos({ dropRate: 0.08, malformedRate: 0.08, disconnectRate: 0.08 })
    mock.on(first, right, { truncateAfterChunks: 12, latency: 2 })
    mock.on({ sequenceIndex: 1 }, right, { disconnectAfterMs: 50, latency: 4 })
    mock.on({}, right)
    // Of this number of requests, chaos leaves all alone in less than one run of ten million.
    const options = { maxPackRecords: 5, maxInFlight: 33, maxAttempts: 20 }
    const { rejected, stats } = await label(mock, way, tickets, options)
    expect(rejected).toEqual([])
    expect(stats.packs).toBe(66)
    expect(stats.retries).toBeGreaterThan(2)
  })
})
