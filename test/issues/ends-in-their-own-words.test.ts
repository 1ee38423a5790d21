import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { RequestEndEvent } from 'llm-pack-stream'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { collect, gate, inNoTime, stringStream } from '../helpers/collect.ts'
import { answerOf, scriptedClient, type Call } from '../helpers/scripted-client.ts'
import { answered, chunk, eventStream, frames, refused, sdks } from '../helpers/sdk-clients.ts'

type Connect = (typeof sdks)[number][1]
type Server = Parameters<Connect>[0]

const good = (call: Pick<Call, 'records'>) => answerOf(call, ({ text }) => text)

/** Asks for these records, without waiting for pauses. Returns what became of each of them. */
async function ask(connect: Connect, server: Server, records: readonly string[], maxAttempts = 1) {
  const client = connect(server)
  const stream = stringStream(client, { maxAttempts, maxInFlight: 1 })
  const outcomes = await inNoTime(() => collect(stream, records))
  const told = outcomes
    .toSorted((a, b) => a.index - b.index)
    .map((outcome) => {
      if (outcome.status === 'fulfilled') return outcome.value
      const { code, cause } = outcome.reason as { code: string; cause?: { code: string; message: string } }
      return cause ? [code, cause.code, cause.message] : [code]
    })
  return { told, outcomes, requests: client.requests, stats: stream.stats }
}

