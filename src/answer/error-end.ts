import { readRetryAfter, withRetryAfter, type AnyHeaders } from '../limits/rate-headers.ts'
import { RequestError, type PackStreamErrorCode, type RequestErrorCode } from '../record/errors.ts'
import { isWord, networkError } from './network-error.ts'
import type { Asked, RequestEnd } from './request-end.ts'

/** Codes for a prompt that is too long: of OpenAI (prompt, one string), llama.cpp, Copilot. */
const TOO_LONG = [
  ...['context_length_exceeded', 'string_above_max_length', 'exceed_context_size_error'],
  'model_max_prompt_tokens_exceeded',
]
/** Messages of servers without a code for such a prompt. */
const TOO_LONG_MESSAGES = [
  // vLLM, SGLang, DeepSeek, LM Studio, Mistral; Gemini; Claude, Bedrock, Fireworks.
  /\bcontext (length|window|size)\b|\bmaximum number of tokens\b|\b(prompt|input) is too long\b/i,
  // xAI; Kimi; Copilot; Qwen; Cohere; Together; GLM.
  /\bmaximum prompt length\b|\bmodel token limit\b|\btoken count of \d+ exceeds\b/i,
  /\brange of input length\b|\btoo many tokens\b|`inputs` tokens\b|\bprompt exceeds max length\b/i,
  // TGI; Volcengine; Doubao; watsonx.
  /`inputs` must have less than\b|\binput length \d+ exceeds\b|\bmax message tokens\b/i,
  /\binput tokens \d+ cannot exceed\b/i,
]
/** The size of the context in messages of vLLM, OpenAI, DeepSeek and OpenRouter. */
const CONTEXT_SIZE = /\bcontext length is (?:only )?([\d,]+)/i
/** Codes for a limit per minute: from OpenAI and Groq, Claude, and Gemini. */
const LIMITED = ['rate_limit_exceeded', 'rate_limit_error', 'RESOURCE_EXHAUSTED']
/** OpenAI's and Groq's message about a request that is larger than the whole limit per minute. */
const TOO_LARGE_MESSAGE = /\brequest too large\b/i
/** Codes for an account that cannot pay. */
const UNPAID = ['insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached']
/** Anthropic's message about such an account, whose code is that of any wrong request. */
const UNPAID_MESSAGE = /\bcredit balance is too low\b/i
/** LM Studio's message about a wrong path. Its status is 200. */
const WRONG_PATH_MESSAGE = /\bunexpected endpoint or method\b/i
/** Google's message about a wrong key. Its status is 400. */
const WRONG_KEY_MESSAGE = /\bAPI key not valid\b/i
/** Codes for content that a filter refuses, from Azure and OpenAI. */
const FILTERED = ['content_filter', 'content_policy_violation', 'invalid_prompt']
/** Groq's codes for an answer that its own check refuses. */
const UNREADABLE = ['json_validate_failed', 'tool_use_failed']
/** The pause in a message, such as `59.97s`, `1m2s`, `6 seconds` or `2 minutes`. */
const PAUSE =
  /\b(?:(?:re)?try (?:again )?(?:in|after)|wait) (\d[\d.hms]*(?<=[\dhms]))(?: (?=minute|hour)([mh]))?/i
const CAPS = /\bmax_(completion_|output_)?tokens\b/

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
 * The words of an error. `undefined` if the client hides them: `openai` shows only words under
 * `error`, and some servers write them elsewhere.
 */
