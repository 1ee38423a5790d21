import fc from 'fast-check'
import * as v7 from 'openai'
import * as v6 from 'openai-v6'
import { describe, expect, it } from 'vitest'
import { RecordError } from '../../src/errors.ts'
import { endOfAnswer, endOfError, pauseAfter, recover, type RequestEnd } from '../../src/recovery.ts'
import type { Entry } from '../../src/entry.ts'

const answer = (finishReason: string | undefined, refused = false) => ({
  finishReason,
  refused,
  usage: undefined,
})

describe('how an answer ended', () => {
  it.each<[string | undefined, refused: boolean, isJson: boolean, RequestEnd['kind']]>([
    ['stop', false, true, 'complete'],
    ['stop', false, false, 'failure'],
    ['length', false, true, 'length'],
    ['length', false, false, 'length'],
    ['content_filter', false, true, 'content_filter'],
    ['content_filter', false, false, 'content_filter'],
    ['stop', true, true, 'refusal'],
    ['stop', true, false, 'refusal'],
    ['length', true, true, 'refusal'],
    [undefined, true, true, 'refusal'],
    [undefined, false, true, 'failure'],
    [undefined, false, false, 'failure'],
    ['tool_calls', false, true, 'complete'],
    // Some gateways write an empty one in every chunk, so it says no more than none.
    ['', false, true, 'failure'],
  ])('finish reason %s, refused %s, JSON %s: %s', (finishReason, refused, isJson, kind) => {
    expect(endOfAnswer(answer(finishReason, refused), isJson).kind).toBe(kind)
  })
})

describe('what an error means', () => {
  const cases: [what: object, kind: RequestEnd['kind'], fatal?: string][] = [
    [{ status: 400 }, 'fatal', 'bad_request'],
    [{ status: 400, code: 'context_length_exceeded' }, 'context'],
    [{ status: 400, type: 'exceed_context_size_error', code: 400 }, 'context'],
    [{ status: 400, code: 'invalid_json_schema' }, 'fatal', 'bad_request'],
    [{ status: 401, code: 'invalid_api_key' }, 'fatal', 'not_authorized'],
    [{ status: 402 }, 'fatal', 'bad_request'],
    [{ status: 403 }, 'fatal', 'not_authorized'],
    [{ status: 404, code: 'model_not_found' }, 'fatal', 'not_found'],
    [{ status: 408 }, 'failure'],
    [{ status: 409 }, 'failure'],
    [{ status: 413 }, 'context'],
    [{ status: 400, code: 'content_filter' }, 'content_filter'],
    [{ status: 400, code: 'string_above_max_length' }, 'context'],
    [{ status: 422 }, 'fatal', 'bad_request'],
    [{ status: 429 }, 'rate_limit'],
    [{ status: 429, code: 'rate_limit_exceeded' }, 'rate_limit'],
    [{ status: 429, code: 'insufficient_quota' }, 'fatal', 'insufficient_quota'],
    [{ status: 499 }, 'fatal', 'bad_request'],
    [{ status: 500 }, 'failure'],
    [{ status: 502 }, 'failure'],
    [{ status: 503 }, 'failure'],
    [{ status: 504 }, 'failure'],
    [{ status: 529 }, 'failure'],
    [{ status: 200 }, 'failure'],
    // Errors that come within a stream carry a code and no status.
    [{ code: 'server_error' }, 'failure'],
    [{ code: 'rate_limit_exceeded' }, 'rate_limit'],
    [{ code: 'insufficient_quota' }, 'fatal', 'insufficient_quota'],
    [{ code: 'context_length_exceeded' }, 'context'],
    // The type says the same where the code is missing.
    [{ status: 429, code: null, type: 'insufficient_quota' }, 'fatal', 'insufficient_quota'],
    [{ code: 'ECONNRESET' }, 'failure'],
    [{ code: null, status: undefined }, 'failure'],
    [{}, 'failure'],
  ]

  it.each(cases)('%j: %s', (what, kind, fatal) => {
    const end = endOfError(Object.assign(new Error('x'), what))
    expect(end.kind).toBe(kind)
    if (fatal !== undefined) expect(end).toMatchObject({ code: fatal })
  })

  it.each([
    [undefined],
    [null],
    ['text'],
    [5],
    [true],
    [Symbol('s')],
    [() => 1],
    [[]],
    [Object.create(null)],
  ])('what is no error is a failure: %s', (thrown: unknown) => {
    expect(endOfError(thrown)).toEqual({ kind: 'failure', retryAfter: undefined, error: thrown })
  })

  it('a fatal error says what to check, with status and code, and nothing of what the server wrote', () => {
    const error = Object.assign(new Error('secret text'), { status: 404, code: 'model_not_found' })
    const end = endOfError(error)
    expect(end).toMatchObject({ kind: 'fatal', error })
    const { message } = end as { message: string }
    expect(message).toContain('(404 model_not_found)')
    expect(message).not.toContain('secret')
  })
})

