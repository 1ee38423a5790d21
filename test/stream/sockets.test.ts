import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import { afterAll, describe, expect, it } from 'vitest'
import { PackStream } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { collect, stringStream, texts, patient } from '../helpers/collect.ts'
import { recordsOf } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const sdks = [
  ['openai 7', (baseURL: string) => new OpenAI({ baseURL, apiKey: 'test' })],
  ['openai 6', (baseURL: string) => new OpenAI6({ baseURL, apiKey: 'test' })],
] as const

const tickets = readFileSync(new URL('../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { id: string; text: string; label: string })
const schema = z.object({ label: z.enum(tickets.map(({ label }) => label)), confidence: z.number() })
const instant = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }

describe.each(sdks)('through %s against the simulator', (_name, connect) => {
  it('packed records get the same results as alone, and every token is counted', async () => {
    const simulator = await startSimulator({ latency: instant })
    const run = async (maxPackRecords: number) => {
      const stream = new PackStream({
        ...patient,
        ...{ client: connect(simulator.baseURL), model: 'm', instructions: 'Label.', schema, maxPackRecords },
        serialize: (ticket: (typeof tickets)[number]) => ticket.text,
      })
      const outcomes = await collect(stream, tickets)
      return { outcomes: outcomes.toSorted((a, b) => a.index - b.index), stats: stream.stats }
    }
    const packed = await run(25)
    const { inputTokens, outputTokens, cachedTokens, requests } = simulator.stats
    const alone = await run(1)
    const results = ({ outcomes }: typeof packed) =>
      outcomes.map((outcome) => outcome.status === 'fulfilled' && [outcome.record.id, outcome.value])

    expect(results(packed)).toEqual(results(alone))
    expect(packed.stats.records).toEqual({ read: 330, fulfilled: 330, rejected: 0, unsettled: 0 })
    expect(packed.stats.requests).toBe(requests)
    expect(packed.stats.tokens).toMatchObject({
      input: inputTokens,
      output: outputTokens,
      cached: cachedTokens,
    })
    expect(Object.values(packed.stats.tokens.wasted).every((tokens) => tokens === 0)).toBe(true)
    await simulator.close()
  })

  it('a destroyed stream closes its requests at the server', async () => {
    const simulator = await startSimulator({ latency: { timeToFirstToken: 5, outputTokensPerSecond: 200 } })
    const stream = stringStream(connect(simulator.baseURL), { maxPackRecords: 20 })
    for (const text of texts(60)) stream.write(text)
    await once(stream, 'data')
    stream.destroy()
    await expect.poll(() => simulator.stats.inFlight).toBe(0)
    expect(simulator.stats).toMatchObject({ aborted: 3, completed: 0 })
    await simulator.close()
  })
})

/** Writes one frame of a streamed answer. */
const frame = (response: ServerResponse, content: string, finish_reason: string | null = null) =>
  response.write(
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`,
  )

const stream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const first = `{"results":[{"id":${idAt(0)},"value":"text 0"},{"id":${idAt(1)},`

/** Faults of a server. Each of them has been seen in real servers. */
const misdeeds: Record<string, (response: ServerResponse) => void> = {
  'ends silently in the middle of an element': (response) => {
    stream(response)
    frame(response, first)
    response.end()
  },
  'resets the connection': (response) => {
    stream(response)
    frame(response, first)
    setImmediate(() => response.destroy())
  },
  'closes in the middle of an event': (response) => {
    stream(response)
    frame(response, first)
    response.end('data: {"id":"x","choi')
  },
  'sends an error inside the stream': (response) => {
    stream(response)
    frame(response, first)
    response.end('data: {"error":{"message":"overloaded","type":"server_error","code":500}}\n\n')
  },
  'sends an error event': (response) => {
    stream(response)
    frame(response, first)
    response.end('event: error\ndata: {"message":"overloaded","code":"server_error"}\n\n')
  },
  // mock-llm of npm does this, with every status.
  'answers 200 with nothing but an error': (response) => {
    stream(response)
    response.end('data: {"error":{"message":"overloaded","type":"server_error"}}\n\n')
  },
  'answers 200 with JSON': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"error":{"message":"busy"}}')
  },
  'answers 200 with HTML': (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>')
  },
  'answers 500': (response) => {
    response.writeHead(500).end()
  },
  'answers 429 without headers': (response) => {
    response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"message":"slow"}}')
  },
  'hangs up before the headers': (response) => {
    response.destroy()
  },
  'sends nothing but [DONE]': (response) => {
    stream(response)
    response.end('data: [DONE]\n\n')
  },
}

describe.each(sdks)('through %s against a server with one fault', (_name, connect) => {
  const misdeed: { next: ((response: ServerResponse) => void) | undefined; requests: string[][] } = {
    next: undefined,
    requests: [],
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const records = recordsOf(JSON.parse(Buffer.concat(chunks).toString()) as never)
      misdeed.requests.push(records.map(({ text }) => text))
      const misbehave = misdeed.next
      misdeed.next = undefined
      if (misbehave) {
        misbehave(response)
        return
      }
      stream(response)
      const elements = records.map(({ id, text }) => JSON.stringify({ id, value: text }))
      frame(response, `{"results":[${elements.join(',')}]}`, 'stop')
      response.end('data: [DONE]\n\n')
    })
  }).listen(0, '127.0.0.1')
  afterAll(() => server.close())

  it.each(Object.keys(misdeeds))('%s', async (name) => {
    misdeed.next = misdeeds[name]
    misdeed.requests = []
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
    const outcomes = await collect(stringStream(client), texts(5))
    expect(outcomes.map(({ index, status }) => [index, status])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [index, 'fulfilled']),
    )
    // The SDK's own retries are off, and settled records were not sent again.
    const salvaged = misdeed.requests[1]?.length === 4
    expect(misdeed.requests).toEqual([texts(5), texts(5).slice(salvaged ? 1 : 0)])
    expect(salvaged).toBe(/in the middle|resets|stream|event/.test(name))
    // A rate limit does not count as an attempt.
    expect(outcomes.at(-1)?.attempts).toBe(name.includes('429') ? 1 : 2)
  })
})