export function wordsOf(thrown: unknown): string | undefined {
  const { status, message, param, error } = (thrown ?? {}) as LooseError
  const words = [param, message].filter((text) => typeof text === 'string').join(' ')
  const isHidden = error === undefined && (words === '' || words.endsWith('(no body)'))
  return isHidden && (status === 400 || status === 422) ? undefined : words
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
  const own = ownError(loose)
  const { code = own.code, type = own.type, param = own.param, requestID } = loose
  // In an event of the answer, some servers send the status as `code` or `status`, as a number or a
  // text.
  const status = [loose.status, code, own.status].map(numberOf).find(isStatus)
  const message = typeof loose.message === 'string' ? loose.message : ''
  // Gemini writes its code as `status`.
  const words = [code, type, own.status].filter(isWord)
  // Some servers quote private text even in codes.
  const apiCode = words.find((word) => word !== String(status) && scrub(word) === word)
  const said = [status, apiCode].filter((part) => part !== undefined).join(' ')
  const error = (ourCode: RequestErrorCode, text: string) =>
    new RequestError(ourCode, said ? `${text} (${said})` : text, {
      ...(status === undefined ? {} : { status }),
      ...(apiCode === undefined ? {} : { apiCode }),
      ...(isWord(requestID) ? { requestId: requestID } : {}),
      original: thrown,
    })
  const apiError = error('api_error', 'The server answered with an error')
  const fatal = (
    fatalCode: PackStreamErrorCode,
    advice: string,
    hint = '',
  ): RequestEnd & { kind: 'fatal' } => {
    const reason = scrub(message)
    const words = `${advice}${said && ` (${said})`}${hint || '.'}${reason && ` The server said: "${reason}".`}`
    return { kind: 'fatal', code: fatalCode, message: words, error: apiError }
  }
  // With such a cap, also the shortest prompt is too long.
  const isCapTooLarge = Number(asked.cap) >= numberIn(CONTEXT_SIZE, message)
  const isTooLong = !isCapTooLarge && TOO_LONG_MESSAGES.some((known) => known.test(message))
  const isOneOf = (known: readonly string[]) => words.some((word) => known.includes(word))

  // OpenRouter asks for a pause while requests that are running hold the rest of the credit.
  const isHeld = status === 402 && readRetryAfter(loose.headers) !== undefined
  if ((status === 402 && !isHeld) || isOneOf(UNPAID) || UNPAID_MESSAGE.test(message)) {
    return fatal('insufficient_quota', 'The account has no credit left: check its plan and billing')
  }
  if (status === 401 || isOneOf(['invalid_api_key']) || WRONG_KEY_MESSAGE.test(message)) {
    return fatal('not_authorized', 'The API refused the key: check the key and its permissions')
  }
  // 405: of a web server whose pages have this path.
  if (status === 404 || status === 405 || isOneOf(['model_not_found']) || WRONG_PATH_MESSAGE.test(message)) {
    const advice = 'There is no such model or endpoint: check `model` and `client.baseURL`'
    return fatal('not_found', advice, /\b(model|deployment)/i.test(message) ? '' : asked.hint)
  }
  // These refusals are about a record. Recovery searches for that record.
  if (isOneOf(FILTERED)) return { kind: 'content_filter', error: apiError }
  const headers = withRetryAfter(loose.headers, pauseSaid(own.details, message))
  // Groq refuses a request that is larger than the limit with the status 413.
  if (status === 429 || isHeld || isOneOf(LIMITED)) {
    const limited = error('rate_limited', 'The rate limit was reached')
    const end = { kind: 'rate_limit' as const, headers, error: limited }
    if (!TOO_LARGE_MESSAGE.test(message)) return end
    const limit = numberIn(/\blimit:? ([\d,]+)/i, message)
    return { ...end, tooLarge: { limit: limit > 0 ? limit : undefined } }
  }
  if (!isCapTooLarge && (status === 413 || isOneOf(TOO_LONG))) return { kind: 'context', error: apiError }
  const isFailure = { kind: 'failure' as const, retryAfter: readRetryAfter(headers) }
  if (isOneOf(UNREADABLE)) return { ...isFailure, error: error('not_json', 'The answer is not JSON') }
  // 498: Groq has no capacity for its flex tier.
  const isTransient = status === 408 || status === 409 || status === 498
  const isRefusal = status !== undefined && status >= 400 && status < 500
  // An error inside the answer is not about the request itself, which the server accepted.
  const isRefused = isRefusal && status === loose.status
  if (isRefused && !isTransient) {
    // A server may not know the field, or may not allow the learned cap. If the user chose the cap,
    // the user must change it.
    const isAboutCap = isCapTooLarge || CAPS.test(isWord(param) ? param : '') || CAPS.test(message)
    if (isAboutCap && asked.cap !== undefined && asked.cap !== asked.maxCap) {
      return { kind: 'cap_refused', error: apiError }
    }
    if (isTooLong) return { kind: 'context', error: apiError }
    // The request may be wrong, or one record: for example, a text that the server cannot parse, or
    // input that a moderator flagged.
    const isForbidden = status === 403
    const { code: fatalCode, message: text } = isForbidden
      ? fatal('not_authorized', 'The API refused the key: check the key and its permissions')
      : isAboutCap && asked.cap !== undefined
        ? fatal('bad_request', 'The API refuses the output cap: lower or remove `maxOutputTokens`')
        : fatal('bad_request', 'The API refuses the request itself: check `schema`, `model` and `request`')
    const isSilent = message === '' || message.endsWith('(no body)')
    return { kind: 'refused_request', isSilent, code: fatalCode, message: text, error: apiError }
  }
  // LM Studio reports a long prompt inside the answer, without a status or a code, and SGLang with
  // the status of a refusal as the code.
  if ((said === '' || isRefusal) && loose.error !== undefined && isTooLong) {
    return { kind: 'context', error: apiError }
  }
  const network = status === undefined && loose.error === undefined ? networkError(thrown) : undefined
  if (network?.advice !== undefined) {
    const { advice, error: fatalError } = network
    return { kind: 'fatal', code: 'not_connectable', message: `${advice}.`, error: fatalError }
  }
  return { ...isFailure, error: network?.error ?? apiError }
}

/** The server's error. The clients of Groq, Cerebras and others keep the whole body. */
function ownError({ error }: LooseError): LooseError & { readonly details?: unknown } {
  const { error: inner } = Object(error) as LooseError
  return Object(inner ?? error) as LooseError
}

/** The pause that an error asks for in its body, such as `2.5s`. */
function pauseSaid(details: unknown, message: string): string | undefined {
  const delays: unknown[] = Array.isArray(details)
    ? details.map((detail: { readonly retryDelay?: unknown } | null) => detail?.retryDelay)
    : []
  const delay = delays.find((value) => typeof value === 'string')
  const [, pause, unit = ''] = PAUSE.exec(message) ?? []
  return delay ?? (pause && pause + unit.toLowerCase())
}

/** The number that a pattern finds in a text. `NaN` if it finds none. */
function numberIn(pattern: RegExp, text: string): number {
  return Number(pattern.exec(text)?.[1]?.replaceAll(',', ''))
}

function numberOf(value: unknown): unknown {
  return isWord(value) ? Number(value) : value
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) < 600
}