describe.each([
  ['openai 7', v7 as unknown as typeof v6],
  ['openai 6', v6],
])('the errors of %s', (_name, sdk) => {
  const generate = (status: number, code: string | null, headers: Record<string, string> = {}) =>
    sdk.APIError.generate(
      status,
      { error: { message: 'm', code, type: 't', param: null } },
      undefined,
      new Headers(headers),
    )

  it.each<[number, string | null, RequestEnd['kind'], string?]>([
    [400, null, 'fatal', 'bad_request'],
    [400, 'context_length_exceeded', 'context'],
    [401, 'invalid_api_key', 'fatal', 'not_authorized'],
    [403, null, 'fatal', 'not_authorized'],
    [404, 'model_not_found', 'fatal', 'not_found'],
    [408, null, 'failure'],
    [409, null, 'failure'],
    [422, null, 'fatal', 'bad_request'],
    [429, 'rate_limit_exceeded', 'rate_limit'],
    [429, 'insufficient_quota', 'fatal', 'insufficient_quota'],
    [500, null, 'failure'],
    [503, null, 'failure'],
  ])('%i %s: %s', (status, code, kind, fatal) => {
    const end = endOfError(generate(status, code))
    expect(end.kind).toBe(kind)
    if (fatal !== undefined) expect(end).toMatchObject({ code: fatal })
  })

  it('carry the headers that name a pause', () => {
    expect(endOfError(generate(429, null, { 'Retry-After': '3' }))).toMatchObject({ retryAfter: 3_000 })
    expect(endOfError(generate(503, null, { 'Retry-After-Ms': '250' }))).toMatchObject({ retryAfter: 250 })
  })

  it('of the connection, of time, and of aborts are failures', () => {
    for (const error of [
      new sdk.APIConnectionError({ message: 'm', cause: new Error('c') }),
      new sdk.APIConnectionTimeoutError(),
      new sdk.APIUserAbortError(),
      new sdk.OpenAIError('m'),
    ]) {
      expect(endOfError(error)).toEqual({ kind: 'failure', retryAfter: undefined, error })
    }
  })

  it.each<[string, RequestEnd['kind']]>([
    ['server_error', 'failure'],
    ['rate_limit_exceeded', 'rate_limit'],
    ['context_length_exceeded', 'context'],
    ['insufficient_quota', 'fatal'],
  ])('that come within a stream with the code %s: %s', (code, kind) => {
    const error = new sdk.APIError(undefined, { message: 'm', code, type: 't' }, undefined, new Headers())
    expect(endOfError(error).kind).toBe(kind)
  })
})

describe('the pause that a server asks for', () => {
  const retryAfter = (headers: unknown): unknown =>
    (endOfError({ status: 429, headers }) as { retryAfter: unknown }).retryAfter

  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '2' }, 2_000],
    // At its word this would be a loop without a pause.
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': 2 as unknown as string }, 2_000],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': ' 2 ' }, 2_000],
    [{ 'retry-after': '90' }, 90_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after-ms': 'soon' }, undefined],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '' }, undefined],
    // Dates would need a clock; the usual backoff stands in.
    [{ 'retry-after': 'Wed, 21 Oct 2115 07:28:00 GMT' }, undefined],
  ])('%j: %s ms', (headers, expected) => {
    expect(retryAfter(new Headers(headers))).toBe(expected)
    expect(retryAfter(headers)).toBe(expected)
  })

  it.each<[string, unknown]>([
    ['no headers', undefined],
    ['null', null],
    ['a string', 'retry-after: 2'],
  ])('with %s there is none', (_name, headers) => {
    expect(retryAfter(headers)).toBeUndefined()
  })

  // A client with a fetch of its own brings the Headers of node-fetch or of the undici package.
  it("is read from another library's Headers too", () => {
    const foreign = { get: (name: string) => (name.toLowerCase() === 'retry-after' ? '2' : null) }
    expect(retryAfter(foreign)).toBe(2_000)
  })

  it('is read from plain headers however they are spelt', () => {
    expect(retryAfter({ 'Retry-After': '2' })).toBe(2_000)
  })
})

