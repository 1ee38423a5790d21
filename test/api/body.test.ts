import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Body } from '../../src/api/body.ts'
import { fakeTimers, settle } from '../helpers/collect.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** A response whose body comes in these pieces. */
function respond(pieces: readonly Uint8Array[], type: string | null = 'text/event-stream'): Response {
  const headers = type === null ? {} : { 'content-type': type }
  return new Response(ReadableStream.from(pieces), { headers })
}

/** Reads all events. An error that an event reports is the last of them. */
async function read(response: Response): Promise<{ events: unknown[]; got: string; error?: unknown }> {
  const body = new Body(response)
  const events: unknown[] = []
  try {
    for (let came = await body.next(); came; came = await body.next()) {
      for (const event of came) events.push(event)
    }
    return { events, got: body.got }
  } catch (error) {
    return { events, got: body.got, error }
  } finally {
    body.close()
  }
}

/** Everything that the form of an event stream allows, and what servers make of it. */
const ODD =
  '\uFEFF: OPENROUTER PROCESSING\r\n\r\ndata: {"a":1}\r\n\r\nevent: ping\ndata:\n\ndata: \n\n' +
  'data: {"b":\ndata: "é😀"}\n\nid: 3\rdata: {"c":3}\r\rretry: soon\nunknown: x\ndata:{"d":4}\n\n' +
  'data: {"e":"\uFFFD"}\n\ndata: [DONE]\n\ndata: {"never":1}\n\n'
const EVENTS = [{ a: 1 }, { b: 'é😀' }, { c: 3 }, { d: 4 }, { e: '\uFFFD' }]

describe('an event stream', () => {
  const bytes = bytesOf(ODD)

  it('is the same, wherever it is cut', async () => {
    for (let at = 0; at <= bytes.length; at++) {
      const { events } = await read(respond([bytes.slice(0, at), bytes.slice(at)]))
      expect(events).toEqual(EVENTS)
    }
    const { events } = await read(respond(Array.from(bytes, (byte) => Uint8Array.of(byte))))
    expect(events).toEqual(EVENTS)
  })

  it('hands out each event with the bytes that complete it', async () => {
    const frames = ['data: {"a":1}\n\ndata: {"b"', ':2}\n\n', 'data: {"c":3}\r\n\r\n', 'data: {"d":4}']
    const body = new Body(respond(frames.map(bytesOf)))
    const batches: unknown[] = []
    for (let came = await body.next(); came; came = await body.next()) batches.push([...came])
    expect(batches).toEqual([[{ a: 1 }], [{ b: 2 }], [{ c: 3 }], [], [{ d: 4 }]])
  })

  it.each([
    ['without an empty line', 'data: {"a":1}\n\ndata: {"b":2}', [{ a: 1 }, { b: 2 }]],
    ['in the middle of an event', 'data: {"a":1}\n\ndata: {"b":', [{ a: 1 }]],
    ['in the middle of a character', bytesOf('data: {"a":1}\n\ndata: {"b":"é').slice(0, -1), [{ a: 1 }]],
    ['in the middle of the end', 'data: {"a":1}\n\ndata: [DON', [{ a: 1 }]],
  ])('may end %s', async (_where, text, events) => {
    const piece = typeof text === 'string' ? bytesOf(text) : text
    expect(await read(respond([piece]))).toMatchObject({ events })
  })

  it('may end with its connection', async () => {
    const broken = new TypeError('terminated')
    const pieces = async function* () {
      yield bytesOf('data: {"a":1}\n\n')
      await settle()
      throw broken
    }
    expect(await read(new Response(ReadableStream.from(pieces())))).toMatchObject({
      events: [{ a: 1 }],
      error: broken,
    })
  })

  it('that goes on without an end ends when it is closed', async () => {
    const body = new Body(new Response(new ReadableStream()))
    expect(body.endsWhenClosed).toBe(true)
    const waiting = body.next()
    body.close()
    expect(await waiting).toEqual([])
    expect(await body.next()).toBeUndefined()
  })

  it('of an unknown kind is not trusted to end when it is closed', () => {
    const reader = { read: () => new Promise(() => undefined), cancel: () => new Promise(() => undefined) }
    const body = { getReader: () => reader }
    const response = { body, status: 200, headers: new Headers() } as unknown as Response
    expect(new Body(response).endsWhenClosed).toBe(false)
  })

  it('may come from the `fetch` of a user, as a stream of Node', async () => {
    const body = Readable.from([bytesOf('data: {"a":1}\n\ndata: [DONE]\n\n')])
    const response = { body, status: 200, headers: new Headers() } as unknown as Response
    expect((await read(response)).events).toEqual([{ a: 1 }])
  })

  it.each([
    ['no JSON', 'data: {"a":1}\n\ndata: upstream error\n\ndata: {"b":2}\n\n'],
    ['no object', 'data: {"a":1}\n\ndata: null\n\n'],
    ['text', 'data: {"a":1}\n\ndata: "text"\n\n'],
  ])('with an event that is %s: the answer is not JSON', async (_what, text) => {
    const { events, error } = await read(respond([bytesOf(text)]))
    expect(events).toEqual([{ a: 1 }])
    expect(error).toMatchObject({ code: 'not_json' })
  })
})

