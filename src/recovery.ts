import type { Answer } from './chat.ts'
import { RecordError, type PackStreamErrorCode, type RecordErrorCode } from './errors.ts'
import type { Entry } from './entry.ts'

/** How a request ended, reduced to what decides the rest. */
export type RequestEnd =
  /** The answer ended by itself. */
  | { kind: 'complete' }
  /** It was cut at the output cap. */
  | { kind: 'length' }
  | { kind: 'refusal' }
  | { kind: 'content_filter' }
  /** The prompt is longer than the model's context. */
  | { kind: 'context' }
  /** Too many requests or tokens a minute. */
  | { kind: 'rate_limit'; retryAfter: number | undefined; error: unknown }
  /** It broke off, was not JSON, or did not start: by itself it may go better next time. */
  | { kind: 'failure'; retryAfter: number | undefined; error: unknown }
  /** It would fail for every record. */
  | { kind: 'fatal'; code: PackStreamErrorCode; message: string; error: unknown }

/** Pauses before a re-send, in ms: the first, doubling up to the longest, unless the server names one. */
const FIRST_PAUSE = 500
const MAX_PAUSE = 60_000
/** What Node's timers can wait: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1

/** What the end of an answer means that came without an error. */
export function endOfAnswer(
  { finishReason, refused }: Pick<Answer, 'finishReason' | 'refused'>,
  isJson: boolean,
): RequestEnd {
  const failure = (message: string): RequestEnd => ({
    kind: 'failure',
    retryAfter: undefined,
    error: new Error(message),
  })
  if (refused) return { kind: 'refusal' }
  switch (finishReason) {
    case undefined:
    case '':
      return failure('The answer ended without a finish reason')
    case 'length':
    case 'content_filter':
      return { kind: finishReason }
    default:
      return isJson ? { kind: 'complete' } : failure('The answer is not JSON')
  }
}

/** What servers call a prompt that is too long: OpenAI's, for all of it or for one string, and llama.cpp's. */
const TOO_LONG = ['context_length_exceeded', 'string_above_max_length', 'exceed_context_size_error']

/** What an error of the SDK, of fetch, or of a wrapper means. Told by its fields: classes differ between SDK versions. */
export function endOfError(error: unknown): RequestEnd {
  const { status, code, type, headers } = (error ?? {}) as {
    status?: number | null
    code?: string | null
    type?: string
    headers?: AnyHeaders
  }
  const retryAfter = readRetryAfter(headers)
  const fatal = (fatalCode: PackStreamErrorCode, message: string): RequestEnd => ({
    kind: 'fatal',
    code: fatalCode,
    message,
    error,
  })
  const said = `(${[status, code ?? type].filter((part) => part != null).join(' ')})`

  if (code === 'insufficient_quota' || type === 'insufficient_quota') {
    return fatal('insufficient_quota', `The account has no credit left ${said}: check plan and billing.`)
  }
  // Refusals that are about the records, not about the request: the guilty one is looked for.
  if (code === 'content_filter') return { kind: 'content_filter' }
  if (status === 413 || [code, type].some((word) => word != null && TOO_LONG.includes(word)))
    return { kind: 'context' }
  if (status === 429 || code === 'rate_limit_exceeded') return { kind: 'rate_limit', retryAfter, error }
  switch (status) {
    case 401:
    case 403:
      return fatal('not_authorized', `The API refused the key ${said}: check it and what it may use.`)
    case 404:
      return fatal(
        'not_found',
        `There is no such model or endpoint ${said}: check \`model\` and the client's baseURL.`,
      )
    case 408:
    case 409:
      return { kind: 'failure', retryAfter, error }
  }
  if (status != null && status >= 400 && status < 500) {
    return fatal(
      'bad_request',
      `The API refuses the request itself ${said}: its own message is in \`cause\`.`,
    )
  }
  return { kind: 'failure', retryAfter, error }
}