describe('the pause before a re-send', () => {
  const failure: RequestEnd = { kind: 'failure', retryAfter: undefined, error: undefined }
  const limited = (retryAfter: number | undefined): RequestEnd => ({
    kind: 'rate_limit',
    retryAfter,
    error: undefined,
  })

  it.each([
    [1, 500],
    [2, 1_000],
    [3, 2_000],
    [7, 32_000],
    [8, 60_000],
    [2_000, 60_000],
  ])('after attempt %i it is %i ms, or up to a quarter less', (attempts, longest) => {
    expect(pauseAfter(failure, attempts, () => 0)).toBe(longest)
    expect(pauseAfter(limited(undefined), attempts, () => 0)).toBe(longest)
    expect(pauseAfter(failure, attempts, () => 1)).toBe(longest * 0.75)
    const pause = pauseAfter(failure, attempts)
    expect(pause).toBeGreaterThanOrEqual(longest * 0.75)
    expect(pause).toBeLessThanOrEqual(longest)
  })

  it('is as long as the server says, if it says', () => {
    expect(pauseAfter(limited(90_000), 1)).toBe(90_000)
    expect(pauseAfter({ ...failure, retryAfter: 10 }, 8)).toBe(10)
    expect(pauseAfter(limited(0), 8)).toBe(0)
  })

  // Node's timers fire at once when asked for more: a 503 would be sent again at once, a 429 would spin.
  it.each(['3000000', 'Infinity', '1e300'])(
    'a server that asks for %s s gets one that a timer can wait',
    (seconds) => {
      const end = endOfError({ status: 429, headers: { 'retry-after': seconds } })
      expect(pauseAfter(end, 1)).toBeLessThan(2 ** 31)
      expect(pauseAfter(end, 1)).toBeGreaterThanOrEqual(375)
    },
  )

  it.each<RequestEnd>([
    { kind: 'complete' },
    { kind: 'length' },
    { kind: 'refusal' },
    { kind: 'content_filter' },
    { kind: 'context' },
  ])('there is none where the server works: $kind', (end) => {
    expect(pauseAfter(end, 3)).toBe(0)
  })
})

function entry(attemptsLeft: number, maxCompany: number): Entry<unknown> {
  return {
    index: 0,
    record: 0,
    text: '',
    tokens: 1,
    attempts: 1,
    attemptsLeft,
    maxCompany,
    invalid: undefined,
  }
}

const ENDS: Record<Exclude<RequestEnd['kind'], 'fatal'>, RequestEnd> = {
  complete: { kind: 'complete' },
  length: { kind: 'length' },
  refusal: { kind: 'refusal' },
  content_filter: { kind: 'content_filter' },
  context: { kind: 'context' },
  rate_limit: { kind: 'rate_limit', retryAfter: undefined, error: 'cause' },
  failure: { kind: 'failure', retryAfter: undefined, error: 'cause' },
}

