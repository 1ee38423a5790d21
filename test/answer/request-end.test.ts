import { inspect } from 'node:util'
import * as v7 from 'openai'
import * as v6 from 'openai-v6'
import { describe, expect, it } from 'vitest'
import { RequestError } from '../../src/record/errors.ts'
import { endOfError } from '../../src/answer/error-end.ts'
import { endOfAnswer, failure, type Asked, type RequestEnd } from '../../src/answer/request-end.ts'
import { scrub } from '../../src/answer/scrub.ts'

const FREE: Asked = { cap: undefined, maxCap: undefined, hint: '' }
const LEARNED: Asked = { cap: 500, maxCap: 4_000, hint: '' }
const CHOSEN: Asked = { cap: 500, maxCap: 500, hint: '' }

/** The end for an error that quotes no text. */
const endOf = (thrown: unknown, asked = FREE): RequestEnd => endOfError(thrown, asked, String)

/** The kind of an end, and its code or the code of its error. */
const wordsOf = (end: RequestEnd): string => `${end.kind} ${'code' in end ? end.code : errorOf(end).code}`

/** The error of an end. */
function errorOf(end: RequestEnd): RequestError {
  if (!('error' in end) || !end.error) throw new Error(`${end.kind} has no error`)
  return end.error
}

describe('the end of an answer without an error', () => {
  const JSONS = {
    whole: { failed: false, isWhole: true, isEmpty: false },
    open: { failed: false, isWhole: false, isEmpty: false },
    garbage: { failed: true, isWhole: false, isEmpty: false },
    empty: { failed: false, isWhole: true, isEmpty: true },
  }

  type Row = [finishReason: string | undefined, refusal: string | undefined, keyof typeof JSONS, string]
  it.each<Row>([
    ['stop', undefined, 'whole', 'complete'],
    // Some servers do not report a cut, and some models end before their JSON ends.
    ['stop', undefined, 'open', 'length'],
    ['stop', undefined, 'garbage', 'not_json'],
    ...['MAX_TOKENS', 'max_output_tokens', 'model_length'].map((word): Row => [
      word,
      undefined,
      'whole',
      'length',
    ]),
    ...['SAFETY', 'content_filter: SAFETY', 'SPII', 'RECITATION'].map((word): Row => [
      word,
      undefined,
      'whole',
      'content_filter',
    ]),
    ['length', undefined, 'whole', 'length'],
    ['length', undefined, 'open', 'length'],
    ['length', undefined, 'garbage', 'length'],
    ['content_filter', undefined, 'whole', 'content_filter'],
    ['content_filter', undefined, 'open', 'content_filter'],
    ['content_filter', undefined, 'garbage', 'content_filter'],
    ['stop', 'No.', 'open', 'refusal'],
    ['stop', 'No.', 'whole', 'refusal'],
    ['length', 'No.', 'garbage', 'refusal'],
    ['content_filter', 'No.', 'open', 'refusal'],
    [undefined, 'No.', 'open', 'refusal'],
    [undefined, undefined, 'whole', 'cut_short'],
    [undefined, undefined, 'open', 'cut_short'],
    [undefined, undefined, 'garbage', 'cut_short'],
    // Some gateways write an empty reason in every chunk, so it means the same as no reason.
    ['', undefined, 'whole', 'cut_short'],
    // A reason with the name of a tool means the same as `stop`.
    ...['stop', 'tool_calls', 'function_call'].flatMap((word) => [
      [word, undefined, 'whole', 'complete'] as Row,
      [word, undefined, 'open', 'length'] as Row,
      [word, undefined, 'garbage', 'not_json'] as Row,
      [word, undefined, 'empty', 'not_json'] as Row,
      [word, 'No.', 'empty', 'refusal'] as Row,
    ]),
    // Any other reason is a success only if the answer is complete.
    ...['eos', 'end_turn', 'error', 'abort', 'STOP', 'length ', 'constructor'].flatMap((word) => [
      [word, undefined, 'whole', 'complete'] as Row,
      [word, undefined, 'open', 'cut_short'] as Row,
      [word, undefined, 'garbage', 'cut_short'] as Row,
      [word, undefined, 'empty', 'cut_short'] as Row,
      [word, 'No.', 'empty', 'refusal'] as Row,
    ]),
    ['length', undefined, 'empty', 'length'],
    ['content_filter', undefined, 'empty', 'content_filter'],
    [undefined, undefined, 'empty', 'cut_short'],
  ])('finish reason %s, refusal %s, JSON %s: %s', (finishReason, refusal, json, expected) => {
    const end = endOfAnswer({ finishReason, refusal }, JSONS[json], FREE)
    expect(end.kind === 'failure' ? end.error.code : end.kind).toBe(expected)
    if (refusal !== undefined) expect(end).toEqual({ kind: 'refusal', refusal })
  })

  it.each<[Pick<Asked, 'cap' | 'maxCap'>, isFinal: boolean, isChosen: boolean]>([
    [{ cap: undefined, maxCap: undefined }, true, false],
    [{ cap: 4_000, maxCap: 4_000 }, true, true],
    [{ cap: 500, maxCap: 4_000 }, false, true],
    [{ cap: 500, maxCap: undefined }, false, false],
  ])("%j: cut for good: %s, by the user's choice: %s", (asked, isFinal, isChosen) => {
    const cut = { finishReason: 'length', refusal: undefined }
    expect(endOfAnswer(cut, JSONS.open, asked)).toEqual({ kind: 'length', isFinal, isChosen })
    // If the server did not report the cut, it may have been an accident.
    const unspoken = { finishReason: 'stop', refusal: undefined }
    expect(endOfAnswer(unspoken, JSONS.open, asked)).toEqual({ kind: 'length', isFinal: false, isChosen })
  })
})