type AnyHeaders = { get(name: string): string | null } | Readonly<Record<string, string>>

/** The pause that the server asks for, in ms: `retry-after-ms`, or else `retry-after` in seconds or as a date. */
function readRetryAfter(headers: AnyHeaders | undefined): number | undefined {
  const text = (name: string): string | undefined => {
    if (typeof headers?.get === 'function') return headers.get(name) ?? undefined
    const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)
    return found === undefined ? undefined : String(found[1])
  }
  const number = (value: string | undefined) => (value?.trim() ? Number(value) : NaN)
  // A date is by the server's clock, so it is measured by that.
  const dates = ['retry-after', 'date'].map((name) => Date.parse(text(name) ?? ''))
  return [
    number(text('retry-after-ms')),
    number(text('retry-after')) * 1000,
    (dates[0] ?? NaN) - (dates[1] ?? NaN),
    // No time at all is no answer: taken at its word it would be a loop.
  ].find((ms) => ms >= 1)
}

/** How long the slot of a failed request rests before its records may be sent again, in ms. */
export function pauseAfter(end: RequestEnd, attempts: number, random: () => number = Math.random): number {
  if (end.kind !== 'failure' && end.kind !== 'rate_limit') return 0
  if (end.retryAfter !== undefined) return Math.min(end.retryAfter, LONGEST_TIMER)
  const pause = Math.min(FIRST_PAUSE * 2 ** (attempts - 1), MAX_PAUSE)
  // Up to a quarter less, so that several processes do not come back together.
  return pause * (1 - random() / 4)
}

/**
 * What becomes of a record that a finished request did not settle: an error that rejects it, or `undefined` after
 * noting on the entry how it may travel next. Every re-send has spent an attempt, or follows a settled neighbour.
 *
 * @param size How many records shared the request.
 * @param settled How many of them it settled.
 */
export function recover(
  entry: Entry<unknown>,
  end: RequestEnd,
  size: number,
  settled: number,
): RecordError | undefined {
  const wasCut = end.kind === 'length'
  const isCharged = !(end.kind === 'rate_limit' || (wasCut && settled > 0))
  if (isCharged) entry.attemptsLeft -= 1
  const alone = size === 1
  // Sent alone, neither the same cap nor the same record will give anything else.
  const isHopeless =
    alone && (wasCut || end.kind === 'context' || end.kind === 'refusal' || end.kind === 'content_filter')
  if (isHopeless || entry.attemptsLeft <= 0) return reasonFor(entry, end)

  // What failed for no fault of its records goes again as it was.
  if (end.kind === 'rate_limit' || end.kind === 'failure') return undefined
  // Otherwise half as many, and after a cut no more than were done before it. The last attempt is alone, so that no
  // neighbour can spoil it.
  entry.maxCompany = Math.ceil(size / 2)
  if (wasCut && settled > 0) entry.maxCompany = Math.min(entry.maxCompany, settled)
  if (entry.attemptsLeft === 1) entry.maxCompany = 1
  return undefined
}

function reasonFor(entry: Entry<unknown>, end: RequestEnd): RecordError {
  const reason = (code: RecordErrorCode, message: string, cause?: unknown) =>
    new RecordError(code, message, cause === undefined ? {} : { cause })
  switch (end.kind) {
    case 'length':
      return reason(
        'answer_truncated',
        'The answer was cut at the output cap before this record had its result',
      )
    case 'refusal':
      return reason('refused', 'The model refused to answer')
    case 'content_filter':
      return reason('content_filtered', 'The content filter stopped the answer')
    case 'context':
      return reason('context_length_exceeded', 'The record is longer than the model can read')
    case 'complete':
      return entry.invalid ?? reason('missing_result', 'No answer held an element with the id of this record')
    case 'rate_limit':
    case 'failure':
    case 'fatal':
      return reason('request_failed', `The request failed, on attempt ${entry.attempts}`, end.error)
  }
}
