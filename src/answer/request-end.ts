import type { Answer } from '../api/answer.ts'
import { RequestError, type PackStreamErrorCode, type RequestErrorCode } from '../record/errors.ts'
import { readRetryAfter, type AnyHeaders } from '../limits/rate-headers.ts'
import type { TooLarge } from '../limits/rate-limiter.ts'

/** How a request ended, reduced to what decides the rest. */
export type RequestEnd =
  /** The answer ended by itself. */
  | { readonly kind: 'complete' }
  /** It was cut, mostly at the output cap; `isFinal` where it surely was, and there is no larger one. */
  | {
      readonly kind: 'length'
      readonly isFinal: boolean
      /** Whether the largest cap is the user's choice, so that trying again is in vain. */
      readonly isChosen: boolean
    }
  | { readonly kind: 'refusal'; readonly refusal: string | undefined }
  | { readonly kind: 'content_filter'; readonly error: RequestError | undefined }
  /** The prompt is longer than the model's context. */
  | { readonly kind: 'context'; readonly error: RequestError }
  /** Too many requests or tokens a minute. */
  | {
      readonly kind: 'rate_limit'
      readonly headers: AnyHeaders | undefined
      readonly error: RequestError
      /** The request is larger than the whole limit, which is so many tokens, where the server says that. */
      readonly tooLarge?: TooLarge
    }
  /** The server refuses the request itself, although it took others like it: it is about a record. */
  | { readonly kind: 'bad_record'; readonly error: RequestError }
  /** The request is larger than all that is allowed in a minute. */
  | { readonly kind: 'too_large'; readonly error: RequestError }
  /** The server does not take the output cap that was learned. */
  | { readonly kind: 'cap_refused'; readonly error: RequestError }
  /** It broke off, was not JSON, or did not start: by itself it may go better next time. */
  | { readonly kind: 'failure'; readonly retryAfter: number | undefined; readonly error: RequestError }
  /** It would fail for every record. */
  | {
      readonly kind: 'fatal'
      readonly code: PackStreamErrorCode
      readonly message: string
      readonly error: RequestError
    }

/** What a request asked for that decides how its end is read. */
export interface Asked {
  /** The output cap that was sent. */
  readonly cap: number | undefined
  /** The largest cap that may be sent; `undefined`: none, the model's own. */
  readonly maxCap: number | undefined
  /** Whether the server has taken requests like it. */
  readonly isProven: boolean
}

export function failure(code: RequestErrorCode, message: string): RequestEnd {
  return { kind: 'failure', retryAfter: undefined, error: new RequestError(code, message) }
}

/** What the end of an answer means that came without an error. Success is a finish reason, nothing less. */
export function endOfAnswer(
  { finishReason, refusal }: Pick<Answer, 'finishReason' | 'refusal'>,
  json: { readonly failed: boolean; readonly isWhole: boolean; readonly isEmpty: boolean },
  { cap, maxCap }: Pick<Asked, 'cap' | 'maxCap'>,
): RequestEnd {
  const isChosen = maxCap !== undefined
  if (refusal !== undefined) return { kind: 'refusal', refusal }
  switch (finishReason) {
    case undefined:
    case '':
      return failure('cut_short', 'The answer ended without a finish reason')
    case 'length':
      return { kind: 'length', isFinal: cap === maxCap, isChosen }
    case 'content_filter':
      return { kind: 'content_filter', error: undefined }
    case 'stop':
    // What was to be text has ended as a call of a tool, by the names of some servers.
    case 'tool_calls':
    case 'function_call':
      if (json.failed) return failure('not_json', 'The answer is not JSON')
      if (json.isEmpty) return failure('not_json', 'The answer is empty')
      // Some servers do not say that they cut an answer: only its JSON tells. Or the model ended too early, so it says
      // nothing about the cap.
      return json.isWhole ? { kind: 'complete' } : { kind: 'length', isFinal: false, isChosen }
    default:
      // Servers have words of their own for what went well, and for what did not, such as `error`.
      return json.isWhole && !json.isEmpty
        ? { kind: 'complete' }
        : failure('cut_short', 'The answer ended with a finish reason that is not known')
  }
}

/** What servers call a prompt that is too long: OpenAI's, for all of it or for one string, and llama.cpp's. */
const TOO_LONG = ['context_length_exceeded', 'string_above_max_length', 'exceed_context_size_error']
/** What those say that have no code for it, such as vLLM, SGLang, DeepSeek, Gemini, Claude and LM Studio. */
const TOO_LONG_MESSAGE =
  /\bcontext (length|window|size)\b|\bmaximum number of tokens\b|\b(prompt|input) is too long\b/i
/** What OpenAI says of a request that is larger than the whole limit per minute. */
const TOO_LARGE_MESSAGE = /\brequest too large\b/i
/** What they call an account that cannot pay. */
const UNPAID = ['insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached']
/** What they call content that they do not want to read: Azure's, and OpenAI's. */
const FILTERED = ['content_filter', 'content_policy_violation', 'invalid_prompt']
const CAPS = /\bmax_(completion_|output_)?tokens\b/
/** Codes of Node and undici; errors of fetch and the SDK's own have none. */
const OF_NETWORK = /^(E[A-Z_]+|UND_ERR_\w+)?$/