interface Case {
  readonly status?: number | null | undefined
  readonly code?: string | number | null
  readonly type?: string | null
  readonly message?: string
}

describe('the meaning of an error, by the texts of real servers', () => {
  const cases: [what: Case, expected: string][] = [
    [{ status: 400 }, 'refused_request bad_request'],
    [{ status: 400, code: 'invalid_json_schema' }, 'refused_request bad_request'],
    [{ status: 401, code: 'invalid_api_key' }, 'fatal not_authorized'],
    [{ status: 402 }, 'fatal insufficient_quota'],
    [{ status: 403 }, 'refused_request not_authorized'],
    [{ status: 404, code: 'model_not_found' }, 'fatal not_found'],
    [{ status: 405 }, 'fatal not_found'],
    [{ status: 408 }, 'failure api_error'],
    [{ status: 409 }, 'failure api_error'],
    [{ status: 422 }, 'refused_request bad_request'],
    [{ status: 499 }, 'refused_request bad_request'],
    [{ status: 500 }, 'failure api_error'],
    [{ status: 502 }, 'failure api_error'],
    [{ status: 503 }, 'failure api_error'],
    [{ status: 504 }, 'failure api_error'],
    [{ status: 529, type: 'overloaded_error' }, 'failure api_error'],
    [{ status: 200 }, 'failure api_error'],

    [{ status: 429 }, 'rate_limit rate_limited'],
    [{ status: 429, code: 'rate_limit_exceeded' }, 'rate_limit rate_limited'],
    [{ status: 429, code: null, type: 'requests' }, 'rate_limit rate_limited'],
    [{ status: 429, code: 'insufficient_quota' }, 'fatal insufficient_quota'],
    [{ status: 429, code: null, type: 'insufficient_quota' }, 'fatal insufficient_quota'],

    // Waiting does not pay the bill.
    ...['insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached'].flatMap(
      (word): [Case, string][] => [
        [{ status: 429, code: word }, 'fatal insufficient_quota'],
        [{ status: 400, code: word }, 'fatal insufficient_quota'],
        [{ status: 429, code: null, type: word }, 'fatal insufficient_quota'],
        [{ code: word }, 'fatal insufficient_quota'],
      ],
    ),
    // The request is larger than the whole limit per minute, so waiting does not help.
    [
      {
        ...{ status: 429, code: 'rate_limit_exceeded', type: 'tokens' },
        message:
          'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000,' +
          ' Requested 40000. The input or output tokens must be reduced in order to run successfully.',
      },
      'rate_limit rate_limited',
    ],
    [{ code: 'rate_limit_exceeded', message: 'Request too large for m' }, 'rate_limit rate_limited'],
    [{ status: 429, message: 'Your requests too larges' }, 'rate_limit rate_limited'],
    [{ status: 400, message: 'Request too large for m' }, 'refused_request bad_request'],

    [{ status: 413 }, 'context api_error'],
    [{ status: 400, code: 'context_length_exceeded' }, 'context api_error'],
    [{ status: 400, code: 'string_above_max_length' }, 'context api_error'],
    [{ status: 400, type: 'exceed_context_size_error', code: 400 }, 'context api_error'],
    // vLLM, DeepSeek and other servers have no code for this error.
    [
      {
        ...{ status: 400, type: 'BadRequestError', code: 400 },
        message:
          "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens" +
          ' (568 in the messages, 6048 in the completion). Please reduce the length of the messages or completion.',
      },
      'context api_error',
    ],
    ...[
      // vLLM, OpenAI's older models, and DeepSeek.
      "This model's maximum context length is 4096 tokens. However, your messages resulted in 5012 tokens.",
      // SGLang.
      "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
      // LM Studio, llama.cpp.
      'Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens',
      'the request exceeds the available context size. try increasing the context size or enable context shift',
      // Gemini.
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      // Claude.
      'prompt is too long: 210000 tokens > 200000 maximum',
      'Input is too long for requested model.',
      'Your input exceeds the context window of this model. Please adjust your input and try again.',
    ].flatMap((message): [Case, string][] => [
      [{ status: 400, message }, 'context api_error'],
      [{ status: 422, type: 'BadRequestError', message }, 'context api_error'],
      // A request whose error comes within a stream was accepted. An error of the server is not the
      // fault of a record.
      [{ status: 500, message }, 'failure api_error'],
      [{ code: 'server_error', message }, 'failure api_error'],
    ]),
    [{ status: 400, message: 'The context is long' }, 'refused_request bad_request'],
    [{ status: 400, message: 'The prompt is too longwinded' }, 'refused_request bad_request'],

    [{ status: 400, code: 'content_filter' }, 'content_filter api_error'],
    [{ status: 400, code: 'content_policy_violation' }, 'content_filter api_error'],
    [{ status: 400, code: 'invalid_prompt' }, 'content_filter api_error'],

    // Errors within a stream have a code and no status.
    [{ code: 'server_error' }, 'failure api_error'],
    [{ code: null, type: 'server_error' }, 'failure api_error'],
    [{ code: 'rate_limit_exceeded' }, 'rate_limit rate_limited'],
    [{ code: 'insufficient_quota' }, 'fatal insufficient_quota'],
    [{ code: 'context_length_exceeded' }, 'context api_error'],
    [{ code: 'invalid_prompt' }, 'content_filter api_error'],
    // The request was accepted, so its form is correct.
    [{ code: 'invalid_request_error' }, 'failure api_error'],
    // Within a stream, OpenRouter and vLLM send the status as the code.
    [{ code: 429 }, 'rate_limit rate_limited'],
    [{ code: 402 }, 'fatal insufficient_quota'],
    [{ code: 413 }, 'context api_error'],
    [{ code: '429' }, 'rate_limit rate_limited'],
    [{ code: '401' }, 'fatal not_authorized'],
    [{ code: '1e2' }, 'failure api_error'],
    [{ status: 413, code: 'rate_limit_exceeded' }, 'rate_limit rate_limited'],
    [{ code: 'rate_limit_error' }, 'rate_limit rate_limited'],
    [{ code: 400, type: 'BadRequestError' }, 'failure api_error'],
    [{ code: 502 }, 'failure api_error'],

    [{ code: 'ECONNRESET' }, 'failure connection'],
    [{ code: 'ENOTFOUND' }, 'failure connection'],
    [{ code: 'EAI_AGAIN' }, 'failure connection'],
    [{ code: 'ERR_STREAM_PREMATURE_CLOSE' }, 'failure connection'],
    [{ code: 'UND_ERR_SOCKET' }, 'failure connection'],
    [{ code: null, status: undefined }, 'failure connection'],
    [{ code: null, status: null, type: null }, 'failure connection'],
    [{}, 'failure connection'],
  ]

  it.each<[message: string, tooLarge: object | undefined]>([
    [
      'Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.',
      { limit: 30_000 },
    ],
    ['Request too large for m on tokens per min (TPM): Limit 12,000, Requested 14137', { limit: 12_000 }],
    ['Request too large for m', { limit: undefined }],
    ['Rate limit reached for m: Limit 30000, Used 29000, Requested 4000.', undefined],
  ])('a 429 with the text "%s" names a limit: %j', (message, tooLarge) => {
    const end = endOf(Object.assign(new Error(message), { status: 429 }))
    expect(end.kind === 'rate_limit' && end.tooLarge).toEqual(tooLarge)
  })

  it.each(cases)('%j: %s', (what, expected) => {
    const end = endOf(Object.assign(new Error('x'), what))
    expect(wordsOf(end)).toBe(expected)
  })

  it.each<[what: Case, expected: string]>([
    // The engine decides whether the request or one of its records is refused.
    [{ status: 400 }, 'refused_request bad_request'],
    [{ status: 403 }, 'refused_request not_authorized'],
    [{ status: 422 }, 'refused_request bad_request'],
    [{ status: 400, code: 'invalid_json_schema' }, 'refused_request bad_request'],
    [{ status: 418 }, 'refused_request bad_request'],
    // Errors about the account, the model or the load have their own meaning.
    [{ status: 401 }, 'fatal not_authorized'],
    [{ status: 403, code: 'invalid_api_key' }, 'fatal not_authorized'],
    [{ status: 402 }, 'fatal insufficient_quota'],
    [{ status: 404 }, 'fatal not_found'],
    [{ status: 408 }, 'failure api_error'],
    [{ status: 409 }, 'failure api_error'],
    [{ status: 429 }, 'rate_limit rate_limited'],
    // Groq's code for missing capacity.
    [{ status: 498 }, 'failure api_error'],
    [{ status: 500 }, 'failure api_error'],
    [{ code: 400 }, 'failure api_error'],
    // An error that is already about a record has its own meaning too.
    [{ status: 413 }, 'context api_error'],
    [{ status: 400, code: 'content_filter' }, 'content_filter api_error'],
    [{ status: 400, message: 'prompt is too long' }, 'context api_error'],
  ])('%j: %s', (what, expected) => {
    const end = endOf(Object.assign(new Error(what.message ?? 'x'), what))
    expect(wordsOf(end)).toBe(expected)
  })

  it.each<[error: object, expected: string]>([
    [{ code: 'insufficient_quota' }, 'fatal insufficient_quota'],
    [{ code: 'rate_limit_exceeded', type: 'tokens' }, 'rate_limit rate_limited'],
    [{ code: 'json_validate_failed' }, 'failure not_json'],
    [{ type: 'exceed_context_size_error' }, 'context api_error'],
  ])(
    'is the same where the client keeps the whole body, as those of Groq and Cerebras: %j',
    (error, expected) => {
      const thrown = Object.assign(new Error('x'), { status: 400, error: { error } })
      expect(wordsOf(endOf(thrown))).toBe(expected)
    },
  )

  it('an error of our own deadlines stays a failure', () => {
    const error = new RequestError('idle_timeout', 'x')
    expect(endOf(error)).toEqual({ kind: 'failure', retryAfter: undefined, error })
    expect(failure('idle_timeout', 'x')).toMatchObject({ kind: 'failure', error: { code: 'idle_timeout' } })
  })

  it('headers go with a rate limit to the limiter, and name the pause after a failure', () => {
    const headers = { 'retry-after': '3' }
    expect(endOf({ status: 429, headers })).toMatchObject({ kind: 'rate_limit', headers })
    expect(endOf({ status: 503, headers })).toMatchObject({ kind: 'failure', retryAfter: 3_000 })
    expect(endOf({ status: 503 })).toMatchObject({ kind: 'failure', retryAfter: undefined })
  })

  it('an error keeps status, code and id, and its message holds them', () => {
    const thrown = { status: 503, code: 'overloaded', requestID: 'req_1', message: 'private' }
    const error = errorOf(endOf(thrown))
    expect(error).toMatchObject({ status: 503, apiCode: 'overloaded', requestId: 'req_1', original: thrown })
    expect(error.message).toBe('The server answered with an error (503 overloaded)')
  })
})

