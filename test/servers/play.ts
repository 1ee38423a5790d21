import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import OpenAI from 'openai'
import { onTestFinished, vi } from 'vitest'
import { PackStream, type Outcome, type Stats } from 'llm-pack-stream'
import * as z from 'zod'
import { patient } from '../helpers/collect.ts'
import { recordsOf } from '../helpers/scripted-client.ts'
import type { Answer, Row, Seen } from './row.ts'

/** A request, and the time at which it came. The clock stands while a request runs. */
export interface Request extends Seen {
  readonly at: number
}

export interface Played {
  readonly outcomes: readonly Outcome<string, { label: string }>[]
  readonly requests: readonly Request[]
  readonly stats: Stats
  readonly error: (Error & { code?: string }) | undefined
}

/** A server on loopback that can take the place of each kind of server, one after the other. */
export interface StandIn extends AsyncDisposable {
  readonly url: string
  /** Answers from now on as another kind of server does, and notes the requests. */
  be: (answer: Answer) => Request[]
}

export async function startStandIn(): Promise<StandIn> {
  let answer: Answer
  let requests: Request[]
  const server = createServer((request, response) => {
    void json(request).then((received) => {
      const body = received as Seen['body']
      const seen = { number: requests.length, body, records: recordsOf({ messages: [promptIn(body)] }) }
      requests.push({ ...seen, at: performance.now() })
      const reply = answer(seen)
      response.writeHead(reply.status, reply.headers).end(reply.body)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    be: (next) => {
      answer = next
      requests = []
      return requests
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The text with the records. Each API has another place for it. */
function promptIn(body: unknown): { role: string; content: string } {
  const texts: string[] = []
  JSON.stringify(body, (_key, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return { role: 'user', content: texts.find((text) => / in <[\w-]+> tags/.test(text)) ?? '' }
}

const openAi = (baseURL: string) => new OpenAI({ baseURL, apiKey: 'any', logLevel: 'off' })

/** More requests than this mean that the stream asks without an end. */
const MOST_REQUESTS = 30

/** Time by which the clock goes on whenever no request runs, in ms. */
const STEP_MS = 250

/** Sends the records of a row through a stream to a server of its kind. */
export async function play(row: Row, standIn: StandIn): Promise<Played> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const requests = standIn.be(row.answer)
  const stream = new PackStream<string, { label: string }>({
    ...{ ...patient, model: 'm', instructions: 'Echo.', maxInFlight: 1 },
    client: (row.client ?? openAi)(standIn.url),
    schema: z.object({ label: z.string() }),
    ...row.options,
  })
  const outcomes: Played['outcomes'][number][] = []
  let error: Played['error']
  stream.on('data', (outcome: Played['outcomes'][number]) => outcomes.push(outcome))
  stream.on('error', (thrown: Error) => {
    error = thrown
  })
  for (const record of recordsFor(row)) stream.write(record)
  stream.end()
  while (!stream.closed) {
    await new Promise((resolve) => setImmediate(resolve))
    if (requests.length > MOST_REQUESTS) stream.destroy(new Error('The stream asks without an end'))
    if (stream.stats.inFlight === 0) await vi.advanceTimersByTimeAsync(STEP_MS)
  }
  return { outcomes, requests, stats: stream.stats, error }
}

export function recordsFor({ records = ['a', 'b', 'c'] }: Row): readonly string[] {
  return records
}
