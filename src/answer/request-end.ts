import type { Answer } from '../api/answer.ts'
import { RequestError, type PackStreamErrorCode, type RequestErrorCode } from '../record/errors.ts'
import { readRetryAfter, type AnyHeaders } from '../limits/rate-headers.ts'
import type { TooLarge } from '../limits/rate-limiter.ts'

/** How a request ended, with the facts that decide what happens next. */
export type RequestEnd =
  /** The model ended the answer. */
  | { readonly kind: 'complete' }
  /** The answer was cut, usually at the output cap. */
  | {
      readonly kind: 'length'
      /** Whether the cap was the largest cap, so that no request can get a longer answer. */
      readonly isFinal: boolean
      /** Whether the user chose the largest cap. Then another try at that cap is useless. */
      readonly isChosen: boolean
    }
  | { readonly kind: 'refusal'; readonly refusal: string | undefined }
  | { readonly kind: 'content_filter'; readonly error: RequestError | undefined }
  /** The prompt is longer than the model's context. */
  | { readonly kind: 'context'; readonly error: RequestError }
  /** The server allows no more requests or tokens now. */
  | {
      readonly kind: 'rate_limit'
      readonly headers: AnyHeaders | undefined
      readonly error: RequestError
      /** Present if the server said that the request is larger than its whole limit. */
      readonly tooLarge?: TooLarge
    }
  /**
   * The server refuses the request, because of one of its records, or as it would refuse any other
   * request. Then the stream ends with this code and message.
   */
  | {
      readonly kind: 'refused_request'
      readonly code: PackStreamErrorCode
      readonly message: string
      readonly error: RequestError
    }
  /** The request is larger than the whole limit per minute. */
  | { readonly kind: 'too_large'; readonly error: RequestError }
  /** The server refuses the output cap that the stream learned. */
  | { readonly kind: 'cap_refused'; readonly error: RequestError }
  /** The answer broke off, was not JSON, or did not start. Another try may succeed. */
  | { readonly kind: 'failure'; readonly retryAfter: number | undefined; readonly error: RequestError }
  /** Every other request would fail too. */
  | {
      readonly kind: 'fatal'
      readonly code: PackStreamErrorCode
      readonly message: string
      readonly error: RequestError
    }

/** The facts about a request that decide what its end means. */
export interface Asked {
  /** The output cap of the request. `undefined` if the request had no cap. */
  readonly cap: number | undefined
  /** The largest cap that the user allows. `undefined` if only the model has a cap. */
  readonly maxCap: number | undefined
}

export function failure(code: RequestErrorCode, message: string): RequestEnd {
  return { kind: 'failure', retryAfter: undefined, error: new RequestError(code, message) }
}

/**
 * The end of an answer that came without an error. An answer without a finish reason is a failure.
 */
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
    // Some servers report a structured answer as the call of a tool.
    case 'tool_calls':
    case 'function_call':
      if (json.failed) return failure('not_json', 'The answer is not JSON')
      if (json.isEmpty) return failure('not_json', 'The answer is empty')
      // Some servers do not report that they cut an answer. Only its JSON shows the cut. But the
      // model may also have ended too early, so the end is not final.
      return json.isWhole ? { kind: 'complete' } : { kind: 'length', isFinal: false, isChosen }
    default:
      // Some servers use other words, for good ends and for bad ends such as `error`.
      return json.isWhole && !json.isEmpty
        ? { kind: 'complete' }
        : failure('cut_short', 'The answer ended with an unknown finish reason')
  }
}

/** Codes for a prompt that is too long: from OpenAI (whole prompt, one string) and llama.cpp. */
const TOO_LONG = ['context_length_exceeded', 'string_above_max_length', 'exceed_context_size_error']
/** Messages of servers without a code: vLLM, SGLang, DeepSeek, Gemini, Claude and LM Studio. */
const TOO_LONG_MESSAGE =
  /\bcontext (length|window|size)\b|\bmaximum number of tokens\b|\b(prompt|input) is too long\b/i
/** OpenAI's message about a request that is larger than the whole limit per minute. */
const TOO_LARGE_MESSAGE = /\brequest too large\b/i
/** Codes for an account that cannot pay. */
const UNPAID = ['insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached']
/** Codes for content that a filter refuses, from Azure and OpenAI. */
const FILTERED = ['content_filter', 'content_policy_violation', 'invalid_prompt']
const CAPS = /\bmax_(completion_|output_)?tokens\b/
/** Codes of Node and undici. Errors of `fetch` and of the SDK itself have no code. */
const OF_NETWORK = /^(E[A-Z_]+|UND_ERR_\w+)?$/