describe('output caps that a server refuses', () => {
  const says = (param: unknown, message = 'x') =>
    Object.assign(new Error(message), { status: 400, code: 'unsupported_parameter', param })

  it.each<[what: string, error: Error]>([
    ['the parameter is named', says('max_completion_tokens')],
    ['the older one is', says('max_tokens')],
    ['that of Responses is', says('max_output_tokens')],
    ['the message names it', says(null, "Unsupported parameter: 'max_completion_tokens'")],
  ])('%s: a learned cap is left out, and a cap that the user set is fatal', (_name, error) => {
    expect(endOf(error, LEARNED).kind).toBe('cap_refused')
    expect(endOf(error, { ...FREE, cap: 500 }).kind).toBe('cap_refused')
    expect(endOf(error, CHOSEN)).toMatchObject({ kind: 'refused_request', code: 'bad_request' })
    expect(endOf(error, FREE)).toMatchObject({ kind: 'refused_request', code: 'bad_request' })
  })

  // A shorter prompt leaves more room for the answer.
  it.each<[asked: Asked, kind: string]>([
    [LEARNED, 'cap_refused'],
    [CHOSEN, 'context'],
    [FREE, 'context'],
  ])('with %j, a cap that does not fit into the context beside the prompt: %s', (asked, kind) => {
    const error = says(
      null,
      "'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096",
    )
    expect(endOf(error, asked).kind).toBe(kind)
  })

  it.each([
    "'max_tokens' is too large: 16384. This model's maximum context length is 4,096 tokens and your request has 9",
    "This model's maximum context length is 4096 tokens. However, you requested 16884 tokens (16384 in the completion)",
    "You requested 16384 output tokens. However, the model's context length is only 4096 tokens",
  ])('a cap that is larger than the whole context is refused, and not the prompt: %s', (message) => {
    for (const code of ['unsupported_parameter', 'context_length_exceeded']) {
      const error = Object.assign(new Error(message), { status: 400, code })
      expect(endOf(error, { ...FREE, cap: 16_384, maxCap: undefined }).kind).toBe('cap_refused')
      expect(endOf(error, { ...FREE, cap: 16_384, maxCap: 16_384 })).toMatchObject({
        kind: 'refused_request',
        message: expect.stringContaining('lower or remove `maxOutputTokens`') as string,
      })
    }
  })

  it.each([says('temperature'), says(null, 'max_tokens_of_something'), says(undefined)])(
    'any other parameter is fatal: %j',
    (error) => {
      expect(endOf(error, LEARNED)).toMatchObject({ kind: 'refused_request', code: 'bad_request' })
    },
  )
})