describe.each(sdks)('through %s', (_name, connect) => {
  it.each([
    ...['SAFETY', 'RECITATION', 'PROHIBITED_CONTENT', 'BLOCKLIST', 'SPII', 'IMAGE_SAFETY', 'sensitive'],
    ...['content_filter: SAFETY', 'content_filter'],
  ])('a filter that says %s rejects only the guilty record', async (word) => {
    const isGuilty = ({ text }: { text: string }) => text === 'bomb'
    const server: Server = (request) =>
      request.records.some(isGuilty) ? answered('', word) : answered(good(request))
    const { told } = await ask(connect, server, ['a', 'b', 'bomb', 'c'])
    expect(told).toEqual(['a', 'b', ['content_filtered'], 'c'])
  })

  it.each(['MAX_TOKENS', 'max_tokens', 'max_output_tokens', 'model_length', 'length'])(
    'an answer that was cut, in the word %s',
    async (word) => {
      const server: Server = (request) => answered(good(request).slice(0, -5), word)
      expect((await ask(connect, server, ['a'])).told).toEqual([['answer_truncated']])
    },
  )

  const crashed = 'The server answered with an error'
  it.each<[string, string, string]>([
    ['an error event', `event: error\n${frames({ error: { message: 'The model has crashed' } })}`, crashed],
    ['an error event with a text', 'event: error\ndata: The model has crashed\n\n', crashed],
    ['an error that is a text', frames({ error: 'boom' }, '[DONE]'), crashed],
    [
      "vLLM's error",
      frames({ object: 'error', message: 'x', type: 'InternalServerError', code: 500 }, '[DONE]'),
      `${crashed} (500 InternalServerError)`,
    ],
    ['the status as a text', frames({ error: { message: 'x', code: '503' } }), `${crashed} (503)`],
    [
      "Gemini's error",
      frames([{ error: { code: 503, status: 'UNAVAILABLE' } }]),
      `${crashed} (503 UNAVAILABLE)`,
    ],
  ])('%s inside the answer is an error of the server', async (_what, text, message) => {
    const { told } = await ask(connect, () => eventStream(text), ['a'])
    expect(told).toEqual([['request_failed', 'api_error', message]])
  })

  it.each([
    ['"429" in a text', { error: { message: 'Slow down', code: '429' } }],
    ['429 as the status', { error: { message: 'Slow down', status: 429 } }],
    ['"429" as the status', { error: { message: 'Slow down', code: 'busy', status: '429' } }],
    ["Claude's words", { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } }],
    ["Gemini's words", [{ error: { code: 8, message: 'Slow down', status: 'RESOURCE_EXHAUSTED' } }]],
  ])('a rate limit inside the answer costs no attempt: %s', async (_what, event) => {
    const server: Server = (request) =>
      request.number === 0 ? eventStream(frames(event)) : answered(good(request))
    const { outcomes } = await ask(connect, server, ['a'])
    expect(outcomes).toMatchObject([{ status: 'fulfilled', attempts: 1 }])
  })

  it('"401" in a text inside the answer ends the stream', async () => {
    const client = connect(() => eventStream(frames({ error: { message: 'x', code: '401' } })))
    await expect(collect(stringStream(client), ['a'])).rejects.toMatchObject({ code: 'not_authorized' })
  })

  it('an empty `data:` is a sign of life', async () => {
    const server: Server = (request) =>
      eventStream(`data:\n\n: hi\n\n${frames('', chunk({ content: good(request) }), chunk({}, 'stop'))}`)
    expect((await ask(connect, server, ['a'])).told).toEqual(['a'])
  })

  it.each<[string, () => Response, string, string]>([
    [
      'an event that is no JSON',
      () => eventStream(frames(chunk({ content: '{' }), 'oops')),
      'not_json',
      'An event of the answer is not a JSON object',
    ],
    [
      'an empty stream',
      () => eventStream(''),
      'not_a_stream',
      'Expected a stream of events, got an empty body with status 200',
    ],
    [
      'a stream of comments',
      () => eventStream(': hi\n\n'),
      'not_a_stream',
      'Expected a stream of events, got a stream without events',
    ],
    [
      'no content',
      () => new Response(null, { status: 204 }),
      'not_a_stream',
      'Expected a stream of events, got an empty body with status 204',
    ],
    [
      'a page',
      () => new Response('<html>Sign in</html>', { headers: { 'content-type': 'text/html' } }),
      'not_a_stream',
      'Expected a stream of events, got text/html',
    ],
    [
      'an answer that is only a thought',
      () =>
        eventStream(frames(chunk({ content: null, reasoning_content: '{"results":[]}' }), chunk({}, 'stop'))),
      'not_json',
      'All of the answer came as a thought, and no text after it',
    ],
    [
      'an empty answer',
      () => eventStream(frames(chunk({ content: '' }), chunk({}, 'stop'))),
      'not_json',
      'The answer is empty',
    ],
    [
      "Groq's check of the answer",
      () => refused(400, { error: { code: 'json_validate_failed', failed_generation: 'Sure! Here' } }),
      'not_json',
      'The answer is not JSON (400 json_validate_failed)',
    ],
    [
      "Groq's check of a tool's arguments",
      () => refused(400, { error: { code: 'tool_use_failed', type: 'invalid_request_error' } }),
      'not_json',
      'The answer is not JSON (400 tool_use_failed)',
    ],
  ])('%s is named', async (_what, server, code, message) => {
    const { told } = await ask(connect, server, ['a'])
    expect(told).toEqual([['request_failed', code, message]])
  })

  it('an answer that stands still ends at its deadline, and its body is closed', async () => {
    let closed = 0
    const open = () =>
      new ReadableStream<Uint8Array>({
        start: (body) => {
          body.enqueue(new TextEncoder().encode(frames(chunk({ content: '{"results":[' }))))
        },
        cancel: () => void (closed += 1),
      })
    // This `fetch` knows no signal.
    const { told } = await ask(connect, () => new Response(open()), ['a'])
    expect(told).toMatchObject([['request_failed', 'idle_timeout', expect.anything()]])
    expect(closed).toBe(1)
  })

  it("Groq's 413 about tokens per minute is a limit, and no prompt that is too long", async () => {
    const message =
      'Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 12328, please' +
      ' reduce your message size and try again.'
    const server: Server = (request) =>
      request.number === 0
        ? refused(413, { error: { message, type: 'tokens', code: 'rate_limit_exceeded' } })
        : answered(good(request))
    const { outcomes, requests, stats } = await ask(connect, server, ['a', 'b', 'c', 'd'])
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(requests.map(({ records }) => records.length)).toEqual([4, 2, 2])
    expect(stats.rateLimited).toBe(1)
  })

  it.each([
    ['xAI', 'This model’s maximum prompt length is 131072 but the request contains 136973 tokens.'],
    ['Kimi', 'Invalid request: Your request exceeded model token limit: 8192'],
    ['Together', 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4124'],
    ['Copilot', 'prompt token count of 93854 exceeds the limit of 90000'],
    ['Qwen', 'Range of input length should be [1, 30720]'],
    ['TGI', 'Input validation error: `inputs` must have less than 1024 tokens. Given: 1500'],
    ['Volcengine', 'Input length 98816 exceeds the maximum length 98304'],
    ['Doubao', 'Total tokens of image and text exceed max message tokens'],
    ['watsonx', 'the number of input tokens 9154 cannot exceed the total tokens limit 8192 for this model'],
    ['Cohere', 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292'],
  ])('%s says in its own words that a prompt is too long', async (_server, message) => {
    const server: Server = (request) =>
      request.records.length > 2
        ? refused(400, { error: { message, type: 'invalid_request_error' } })
        : answered(good(request))
    const { told, requests } = await ask(connect, server, ['a', 'b', 'c', 'd'])
    expect(told).toEqual(['a', 'b', 'c', 'd'])
    expect(requests.map(({ records }) => records.length)).toEqual([4, 2, 2])
  })

  it('LM Studio says inside the answer that a prompt is too long', async () => {
    const message = 'The number of tokens to keep is greater than the context length (4096)'
    const server: Server = (request) =>
      request.records.length > 2
        ? eventStream(`event: error\n${frames({ error: { message } })}`)
        : answered(good(request))
    const { requests } = await ask(connect, server, ['a', 'b', 'c', 'd'])
    expect(requests.map(({ records }) => records.length)).toEqual([4, 2, 2])
  })

  it("the first id that is not empty is the answer's: Azure's first event has an empty id", async () => {
    const server: Server = (request) =>
      eventStream(
        frames(
          { id: '', object: '', choices: [], prompt_filter_results: [] },
          chunk({ content: good(request) }, null, { id: 'chatcmpl-7' }),
          chunk({}, 'stop', { id: 'chatcmpl-8' }),
        ),
      )
    const { outcomes } = await ask(connect, server, ['a'])
    expect(outcomes).toMatchObject([{ pack: { responseId: 'chatcmpl-7' } }])
  })

  it.each([
    [{ 'retry-after': '3s' }, {}, 3_000],
    [{ 'retry-after': '1m2s' }, {}, 62_000],
    [{}, { error: { message: 'Please try again in 9.5s. Need more?' } }, 9_500],
    [{}, { error: { message: 'Please retry after 6 seconds.' } }, 6_000],
    [{}, { error: { message: 'Please try again in 2 minutes.' } }, 120_000],
    [{}, { error: { message: 'Please wait 59 seconds before retrying.' } }, 59_000],
    [{}, { error: { message: 'x', details: [{ '@type': 'RetryInfo', retryDelay: '7s' }] } }, 7_000],
    [{ 'retry-after': '2' }, { error: { message: 'Please try again in 9.5s' } }, 2_000],
  ])('a pause is read: %j %j', async (headers, body, pause) => {
    const times: number[] = []
    const server: Server = (request) => {
      times.push(performance.now())
      return request.number === 0 ? refused(429, body, headers) : answered(good(request))
    }
    await ask(connect, server, ['a'])
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(pause)
    expect(times[1]! - times[0]!).toBeLessThan(pause * 1.2 + 200)
  })

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'Node.js does not trust the certificate of the server (DEPTH_ZERO_SELF'],
    ['CERT_HAS_EXPIRED', 'Node.js does not trust the certificate of the server (CERT_HAS_EXPIRED)'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', '(ERR_TLS_CERT_ALTNAME_INVALID): check `client.baseURL`'],
  ])('a certificate is named, and not tried again: %s', async (code, message) => {
    const client = connect(() => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) })
    })
    await expect(collect(stringStream(client), ['a'])).rejects.toMatchObject({
      code: 'not_connectable',
      message: expect.stringContaining(message) as string,
      cause: { code: 'connection', message: `The connection failed or broke off (${code})` },
    })
    expect(client.requests).toHaveLength(1)
  })

  it('a port to which `fetch` does not connect is named, and not tried again', async () => {
    const client = connect(() => {
      throw new TypeError('fetch failed', { cause: new Error('bad port') })
    })
    await expect(collect(stringStream(client), ['a'])).rejects.toMatchObject({
      code: 'not_connectable',
      message: expect.stringContaining('use another port') as string,
    })
    expect(client.requests).toHaveLength(1)
  })

  it('an answer that is no HTTP is named, and tried again', async () => {
    const cause = Object.assign(new Error('Expected HTTP/'), { code: 'HPE_INVALID_CONSTANT' })
    const server: Server = () => {
      throw new TypeError('fetch failed', { cause })
    }
    const { told, requests } = await ask(connect, server, ['a'], 2)
    expect(told).toEqual([
      ['request_failed', 'connection', 'The connection failed or broke off (HPE_INVALID_CONSTANT)'],
    ])
    expect(requests).toHaveLength(2)
  })
})

it('requests of a stream that the user destroys end as `aborted`, not as failures of the connection', async () => {
  const ends: RequestEndEvent[] = []
  const listener = (event: unknown) => ends.push(event as RequestEndEvent)
  subscribe('llm-pack-stream:request:end', listener)
  const { opened, open } = gate()
  const client = scriptedClient(() => {
    open()
    return new Promise(() => undefined)
  })
  const stream = stringStream(client)
  stream.end('a')
  await opened
  stream.destroy()
  await once(stream, 'close')
  await new Promise(setImmediate)
  unsubscribe('llm-pack-stream:request:end', listener)
  expect(ends.filter((end) => end.stream === stream)).toMatchObject([{ end: 'failure', error: 'aborted' }])
})
