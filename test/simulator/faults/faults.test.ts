import OpenAI from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { type FaultKind, faultKinds, type Faults, type Simulator } from 'llm-pack-stream/simulator'
import { resolveFaults } from '../../../src/simulator/faults/options.ts'
import { FaultPlan } from '../../../src/simulator/faults/plan.ts'
import { post, start } from '../helpers.ts'

type Element = { id: unknown; label: unknown; score: unknown }

const schema = {
  type: 'object',
  properties: {
    results: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'integer' },
          label: { enum: ['card', 'refund'] },
          score: { type: ['number', 'null'] },
        },
        required: ['id', 'label', 'score'],
        additionalProperties: false,
      },
    },
  },
  required: ['results'],
  additionalProperties: false,
}

/** Makes a request with these records. */
const ask = (texts: readonly string[], more: object = {}) => ({
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'Label each record.' },
    {
      role: 'user',
      content: texts.map((text, i) => `<record id="${i + 1}">${text}</record>`).join('\n'),
    },
  ],
  response_format: { type: 'json_schema', json_schema: { name: 'r', schema, strict: true } },
  ...more,
})
const texts = (count: number, more = '') =>
  Array.from({ length: count }, (_, i) => `a refund for card ${i} ${more}`)
const streamed = { stream: true, stream_options: { include_usage: true } }

const startWith = (faults: Faults) => start({ faults })
const always = (kind: FaultKind, seed = 1) => startWith({ seed, rates: { [kind]: 1 } })

type Chunk = {
  error?: { message: string; code: string | null }
  choices?: { delta: { content?: string; refusal?: string | null }; finish_reason: string | null }[]
  usage?: { completion_tokens: number } | null
}

/** Returns everything that a stream sent before it ended or failed. */
async function read(response: Response, stopAfter = Infinity) {
  const seen = { text: '', refusal: '', finish: '', usage: 0, events: 0, done: false }
  const failed: { error?: NonNullable<Chunk['error']>; broken?: string; cause?: unknown } = {}
  const take = (event: string) => {
    const data = event.replace(/^data: /, '')
    if (data === '[DONE]') {
      seen.done = true
      return
    }
    seen.events++
    let chunk: Chunk
    try {
      chunk = JSON.parse(data) as Chunk
    } catch {
      failed.broken = data
      return
    }
    if (chunk.error) failed.error = chunk.error
    const choice = chunk.choices?.[0]
    seen.text += choice?.delta.content ?? ''
    seen.refusal += choice?.delta.refusal ?? ''
    seen.finish += choice?.finish_reason ?? ''
    seen.usage += chunk.usage?.completion_tokens ?? 0
  }
  let rest = ''
  try {
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split('\n\n')
      rest = events.pop() ?? ''
      events.forEach(take)
      if (seen.text.length > stopAfter) break
    }
  } catch (error) {
    failed.cause = (error as Error).cause
  }
  return { ...seen, ...failed, rest }
}

async function ask1(simulator: Simulator, payload: unknown) {
  return read(await post(simulator, payload))
}

/** Returns the chunks that the SDK returns, up to the end of the stream. */
async function bySdk(simulator: Simulator, payload: unknown) {
  const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'k', maxRetries: 0, logLevel: 'off' })
  const stream = await client.chat.completions.create(payload as OpenAI.ChatCompletionCreateParamsStreaming)
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

const parse = (text: string) => (JSON.parse(text) as { results: Element[] }).results

/**
 * Returns the complete elements of an answer that is cut at any place, and the text after the last
 * complete element.
 */
function wholeElements(text: string): { elements: Element[]; rest: string } {
  const found = [...text.matchAll(/\{"id":[^{}]*\}/g)]
  const last = found.at(-1)
  const rest = last === undefined ? text : text.slice(last.index + last[0].length)
  return { elements: found.map(([element]) => JSON.parse(element) as Element), rest }
}

/** The records of these requests have ids from 1, so counting from 1 is no fault. */
const visibleKinds = faultKinds.filter((kind) => kind !== 'counted_from_one' && kind !== 'counted_on')

async function rightAnswer(records: readonly string[]): Promise<Element[]> {
  await using simulator = await start()
  const { text } = await ask1(simulator, ask(records, streamed))
  const right = parse(text)
  expect(right.map(({ id }) => id)).toEqual(records.map((_, i) => i + 1))
  return right
}