/** The fields of errors of the SDK, of fetch, or of a wrapper. Told by these: classes differ between SDK versions. */
interface LooseError {
  readonly status?: unknown
  readonly code?: unknown
  readonly type?: unknown
  readonly param?: unknown
  readonly message?: unknown
  readonly headers?: AnyHeaders
  readonly requestID?: unknown
}

/**
 * What an error means.
 *
 * @param scrub Takes out of what a server says what it quotes.
 */
export function endOfError(thrown: unknown, asked: Asked, scrub: (message: string) => string): RequestEnd {
  // A deadline of ours.
  if (thrown instanceof RequestError) return { kind: 'failure', retryAfter: undefined, error: thrown }
  const loose = (thrown ?? {}) as LooseError
  const { code, type, headers, requestID } = loose
  // Within a stream, some servers give as code the status that they would have sent.
  const status = [loose.status, code].find(isStatus)
  const message = typeof loose.message === 'string' ? loose.message : ''
  const words = [code, type].filter(isWord)
  // Some servers quote even there.
  const apiCode = words.find((word) => scrub(word) === word)
  const said = [status, apiCode].filter((part) => part !== undefined).join(' ')
  const error = (ourCode: RequestErrorCode, text: string) =>
    new RequestError(ourCode, said ? `${text} (${said})` : text, {
      ...(status === undefined ? {} : { status }),
      ...(apiCode === undefined ? {} : { apiCode }),
      ...(isWord(requestID) ? { requestId: requestID } : {}),
      original: thrown,
    })
  const apiError = error('api_error', 'The server answered with an error')
  const fatal = (fatalCode: PackStreamErrorCode, advice: string): RequestEnd => {
    const reason = scrub(message)
    const text = `${advice}${said && ` (${said})`}.${reason && ` The server said: "${reason}".`}`
    return { kind: 'fatal', code: fatalCode, message: text, error: apiError }
  }
  const isOneOf = (known: readonly string[]) => words.some((word) => known.includes(word))

  if (status === 402 || isOneOf(UNPAID)) {
    return fatal('insufficient_quota', 'The account has no credit left: check plan and billing')
  }
  if (status === 401 || isOneOf(['invalid_api_key'])) {
    return fatal('not_authorized', 'The API refused the key: check it and what it may use')
  }
  if (status === 404 || isOneOf(['model_not_found'])) {
    return fatal('not_found', 'There is no such model or endpoint: check `model` and `client.baseURL`')
  }
  // Refusals that are about the records, not about the request: the guilty one is looked for.
  if (isOneOf(FILTERED)) return { kind: 'content_filter', error: apiError }
  if (status === 413 || isOneOf(TOO_LONG)) return { kind: 'context', error: apiError }
  if (status === 429 || isOneOf(['rate_limit_exceeded'])) {
    const limited = error('rate_limited', 'The rate limit was reached')
    const end = { kind: 'rate_limit' as const, headers, error: limited }
    if (!TOO_LARGE_MESSAGE.test(message)) return end
    const limit = Number(/\blimit:? (\d+)/i.exec(message)?.[1])
    return { ...end, tooLarge: { limit: limit > 0 ? limit : undefined } }
  }
  // 498: Groq has no capacity for flex.
  const isTransient = status === 408 || status === 409 || status === 498
  // What comes within a stream cannot be about the request itself, which was accepted.
  const isRefused = status !== undefined && status === loose.status && status >= 400 && status < 500
  if (isRefused && !isTransient) {
    // Not every server knows the field, nor allows what was learned; a cap that the user chose is the user's to mend.
    const isAboutCap = CAPS.test(isWord(loose.param) ? loose.param : '') || CAPS.test(message)
    if (isAboutCap && asked.cap !== undefined && asked.cap !== asked.maxCap) {
      return { kind: 'cap_refused', error: apiError }
    }
    if (TOO_LONG_MESSAGE.test(message)) return { kind: 'context', error: apiError }
    // Such as a text that the server cannot parse, or input that a moderator flagged.
    if (asked.isProven) return { kind: 'bad_record', error: apiError }
    return status === 403
      ? fatal('not_authorized', 'The API refused the key: check it and what it may use')
      : fatal('bad_request', 'The API refuses the request itself: check `schema`, `model` and `request`')
  }
  const retryAfter = readRetryAfter(headers)
  if (status !== undefined || !OF_NETWORK.test(words[0] ?? '')) {
    return { kind: 'failure', retryAfter, error: apiError }
  }
  const networkCode = networkCodeOf(thrown)
  const broken = `The connection failed or broke off${networkCode === undefined ? '' : ` (${networkCode})`}`
  return {
    ...{ kind: 'failure', retryAfter },
    error: new RequestError('connection', broken, { original: thrown }),
  }
}

/** The code of Node or undici, which the SDK and `fetch` wrap in errors of their own. */
function networkCodeOf(thrown: unknown): string | undefined {
  let error = thrown as { code?: unknown; cause?: unknown } | null | undefined
  for (let depth = 0; depth < 5 && error !== null && typeof error === 'object'; depth++) {
    if (isWord(error.code) && OF_NETWORK.test(error.code)) return error.code
    error = error.cause as typeof error
  }
  return undefined
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) < 600
}

/** Codes are words. Anything else may be text. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value)
}