describe('every thrown value has an end', () => {
  const weird: unknown[] = [
    ...[undefined, null, '', 'text', 5, NaN, 0n, true, Symbol('s'), () => 1, [], ['code'], {}],
    Object.create(null),
    { message: null },
    { message: { detail: 'x' } },
    { message: Symbol('m'), param: Symbol('p') },
    { code: {}, type: [], status: undefined },
    { code: Symbol('c') },
    { headers: null },
    { headers: 'retry-after: 2' },
    { headers: 5 },
    { requestID: {} },
    new DOMException('aborted', 'AbortError'),
    new AggregateError([new Error('a')], 'b'),
  ]

  it.each(weird.map((thrown) => [thrown]))('%o is a failure of the connection', (thrown) => {
    const end = endOf(thrown)
    expect(end).toMatchObject({ kind: 'failure', retryAfter: undefined })
    expect(errorOf(end)).toBeInstanceOf(RequestError)
    expect(errorOf(end)).toMatchObject({
      code: 'connection',
      message: 'The connection failed or broke off',
      apiCode: undefined,
    })
    expect(errorOf(end).original).toBe(thrown)
  })

  it.each(weird.filter((thrown) => typeof thrown === 'object' && thrown !== null).map((thrown) => [thrown]))(
    '%o with a fatal status is fatal',
    (thrown) => {
      const { message, param, headers } = thrown as Record<string, unknown>
      const end = endOfError({ message, param, headers, status: 401 }, LEARNED, (text) =>
        scrub(text, ['secret']),
      )
      expect(end).toMatchObject({ kind: 'fatal', code: 'not_authorized' })
    },
  )
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
      new Headers({ 'x-request-id': 'req_1', ...headers }),
    )

  it.each<[number, string | null, string]>([
    [400, null, 'refused_request bad_request'],
    [400, 'context_length_exceeded', 'context api_error'],
    [400, 'content_filter', 'content_filter api_error'],
    [401, 'invalid_api_key', 'fatal not_authorized'],
    [403, null, 'refused_request not_authorized'],
    [404, 'model_not_found', 'fatal not_found'],
    [408, null, 'failure api_error'],
    [409, null, 'failure api_error'],
    [413, null, 'context api_error'],
    [422, null, 'refused_request bad_request'],
    [429, 'rate_limit_exceeded', 'rate_limit rate_limited'],
    [429, 'insufficient_quota', 'fatal insufficient_quota'],
    [500, null, 'failure api_error'],
    [503, null, 'failure api_error'],
  ])('%i %s: %s', (status, code, expected) => {
    const thrown = generate(status, code)
    const end = endOf(thrown)
    const error = errorOf(end)
    expect(wordsOf(end)).toBe(expected)
    expect(error).toMatchObject({ status, apiCode: code ?? 't', requestId: 'req_1' })
    expect(error.original).toBe(thrown)
  })

  it('carry the headers that name a pause', () => {
    const limited = endOf(generate(429, null, { 'Retry-After': '3' }))
    if (limited.kind !== 'rate_limit') throw new Error(limited.kind)
    expect((limited.headers as Headers).get('retry-after')).toBe('3')
    expect(endOf(generate(503, null, { 'Retry-After-Ms': '250' }))).toMatchObject({ retryAfter: 250 })
  })

  it('of the connection, of time, of aborts and of the SDK itself are failures of the connection', () => {
    for (const thrown of [
      new sdk.APIConnectionError({ message: 'm', cause: new Error('c') }),
      new sdk.APIConnectionTimeoutError(),
      new sdk.APIUserAbortError(),
      new sdk.OpenAIError('m'),
    ]) {
      const end = endOf(thrown)
      expect(end).toMatchObject({ kind: 'failure', retryAfter: undefined, error: { code: 'connection' } })
      expect(errorOf(end).original).toBe(thrown)
    }
  })

  it.each<[string, RequestEnd['kind']]>([
    ['server_error', 'failure'],
    ['rate_limit_exceeded', 'rate_limit'],
    ['context_length_exceeded', 'context'],
    ['insufficient_quota', 'fatal'],
    ['invalid_prompt', 'content_filter'],
  ])('that come within a stream with the code %s: %s', (code, kind) => {
    const error = new sdk.APIError(undefined, { message: 'm', code, type: 't' }, undefined, new Headers())
    expect(endOf(error).kind).toBe(kind)
  })

  it('within a stream with a number as the code', () => {
    const error = new sdk.APIError(undefined, { message: 'm', code: 429 }, undefined, new Headers())
    expect(endOf(error).kind).toBe('rate_limit')
  })
})