const records = texts(8)
const right = await rightAnswer(records)

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

describe('in place of an answer', () => {
  test('rate_limit names a time, and the SDK waits for it', async () => {
    await using simulator = await always('rate_limit')
    const response = await post(simulator, ask(records))
    expect(response.status).toBe(429)
    const wait = Number(response.headers.get('retry-after-ms'))
    expect(wait).toBeGreaterThanOrEqual(20)
    expect(wait).toBeLessThanOrEqual(50)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })

    const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'k', maxRetries: 2 })
    const pauses = vi.spyOn(globalThis, 'setTimeout')
    await expect(client.chat.completions.create(ask(records) as never)).rejects.toBeInstanceOf(
      OpenAI.RateLimitError,
    )
    // By itself, the SDK would wait for 375 ms or more.
    const named = pauses.mock.calls.filter(([, ms = 0]) => ms >= 20 && ms <= 50)
    expect(named).toHaveLength(2)
    pauses.mockRestore()
    expect(simulator.stats).toMatchObject({ requests: 4, rateLimited: 4, inputTokens: 0, outputTokens: 0 })
    expect(simulator.stats.faults.rate_limit).toBe(4)
  })

  test('rate_limit_bare names no time', async () => {
    await using simulator = await always('rate_limit_bare')
    const response = await post(simulator, ask(records))
    expect(response.status).toBe(429)
    expect([...response.headers.keys()].filter((name) => name.startsWith('retry'))).toEqual([])
    expect(simulator.stats).toMatchObject({ rateLimited: 1, faults: { rate_limit_bare: 1 } })
  })

  test('server_error', async () => {
    await using simulator = await always('server_error')
    const response = await post(simulator, ask(records, streamed))
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: null } })
  })

  test('reset_before: with and without headers', async () => {
    const fates = new Set<string>()
    for (const seed of seeds) {
      await using simulator = await always('reset_before', seed)
      const response = await post(simulator, ask(records, streamed)).catch((error: unknown) => error as Error)
      if (response instanceof Error) {
        expect(response.cause).toMatchObject({
          code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) as string,
        })
        fates.add('without')
        continue
      }
      expect(response.status).toBe(200)
      const { events, cause } = await read(response)
      expect({ events, cause }).toMatchObject({ events: 0, cause: { code: expect.any(String) as string } })
      fates.add('with')
    }
    expect(fates.size).toBe(2)
  })

  test.each([
    ['html', 'text/html; charset=utf-8', '<!doctype html>'],
    ['json', 'application/json', '{"error":{'],
  ] as const)('%s: to the SDK a stream of nothing', async (kind, type, begin) => {
    await using simulator = await always(kind)
    const response = await post(simulator, ask(records, streamed))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect(await response.text()).toMatch(new RegExp(`^${begin}`))
    expect(await bySdk(simulator, ask(records, streamed))).toEqual([])
    expect(simulator.stats).toMatchObject({ requests: 2, completed: 0, inputTokens: 0, inFlight: 0 })
    expect(simulator.stats.faults[kind]).toBe(2)
  })
})