/**
 * The fields of an error of the SDK, of `fetch`, or of a wrapper. The fields tell errors apart,
 * because the classes differ between SDK versions.
 */
interface LooseError {
  readonly status?: unknown
  readonly code?: unknown
  readonly type?: unknown
  readonly param?: unknown
  readonly message?: unknown
  /** The server's own error. Present only if a server sent the error. */
  readonly error?: unknown
  readonly headers?: AnyHeaders
  readonly requestID?: unknown
}

/**
 * The end of a request that threw an error.
 *
 * @param scrub Removes quotations of private texts from a server's message.
 */
export function endOfError(thrown: unknown, asked: Asked, scrub: (message: string) => string): RequestEnd {
  // A deadline, or another failure that the stream found itself.
  if (thrown instanceof RequestError) return { kind: 'failure', retryAfter: undefined, error: thrown }
  const loose = (thrown ?? {}) as LooseError
  const { code, type, headers, requestID } = loose
  // In an event of the answer, some servers send the status as `code`.
  const status = [loose.status, code].find(isStatus)
  const message = typeof loose.message === 'string' ? loose.message : ''
  const words = [code, type].filter(isWord)
  // Some servers quote private text even in codes.
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
  const fatal = (fatalCode: PackStreamErrorCode, advice: string): RequestEnd & { kind: 'fatal' } => {
    const reason = scrub(message)
    const text = `${advice}${said && ` (${said})`}.${reason && ` The server said: "${reason}".`}`
    return { kind: 'fatal', code: fatalCode, message: text, error: apiError }
  }
  const isOneOf = (known: readonly string[]) => words.some((word) => known.includes(word))

  if (status === 402 || isOneOf(UNPAID)) {
    return fatal('insufficient_quota', 'The account has no credit left: check its plan and billing')
  }
  if (status === 401 || isOneOf(['invalid_api_key'])) {
    return fatal('not_authorized', 'The API refused the key: check the key and its permissions')
  }
  if (status === 404 || isOneOf(['model_not_found'])) {
    return fatal('not_found', 'There is no such model or endpoint: check `model` and `client.baseURL`')
  }
  // These refusals are about a record. Recovery searches for that record.
  if (isOneOf(FILTERED)) return { kind: 'content_filter', error: apiError }
  if (status === 413 || isOneOf(TOO_LONG)) return { kind: 'context', error: apiError }
  if (status === 429 || isOneOf(['rate_limit_exceeded'])) {
    const limited = error('rate_limited', 'The rate limit was reached')
    const end = { kind: 'rate_limit' as const, headers, error: limited }
    if (!TOO_LARGE_MESSAGE.test(message)) return end
    const limit = Number(/\blimit:? (\d+)/i.exec(message)?.[1])
    return { ...end, tooLarge: { limit: limit > 0 ? limit : undefined } }
  }
  // 498: Groq has no capacity for its flex tier.
  const isTransient = status === 408 || status === 409 || status === 498
  // An error inside the answer is not about the request itself, which the server accepted.
  const isRefused = status !== undefined && status === loose.status && status >= 400 && status < 500
  if (isRefused && !isTransient) {
    // A server may not know the field, or may not allow the learned cap. If the user chose the cap,
    // the user must change it.
    const isAboutCap = CAPS.test(isWord(loose.param) ? loose.param : '') || CAPS.test(message)
    if (isAboutCap && asked.cap !== undefined && asked.cap !== asked.maxCap) {
      return { kind: 'cap_refused', error: apiError }
    }
    if (TOO_LONG_MESSAGE.test(message)) return { kind: 'context', error: apiError }
    // The request may be wrong, or one record: for example, a text that the server cannot parse, or
    // input that a moderator flagged.
    const isForbidden = status === 403
    const { code: fatalCode, message: text } = isForbidden
      ? fatal('not_authorized', 'The API refused the key: check the key and its permissions')
      : fatal('bad_request', 'The API refuses the request itself: check `schema`, `model` and `request`')
    return { kind: 'refused_request', code: fatalCode, message: text, error: apiError }
  }
  const retryAfter = readRetryAfter(headers)
  if (status !== undefined || loose.error !== undefined || !OF_NETWORK.test(words[0] ?? '')) {
    return { kind: 'failure', retryAfter, error: apiError }
  }
  const networkCode = networkCodeOf(thrown)
  const broken = `The connection failed or broke off${networkCode === undefined ? '' : ` (${networkCode})`}`
  return {
    ...{ kind: 'failure', retryAfter },
    error: new RequestError('connection', broken, { original: thrown }),
  }
}

/** The code of Node or undici. The SDK and `fetch` wrap the error that has it. */
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

/** A code is one word. Any other string may be private text. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value)
}