describe('the errors of fetch', () => {
  const withCode = (code: string) => Object.assign(new Error('other side closed'), { code })

  it.each<[string, Error]>([
    ['a reset in the middle', new TypeError('terminated', { cause: withCode('UND_ERR_SOCKET') })],
    ['a silent body', new TypeError('terminated', { cause: withCode('UND_ERR_BODY_TIMEOUT') })],
    ['no connection', new TypeError('fetch failed', { cause: withCode('ECONNREFUSED') })],
    [
      'several addresses',
      new TypeError('fetch failed', { cause: new AggregateError([withCode('ETIMEDOUT')]) }),
    ],
    ['half an event', new SyntaxError('Unexpected end of JSON input')],
    ['an abort', new DOMException('This operation was aborted', 'AbortError')],
    ['a timeout', new DOMException('The operation timed out', 'TimeoutError')],
  ])('%s is a failure of the connection', (_name, thrown) => {
    expect(endOf(thrown)).toMatchObject({
      kind: 'failure',
      retryAfter: undefined,
      error: { code: 'connection', status: undefined, original: thrown },
    })
  })
})

describe('no text of the server gets out', () => {
  const RECORD = 'my blood pressure is 190 over 110'
  const KEY = 'sk-live-0123456789abcdef'
  const wrote = `You sent "${RECORD}" with the key ${KEY}`
  const secrets = [RECORD, KEY]
  const hasSecret = (text: string) => secrets.some((secret) => text.includes(secret))

  const kinds: [what: Case][] = [
    [{ status: 400 }],
    [{ status: 401 }],
    [{ status: 404 }],
    [{ status: 429 }],
    [{ status: 429, code: 'insufficient_quota' }],
    [{ status: 400, code: 'context_length_exceeded' }],
    [{ status: 400, code: 'content_filter' }],
    [{ status: 503 }],
    [{ code: 'server_error' }],
    [{ status: 503, code: RECORD, type: KEY + ' ' }],
    [{ status: 401, code: RECORD }],
    [{}],
  ]

  it.each(kinds)('%j', (what) => {
    const thrown = Object.assign(new Error(wrote, { cause: new Error(wrote) }), what, {
      error: { message: wrote },
      requestID: RECORD,
    })
    const end = endOfError(thrown, FREE, (message) => scrub(message, secrets))
    const error = errorOf(end)
    // The text is in a property that loggers do not print.
    expect(error.original).toBe(thrown)
    expect(hasSecret(inspect(thrown))).toBe(true)
    for (const shown of [
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      String(error),
      error.stack ?? '',
    ]) {
      expect(hasSecret(shown)).toBe(false)
    }
    expect(Object.keys(error)).not.toContain('original')
    expect(JSON.stringify(Object.entries(error))).not.toContain('You sent')
    if (end.kind === 'fatal') expect(hasSecret(end.message)).toBe(false)
  })

  it('a fatal error says what to check, with status, code, and the rest of the message', () => {
    const thrown = { status: 404, code: 'model_not_found', message: `No model for ${RECORD} here` }
    expect(endOfError(thrown, FREE, (message) => scrub(message, secrets))).toMatchObject({
      message:
        'There is no such model or endpoint: check `model` and `client.baseURL` (404 model_not_found).' +
        ' The server said: "No model for … here".',
    })
    expect(endOfError({ status: 401 }, FREE, String)).toMatchObject({
      message: 'The API refused the key: check the key and its permissions (401).',
    })
  })
})