describe('an answer that breaks off', () => {
  test.each(seeds)('reset_inside: in the middle of an element, seed %i', async (seed) => {
    await using simulator = await always('reset_inside', seed)
    const { text, finish, cause } = await ask1(simulator, ask(records, streamed))
    const { elements, rest } = wholeElements(text)
    expect(elements).toEqual(right.slice(0, elements.length))
    expect(elements.length).toBeLessThan(8)
    expect(rest).toMatch(/^(?:\{"results":\[|,)\{/)
    expect({ finish, cause }).toMatchObject({ finish: '', cause: { code: expect.any(String) as string } })
    expect(simulator.stats).toMatchObject({ completed: 0, aborted: 0, inFlight: 0 })
  })

  test.each(seeds)('silent_end, seed %i', async (seed) => {
    await using simulator = await always('silent_end', seed)
    const answer = await ask1(simulator, ask(records, streamed))
    const { elements, rest } = wholeElements(answer.text)
    expect(elements.length).toBeGreaterThan(0)
    expect(elements).toEqual(right.slice(0, elements.length))
    expect(elements.length).toBeLessThan(8)
    expect(answer).toMatchObject({ finish: '', done: false, rest: '', usage: 0 })
    expect([rest, answer.cause]).toEqual(['', undefined])
    const { outputTokens, inputTokens } = simulator.stats
    // One event holds the role.
    expect(outputTokens).toBe(answer.events - 1)
    expect(inputTokens).toBeGreaterThan(100)
  })

  test('stall: until the client closes the connection', async () => {
    await using simulator = await always('stall')
    const abort = new AbortController()
    const response = await post(simulator, ask(records, streamed), {}, abort.signal)
    const reading = read(response)
    await expect.poll(() => simulator.stats.outputTokens).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(simulator.stats).toMatchObject({ inFlight: 1, completed: 0, aborted: 0, faults: { stall: 1 } })
    abort.abort()
    const { elements } = wholeElements((await reading).text)
    expect(elements.length).toBeGreaterThan(0)
    expect(elements).toEqual(right.slice(0, elements.length))
    await expect.poll(() => simulator.stats).toMatchObject({ inFlight: 0, aborted: 1 })
  })

  test('error_frame: the SDK throws the error of the event', async () => {
    await using simulator = await always('error_frame')
    const answer = await ask1(simulator, ask(records, streamed))
    expect(answer).toMatchObject({ finish: '', done: false, error: { code: 'server_error' } })
    expect(wholeElements(answer.text).elements.length).toBeGreaterThan(0)
    const error: unknown = await bySdk(simulator, ask(records, streamed)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ status: undefined, code: 'server_error', type: 'server_error' })
  })

  test('malformed_frame: the SDK throws a SyntaxError', async () => {
    await using simulator = await always('malformed_frame')
    const answer = await ask1(simulator, ask(records, streamed))
    expect(answer).toMatchObject({ finish: '', done: false, broken: expect.stringMatching(/^\{/) as string })
    expect(answer.cause).toMatchObject({ code: expect.any(String) as string })
    await expect(bySdk(simulator, ask(records, streamed))).rejects.toThrow(SyntaxError)
  })

  test.each(['silent_end', 'malformed_frame', 'reset_inside', 'error_frame', 'stall'] as const)(
    '%s in an answer in one piece',
    async (kind) => {
      await using simulator = await always(kind)
      const leaving = new AbortController()
      const answer = post(simulator, ask(records), {}, leaving.signal)
        .then((response) => response.json())
        .catch((error: unknown) => (error as Error).name)
      await expect.poll(() => simulator.stats.faults[kind]).toBe(1)
      if (kind === 'stall') leaving.abort()
      const outcome = await answer
      if (kind === 'error_frame') expect(outcome).toMatchObject({ error: { code: 'server_error' } })
      else {
        const name = { silent_end: 'SyntaxError', stall: 'AbortError' }[kind as string] ?? 'TypeError'
        expect(outcome).toBe(name)
      }
      expect(simulator.stats).toMatchObject({ completed: 0 })
    },
  )
})

describe('an answer with a wrong finish reason', () => {
  test.each(seeds)('cut: length in the middle of an element, seed %i', async (seed) => {
    await using simulator = await always('cut', seed)
    const answer = await ask1(simulator, ask(records, streamed))
    const { elements, rest } = wholeElements(answer.text)
    expect(elements).toEqual(right.slice(0, elements.length))
    expect(rest).toMatch(/^(?:\{"results":\[|,)\{/)
    expect(answer).toMatchObject({ finish: 'length', done: true, usage: simulator.stats.outputTokens })
    expect(simulator.stats).toMatchObject({ completed: 1, faults: { cut: 1 } })
  })

  test('content_filter: after some elements', async () => {
    await using simulator = await always('content_filter')
    const { text, finish } = await ask1(simulator, ask(records, streamed))
    expect(finish).toBe('content_filter')
    expect(wholeElements(text).elements.length).toBeGreaterThan(0)
    expect(wholeElements(text).elements.length).toBeLessThan(8)
  })

  test('refusal: refusal deltas without content, or a message with a refusal', async () => {
    await using simulator = await always('refusal')
    const answer = await ask1(simulator, ask(records, streamed))
    expect(answer).toMatchObject({ text: '', finish: 'stop', done: true })
    expect(answer.refusal).toBe("I'm sorry, but I can't assist with that request.")
    expect(answer.usage).toBe(simulator.stats.outputTokens)
    expect(answer.usage).toBeGreaterThan(5)
    const whole = await post(simulator, ask(records))
    expect(await whole.json()).toMatchObject({
      choices: [{ message: { content: null, refusal: answer.refusal }, finish_reason: 'stop' }],
    })
  })

  test('free_text', async () => {
    await using simulator = await always('free_text')
    const { text, finish } = await ask1(simulator, ask(records, streamed))
    expect(finish).toBe('stop')
    expect(text).toMatch(/^Here is /)
  })

  test('wrong_content_type: the right bytes', async () => {
    await using simulator = await always('wrong_content_type')
    const response = await post(simulator, ask(records, streamed))
    expect(response.headers.get('content-type')).toBe('text/plain')
    const { text, done } = await read(response)
    expect(done).toBe(true)
    expect(parse(text)).toEqual(right)
    expect(simulator.stats).toMatchObject({ completed: 1, faults: { wrong_content_type: 1 } })
  })

  test('whole_json: the right answer as one JSON text', async () => {
    await using simulator = await always('whole_json')
    const response = await post(simulator, ask(records, streamed))
    expect(response.headers.get('content-type')).toBe('application/json')
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    expect(parse(choices[0]?.message.content ?? '')).toEqual(right)
    expect(simulator.stats).toMatchObject({ completed: 1, faults: { whole_json: 1 } })
  })

  test('heartbeats: events without data between the others', async () => {
    await using simulator = await always('heartbeats')
    const body = await (await post(simulator, ask(records, streamed))).text()
    const events = body.split('\n\n')
    expect(events[0]).toBe('data:')
    const sound = events.filter((event) => event !== 'data:').join('\n\n')
    const { text, done } = await read(new Response(sound))
    expect(done).toBe(true)
    expect(parse(text)).toEqual(right)
    expect(simulator.stats).toMatchObject({ completed: 1, faults: { heartbeats: 1 } })
  })

  test('error_event: one event with the name of an error, and the status as a text', async () => {
    await using simulator = await always('error_event')
    const body = await (await post(simulator, ask(records, streamed))).text()
    expect(body).toMatch(/^event: error\ndata: \{"error":.*"code":"503".*\}\n\n$/)
    expect(simulator.stats).toMatchObject({ faults: { error_event: 1 } })
  })

  test.each(['whitespace', 'repeating'] as const)(
    '%s: until the client closes the connection',
    async (kind) => {
      await using simulator = await always(kind)
      const response = await post(simulator, ask(records, streamed))
      const { text } = await read(response, 2000)
      const { elements, rest } = wholeElements(text)
      if (kind === 'whitespace') {
        expect(elements).toEqual(right.slice(0, elements.length))
        expect(rest.trim()).toBe('')
      } else {
        const kept = new Set(elements.map(({ id }) => id)).size
        expect(elements.length).toBeGreaterThan(20)
        expect(elements.slice(0, kept)).toEqual(right.slice(0, kept))
        expect(new Set(elements.slice(kept).map(({ id }) => id))).toEqual(new Set([kept]))
      }
      await expect.poll(() => simulator.stats).toMatchObject({ inFlight: 0, aborted: 1, completed: 0 })
      expect(simulator.stats.outputTokens).toBeLessThan(50_000)
    },
  )

  test.each(['whitespace', 'repeating'] as const)(
    '%s: ends after the limit, with finish reason length',
    async (kind) => {
      await using simulator = await always(kind)
      const whole = await post(simulator, ask(records))
      expect(await whole.json()).toMatchObject({
        choices: [{ finish_reason: 'length' }],
        usage: { completion_tokens: 100_000 },
      })
      const capped = await post(simulator, ask(records, { max_completion_tokens: 500 }))
      expect(await capped.json()).toMatchObject({
        choices: [{ finish_reason: 'length' }],
        usage: { completion_tokens: 500 },
      })
      expect(simulator.stats.faults[kind]).toBe(2)
    },
  )
})

describe('wrong elements under finish reason stop', () => {
  const elementsWith = async (kind: FaultKind, seed: number) => {
    await using simulator = await always(kind, seed)
    const answer = await ask1(simulator, ask(records, streamed))
    expect(answer).toMatchObject({ finish: 'stop', done: true, usage: simulator.stats.outputTokens })
    expect(simulator.stats.faults[kind]).toBe(1)
    return parse(answer.text)
  }
  const isRight = (element: Element) =>
    right.some((other) => JSON.stringify(other) === JSON.stringify(element))

  test.each(seeds)('missing, seed %i', async (seed) => {
    const elements = await elementsWith('missing', seed)
    expect(elements.length).toBeLessThan(8)
    expect(elements).toEqual(right.filter(({ id }) => elements.some((element) => element.id === id)))
  })

  test.each(seeds)('repeated, seed %i', async (seed) => {
    const elements = await elementsWith('repeated', seed)
    expect(elements.length).toBeGreaterThan(8)
    expect(elements.every(isRight)).toBe(true)
    expect(elements.filter(({ id }, at) => elements.findIndex((other) => other.id === id) === at)).toEqual(
      right,
    )
  })

  test.each(seeds)('unknown, seed %i', async (seed) => {
    const elements = await elementsWith('unknown', seed)
    expect(elements).toHaveLength(8)
    const strange = elements.filter((element, at) => element.id !== right[at]?.id)
    expect(strange.length).toBeGreaterThan(0)
    for (const { id } of strange) expect([0, 9, 99_999, 'x']).toContain(id)
  })

  test.each(seeds)('shuffled, seed %i', async (seed) => {
    const elements = await elementsWith('shuffled', seed)
    expect(elements).not.toEqual(right)
    expect(elements.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual(right)
  })

  test.each(seeds)('invalid, seed %i', async (seed) => {
    const elements = await elementsWith('invalid', seed)
    expect(elements.map(({ id }) => id)).toEqual(right.map(({ id }) => id))
    const wrong = elements.filter((element) => !isRight(element))
    expect(wrong.length).toBeGreaterThan(0)
    for (const { label, score } of wrong) {
      expect([typeof label, typeof score]).toContain('object')
      expect([typeof label === 'string', typeof score === 'number']).toContain(false)
    }
  })
})

describe('a fault with few elements', () => {
  test('one record: missing leaves no element, and shuffled changes nothing and is not counted', async () => {
    await using missing = await always('missing')
    expect(parse((await ask1(missing, ask(['x'], streamed))).text)).toEqual([])
    await using shuffled = await always('shuffled')
    expect(parse((await ask1(shuffled, ask(['x'], streamed))).text)).toHaveLength(1)
    expect(shuffled.stats).toMatchObject({ completed: 1, faults: { shuffled: 0 } })
  })

  test.each([
    ['counted_from_zero', [0, 1, 2]],
    ['counted_from_one', [1, 2, 3]],
    ['counted_on', [412, 413, 414]],
    ['left_out', [1, 2]],
    ['text_ids', ['412', '208', '541']],
  ] as const)('%s writes other ids', async (kind, ids) => {
    await using simulator = await always(kind)
    const records = [412, 208, 541].map((id) => `<record id="${id}">text of ${id}</record>`).join('\n')
    const { text } = await ask1(simulator, {
      ...ask(['x'], streamed),
      messages: [{ role: 'user', content: records }],
    })
    expect(parse(text).map(({ id }) => id)).toEqual(ids)
    expect(simulator.stats.faults[kind]).toBe(1)
  })

  test('an answer without elements: faults of elements change nothing, and other faults happen', async () => {
    const plain = { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true }
    for (const kind of ['missing', 'repeated', 'unknown', 'shuffled', 'invalid', 'repeating'] as const) {
      await using simulator = await always(kind)
      expect(await ask1(simulator, plain)).toMatchObject({
        text: expect.stringMatching(/^This is the simulator.*about them\.$/) as string,
        finish: 'stop',
      })
      expect(simulator.stats.faults[kind]).toBe(0)
    }
    await using cut = await always('cut')
    expect(await ask1(cut, plain)).toMatchObject({ finish: 'length' })
    expect(cut.stats.faults.cut).toBe(1)
  })

  test("a fault behind the request's output cap is not counted", async () => {
    for (const kind of ['content_filter', 'stall', 'whitespace', 'unknown', 'invalid'] as const) {
      await using simulator = await always(kind)
      const answer = await ask1(simulator, ask(records, { ...streamed, max_completion_tokens: 2 }))
      expect(answer).toMatchObject({ finish: 'length', usage: 2 })
      expect(simulator.stats).toMatchObject({ completed: 1, outputTokens: 2 })
      expect(simulator.stats.faults[kind]).toBe(0)
    }
  })
})

const guilty = ['fine 1', 'fine 2', 'this is poison', 'fine 4']
const good = await rightAnswer(guilty)

describe('poison', () => {
  const poisoned = (kind: keyof NonNullable<Faults['poison']>) =>
    // With the flag g, a pattern would match only every other time.
    startWith({ rates: { html: 1 }, poison: { [kind]: /POISON$/gi } })

  test.each([
    ['context', 400, 'context_length_exceeded'],
    ['content_filter_error', 400, 'content_filter'],
    ['server_error', 500, null],
  ] as const)('%s', async (kind, status, code) => {
    await using simulator = await poisoned(kind)
    for (let time = 0; time < 3; time++) {
      const response = await post(simulator, ask(guilty, streamed))
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: { code } })
    }
    expect(simulator.stats.faults[`poison_${kind}`]).toBe(3)
    // Without the guilty record, the rates apply.
    const other = await post(simulator, ask(['fine', 'poison inside'], streamed))
    expect(other.headers.get('content-type')).toMatch(/html/)
    await other.text()
    expect(simulator.stats.faults.html).toBe(1)
  })

  test('reset: before the headers', async () => {
    await using simulator = await poisoned('reset')
    for (let time = 0; time < 4; time++) {
      await expect(post(simulator, ask(guilty, streamed))).rejects.toThrow('fetch failed')
    }
    expect(simulator.stats).toMatchObject({ inFlight: 0, faults: { poison_reset: 4, reset_before: 0 } })
  })

  test('refusal: of the whole request', async () => {
    await using simulator = await poisoned('refusal')
    const answer = await ask1(simulator, ask(guilty, streamed))
    expect(answer).toMatchObject({ text: '', refusal: expect.stringMatching(/sorry/) as string })
    expect(simulator.stats.faults).toMatchObject({ poison_refusal: 1, refusal: 0 })
  })

  test('content_filter: before the guilty element', async () => {
    await using simulator = await poisoned('content_filter')
    const { text, finish } = await ask1(simulator, ask(guilty, streamed))
    expect(finish).toBe('content_filter')
    expect(wholeElements(text)).toEqual({ elements: good.slice(0, 2), rest: '' })
  })

  test.each(['missing', 'invalid'] as const)('%s: only the guilty element', async (kind) => {
    await using simulator = await poisoned(kind)
    const { text, finish } = await ask1(simulator, ask(guilty, streamed))
    expect(finish).toBe('stop')
    const elements = parse(text)
    expect(elements.filter(({ id }) => id !== 3)).toEqual(good.filter(({ id }) => id !== 3))
    const own = elements.find(({ id }) => id === 3)
    if (kind === 'missing') expect(own).toBeUndefined()
    else {
      expect(own).toBeDefined()
      expect(own).not.toEqual(good[2])
    }
    expect(simulator.stats.faults[`poison_${kind}`]).toBe(1)
  })

  test('several kinds: faults of single elements are combined, and a fault of the whole request replaces them', async () => {
    await using simulator = await startWith({
      poison: { invalid: /a/, missing: /b/, content_filter: /c/, refusal: /d/, context: /e/ },
    })
    const first = await ask1(simulator, ask(['a', 'b', 'x', 'c', 'x'], streamed))
    expect(first.finish).toBe('content_filter')
    const { elements } = wholeElements(first.text.replace('{"not":"a scalar"}', 'null'))
    expect(elements.map(({ id }) => id)).toEqual([1, 3])
    expect((await ask1(simulator, ask(['a', 'd'], streamed))).refusal).not.toBe('')
    expect((await post(simulator, ask(['d', 'e'], streamed))).status).toBe(400)
    expect(simulator.stats.faults).toMatchObject({
      ...{ poison_invalid: 1, poison_missing: 1, poison_content_filter: 1 },
      ...{ poison_refusal: 1, poison_context: 1 },
    })
  })
})

describe('the plan', () => {
  /** Kinds of faults that end at once and that the client can distinguish without reading much. */
  const rates = { server_error: 0.2, rate_limit_bare: 0.2, html: 0.1, cut: 0.1, missing: 0.2 }
  const requests = Array.from({ length: 60 }, (_, i) => ask(texts(4, `of pack ${i % 50}`)))
  const fateOf = async (simulator: Simulator, payload: unknown) => {
    const response = await post(simulator, payload)
    // The ids of answers count the requests.
    const body = (await response.text()).replace(/"id":"chatcmpl-sim\d+"|"created":\d+/g, '')
    return `${response.status} ${body}`
  }

  test('the same seed and requests give the same faults, in any order', async () => {
    await using one = await startWith({ seed: 5, rates })
    await using two = await startWith({ seed: 5, rates })
    const forwards = await Promise.all(requests.slice(0, 50).map((payload) => fateOf(one, payload)))
    const backwards: string[] = []
    for (const payload of requests.slice(0, 50).reverse()) backwards.unshift(await fateOf(two, payload))
    expect(backwards).toEqual(forwards)
    expect(two.stats.faults).toEqual(one.stats.faults)
    expect(new Set(forwards.map((fate) => fate.slice(0, 3)))).toEqual(new Set(['200', '429', '500']))

    await using other = await startWith({ seed: 6, rates })
    expect(await Promise.all(requests.slice(0, 50).map((payload) => fateOf(other, payload)))).not.toEqual(
      forwards,
    )
  })

  test('a repeated request gets a new decision', async () => {
    await using simulator = await startWith({ rates: { server_error: 0.5 } })
    const fates: number[] = []
    for (let time = 0; time < 40; time++) fates.push((await post(simulator, ask(['same']))).status)
    const failed = fates.filter((status) => status === 500).length
    expect(failed).toBeGreaterThan(8)
    expect(failed).toBeLessThan(32)
    expect(simulator.stats).toMatchObject({ completed: 40 - failed, faults: { server_error: failed } })
  })

  test('each kind gets about its share, and all of them together can be everything', async () => {
    const share = 1 / visibleKinds.length
    const count = 30 * visibleKinds.length
    await using simulator = await start({
      // The test writes no token, because it only checks the choice.
      latency: { timeToFirstToken: 60_000 },
      faults: { rates: Object.fromEntries(visibleKinds.map((kind) => [kind, share])) },
    })
    const abort = new AbortController()
    const sent = Array.from({ length: count }, (_, i) =>
      post(simulator, ask(texts(5, `of pack ${i}`), streamed), {}, abort.signal)
        .then((response) => response.text())
        .catch(() => ''),
    )
    await expect.poll(() => simulator.stats.requests).toBe(count)
    abort.abort()
    await Promise.all(sent)
    const { faults } = simulator.stats
    for (const kind of visibleKinds) {
      expect(faults[kind]).toBeGreaterThan(10)
      expect(faults[kind]).toBeLessThan(60)
    }
    expect(Object.values(faults).reduce((sum, seen) => sum + seen, 0)).toBe(count)
  })

  test('without rates and poison no fault happens, and stats are a copy', async () => {
    await using simulator = await startWith({})
    expect(parse((await ask1(simulator, ask(records, streamed))).text)).toEqual(right)
    const { faults } = simulator.stats
    expect(Object.keys(faults)).toHaveLength(faultKinds.length + 8)
    expect(new Set(Object.values(faults))).toEqual(new Set([0]))
    faults.cut = 7
    expect(simulator.stats.faults.cut).toBe(0)
  })

  test('rate limits come before faults', async () => {
    await using simulator = await start({
      limits: { requestsPerMinute: 1 },
      faults: { rates: { html: 1 }, poison: { context: /never/ } },
    })
    expect((await post(simulator, ask(['x']))).headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect((await post(simulator, ask(['x']))).status).toBe(429)
    expect(simulator.stats).toMatchObject({ rateLimited: 1, faults: { html: 1 } })
  })
})

test('old messages are forgotten after many other messages, so memory is bounded', () => {
  const plan = new FaultPlan(resolveFaults({}))
  const first = plan.next('again').random()
  const second = plan.next('again').random()
  expect(second).not.toBe(first)
  for (let i = 0; i < 60_000; i++) plan.next(`other ${i}`)
  expect(plan.next('again').random()).toBe(first)
  expect(plan.next('again').random()).toBe(second)
})

describe('random chunks', () => {
  const odd = ['naïve café über', '日本語のテキスト', 'smile 😀😀😀 again', 'плохая карта']
  const free = {
    type: 'object',
    properties: {
      results: {
        type: 'array',
        items: {
          type: 'object',
          properties: { id: { type: 'integer' }, summary: { type: 'string' } },
          required: ['id', 'summary'],
          additionalProperties: false,
        },
      },
    },
    required: ['results'],
    additionalProperties: false,
  }
  const payload = ask(odd, {
    ...streamed,
    response_format: { type: 'json_schema', json_schema: { name: 'r', schema: free } },
  })

  test.each([Infinity, 2000])('are the same answer when joined, at %d tokens per second', async (speed) => {
    const latency = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: speed }
    await using plain = await start({ latency })
    await using random = await start({ latency, faults: { chunks: 'random' } })
    const expected = await ask1(plain, payload)
    const response = await post(random, payload)
    const pieces: Uint8Array[] = []
    for await (const piece of response.body as ReadableStream<Uint8Array>) pieces.push(piece)
    const answer = await read(new Response(Buffer.concat(pieces)))
    expect(expected.text).toContain('😀')
    expect(answer).toMatchObject({ text: expected.text, usage: expected.usage, finish: 'stop', done: true })
    expect(random.stats.outputTokens).toBe(plain.stats.outputTokens)
    // There are fewer and longer events. The pieces do not end at the ends of events.
    expect(answer.events).toBeLessThan(expected.events)
    expect(pieces.some((piece) => !Buffer.from(piece).toString().endsWith('\n\n'))).toBe(true)

    const whole = { ...payload, stream: false, stream_options: undefined }
    const bodies = [await post(plain, whole), await post(random, whole)].map(async (response) => {
      const { choices } = (await response.json()) as { choices: unknown }
      return choices
    })
    expect(await bodies[1]).toEqual(await bodies[0])
  })

  test('pieces may end inside characters, and the SDK joins them', async () => {
    await using simulator = await startWith({ chunks: 'random' })
    let split = 0
    for (let time = 0; time < 10; time++) {
      for await (const piece of (await post(simulator, payload)).body!) {
        if (Buffer.from(piece).toString().includes('\ufffd')) split++
      }
    }
    expect(split).toBeGreaterThan(0)
    const chunks = await bySdk(simulator, payload)
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(text).toContain('smile 😀😀😀 again')
  })

  test('work with every kind of fault', async () => {
    const rates = Object.fromEntries(visibleKinds.map((kind) => [kind, 1 / visibleKinds.length]))
    await using simulator = await startWith({ rates, chunks: 'random' })
    const leaving = new AbortController()
    const fates = Promise.allSettled(
      Array.from({ length: 200 }, async (_, i) => {
        const response = await post(simulator, ask(texts(4, `of pack ${i}`), streamed), {}, leaving.signal)
        return read(response, 3000)
      }),
    )
    await expect.poll(() => simulator.stats.requests).toBe(200)
    // Some answers never end.
    setTimeout(() => {
      leaving.abort()
    }, 1_000)
    await fates
    await expect.poll(() => simulator.stats.inFlight).toBe(0)
    for (const kind of visibleKinds) expect(simulator.stats.faults[kind]).toBeGreaterThan(0)
  })
})

describe('close', () => {
  test.each(['stall', 'whitespace', 'repeating', 'reset_inside', 'reset_before'] as const)(
    'breaks off an answer in the middle of %s',
    async (kind) => {
      const simulator = await always(kind)
      const reading = [1, 2, 3].map((i) =>
        post(simulator, ask(texts(5, `of pack ${i}`), streamed)).then(
          (response) => read(response),
          () => undefined,
        ),
      )
      await expect.poll(() => simulator.stats.requests).toBe(3)
      await simulator.close()
      await Promise.all(reading)
      expect(simulator.stats.inFlight).toBe(0)
      await expect(fetch(simulator.baseURL)).rejects.toThrow()
    },
  )
})