describe('what becomes of a record that a request did not settle', () => {
  it.each<[keyof typeof ENDS, size: number, settled: number, attemptsLeft: number, maxCompany: number]>([
    ['complete', 25, 24, 3, 13],
    ['complete', 25, 0, 3, 13],
    ['complete', 1, 0, 3, 1],
    ['length', 25, 0, 3, 13],
    ['length', 25, 20, 4, 13],
    ['length', 25, 3, 4, 3],
    ['length', 2, 1, 4, 1],
    ['refusal', 25, 0, 3, 13],
    ['content_filter', 25, 5, 3, 13],
    ['context', 25, 0, 3, 13],
    ['rate_limit', 25, 0, 4, 25],
    ['rate_limit', 1, 0, 4, 25],
    ['failure', 25, 0, 3, 25],
    ['failure', 25, 20, 3, 25],
    ['failure', 1, 0, 3, 25],
  ])(
    '%s in a pack of %i with %i settled: %i attempts left, in company of %i',
    (kind, size, settled, attemptsLeft, maxCompany) => {
      const record = entry(4, 25)
      expect(recover(record, ENDS[kind], size, settled)).toBeUndefined()
      expect(record).toMatchObject({ attemptsLeft, maxCompany })
    },
  )

  it.each(['complete', 'refusal', 'content_filter', 'context'] as const)(
    '%s: it is alone on its last attempt',
    (kind) => {
      const record = entry(2, 25)
      expect(recover(record, ENDS[kind], 25, 0)).toBeUndefined()
      expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 1 })
    },
  )

  // Else a limit on requests, or a server in trouble, would be answered with 25 times as many of them.
  it.each([
    ['rate_limit', 1],
    ['failure', 2],
  ] as const)('%s: it goes again in the same company, also on its last attempt', (kind, attemptsLeft) => {
    const record = entry(attemptsLeft, 25)
    expect(recover(record, ENDS[kind], 25, 0)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 25 })
  })

  it.each<[keyof typeof ENDS, string]>([
    ['complete', 'missing_result'],
    ['length', 'answer_truncated'],
    ['refusal', 'refused'],
    ['content_filter', 'content_filtered'],
    ['context', 'context_length_exceeded'],
    ['failure', 'request_failed'],
  ])('%s: without attempts left it is rejected as %s', (kind, code) => {
    const reason = recover(entry(1, 25), ENDS[kind], 2, 0)
    expect(reason).toBeInstanceOf(RecordError)
    expect(reason).toMatchObject({ code })
  })

  it.each(['length', 'refusal', 'content_filter', 'context'] as const)(
    '%s: alone it is rejected at once',
    (kind) => {
      expect(recover(entry(4, 25), ENDS[kind], 1, 0)).toBeInstanceOf(RecordError)
    },
  )

  it('what the schema said is the reason, if an element came that did not match', () => {
    const record = entry(1, 1)
    record.invalid = new RecordError('invalid_result', 'x')
    expect(recover(record, ENDS.complete, 1, 0)).toBe(record.invalid)
  })

  it('a failed request is the cause', () => {
    expect(recover(entry(1, 1), ENDS.failure, 1, 0)).toMatchObject({ code: 'request_failed', cause: 'cause' })
  })

  it('whatever happens, it is rejected after finitely many sends, in company that never grows', () => {
    const kinds = Object.keys(ENDS) as (keyof typeof ENDS)[]
    const step = fc.record({ kind: fc.constantFrom(...kinds), company: fc.nat(), settled: fc.nat() })
    fc.assert(
      fc.property(
        fc.infiniteStream(step),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        (steps, maxAttempts, maxRecords) => {
          const record = entry(maxAttempts, maxRecords)
          let charged = 0
          let sends = 0
          for (const { kind, company, settled } of steps) {
            const size = 1 + (company % record.maxCompany)
            const others = settled % size
            const before = { ...record }
            sends += kind === 'rate_limit' ? 0 : 1
            const reason = recover(record, ENDS[kind], size, others)
            expect(record.maxCompany).toBeLessThanOrEqual(before.maxCompany)
            expect(record.maxCompany).toBeGreaterThanOrEqual(1)
            charged += before.attemptsLeft - record.attemptsLeft
            if (reason) {
              expect(reason.code).toBeTypeOf('string')
              break
            }
            // A send ends in one of three ways: an attempt spent, a smaller pack, or a neighbour settled.
            const shrank = record.maxCompany < size
            expect(kind === 'rate_limit' || record.attemptsLeft < before.attemptsLeft || shrank).toBe(true)
            const isFaultless = kind === 'rate_limit' || kind === 'failure'
            if (record.attemptsLeft < before.attemptsLeft && record.attemptsLeft === 1 && !isFaultless)
              expect(record.maxCompany).toBe(1)
          }
          expect(charged).toBeLessThanOrEqual(maxAttempts)
          // Each cut that is not charged at least halves the pack.
          expect(sends).toBeLessThanOrEqual(maxAttempts + Math.ceil(Math.log2(maxRecords)) + 1)
        },
      ),
      { numRuns: 500 },
    )
  })
})