describe('an error of the server inside the answer', () => {
  const message = 'The model has crashed'
  it.each<[text: string, fields: object]>([
    [`data: {"error":{"message":"${message}","type":"server_error","code":500}}`, { code: 500 }],
    [`data: {"error":"${message}"}`, {}],
    [`data: [{"error":{"code":503,"message":"${message}","status":"UNAVAILABLE"}}]`, { code: 503 }],
    [`event: error\ndata: {"error":{"message":"${message}"}}`, {}],
    [`event: error\ndata: {"message":"${message}","code":"server_error"}`, { code: 'server_error' }],
    [`data: {"object":"error","message":"${message}","type":"BadRequestError","code":400}`, { code: 400 }],
    [`data: {"type":"error","code":"server_error","message":"${message}"}`, { code: 'server_error' }],
    [
      `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"${message}"}}`,
      { type: 'overloaded_error' },
    ],
    // Not in an event at all, and with any content type.
    [`{"error":{"message":"${message}","code":"429"}}`, { code: '429' }],
    [`\n[{"error":{"message":"${message}","code":429}}]`, { code: 429 }],
  ])('%s', async (text, fields) => {
    const { error, events } = await read(respond([bytesOf(`${text}\n\n`)]))
    expect(events).toEqual([])
    expect(error).toMatchObject({ message, ...fields, error: expect.anything() as unknown })
  })

  it('whose message is no text is told as it came', async () => {
    const detail = [{ type: 'extra_forbidden', loc: ['body', 'stream_options'] }]
    const { error } = await read(respond([bytesOf(JSON.stringify({ error: { message: { detail } } }))]))
    expect(error).toMatchObject({ message: JSON.stringify({ detail }) })
  })

  it.each(['null', 'false', '""'])('an event whose `error` is %s reports none', async (error) => {
    const { events } = await read(respond([bytesOf(`data: {"error":${error},"choices":[]}\n\n`)]))
    expect(events).toHaveLength(1)
  })
})

describe('a body that is no event stream', () => {
  const whole = { object: 'chat.completion', choices: [{ message: { content: 'é😀' } }] }

  it.each(['application/json', 'text/event-stream', 'text/plain', null])(
    'is one event if it is an answer in JSON, sent as %s',
    async (type) => {
      const bytes = bytesOf(`\uFEFF\n${JSON.stringify(whole, null, 2)}\n`)
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (at) => {
          const { events } = await read(respond([bytes.slice(0, at), bytes.slice(at)], type))
          expect(events).toEqual([whole])
        }),
      )
    },
  )

  it('is one event if it is a response in JSON', async () => {
    const answer = { object: 'response', error: null, output: [] }
    expect((await read(respond([bytesOf(JSON.stringify(answer))]))).events).toEqual([answer])
  })

  it.each([
    ['a page', '<!DOCTYPE html><title>Sign in</title>', 'text/html; charset=utf-8', 'text/html'],
    ['a text', 'Please try later', 'text/plain', 'text/plain'],
    ['another JSON value', '{"message":"hello"}', 'application/json', 'application/json'],
    ['nothing', '', 'text/event-stream', 'an empty body with status 200'],
    ['signs of life', ': ping\n\n: ping\n\n', 'text/event-stream', 'a stream without events'],
    ['a page of an unknown type', '<html>', null, 'text without a type'],
    ['a type that is a sentence', 'x', 'the key sk-1 is wrong', 'text without a type'],
  ])('has no event if it is %s', async (_what, text, type, got) => {
    expect(await read(respond([bytesOf(text)], type))).toEqual({ events: [], got })
  })

  it('may be absent', async () => {
    const { events, got } = await read(new Response(null, { status: 204 }))
    expect({ events, got }).toEqual({ events: [], got: 'an empty body with status 204' })
  })

  it('is not JSON if its JSON was cut', async () => {
    const { error } = await read(respond([bytesOf('{"choices":[{"mess')], 'application/json'))
    expect(error).toMatchObject({ code: 'not_json' })
  })

  it.each(['{"choices":["', 'data: {"choices":["'])(
    'is not read to its end if it has none: %s',
    async (head) => {
      const piece = bytesOf('x'.repeat(2 ** 20))
      let sent = 0
      const endless = async function* () {
        yield bytesOf(head)
        for (; sent < 100; sent++) yield piece
        await settle()
      }
      const { error } = await read(new Response(ReadableStream.from(endless())))
      expect(error).toMatchObject({ code: 'not_json', message: expect.stringContaining('longer') as string })
      expect(sent).toBeLessThan(20)
    },
  )
})

describe('closing', () => {
  /** A body whose server sends this text, and then waits. */
  function hanging(text: string) {
    const cancelled = vi.fn()
    let server: ReadableStreamDefaultController<Uint8Array> | undefined
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        server = controller
        controller.enqueue(bytesOf(text))
      },
      cancel: cancelled,
    })
    return { body: new Body(new Response(stream)), cancelled, end: () => server?.close() }
  }

  it('ends a connection that is being read', async () => {
    const { body, cancelled } = hanging('data: {"a":1}\n\n')
    await body.next()
    const pending = body.next()
    body.close()
    expect([...((await pending) ?? [])]).toEqual([])
    expect(cancelled).toHaveBeenCalledTimes(1)
  })

  it('leaves a connection whose answer is complete some time to end by itself', async () => {
    fakeTimers()
    const { body, cancelled, end } = hanging('data: {"a":1}\n\ndata: [DONE]\n\n')
    expect([...((await body.next()) ?? [])]).toEqual([{ a: 1 }])
    expect(await body.next()).toBeUndefined()
    body.close()
    await vi.advanceTimersByTimeAsync(900)
    end()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(cancelled).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a connection that the server leaves open', async () => {
    fakeTimers()
    const { body, cancelled } = hanging('data: {"a":1}\n\ndata: [DONE]\n\n')
    expect([...((await body.next()) ?? [])]).toEqual([{ a: 1 }])
    body.close()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(cancelled).toHaveBeenCalledTimes(1)
  })
})
