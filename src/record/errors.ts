/** Why a record was rejected. The list is closed: `switch` over it. */
export const recordErrorCodes = [
  /** `serialize`, `partition` or `countTokens` threw, or returned something of the wrong type. The record was never sent. */
  'invalid_record',
  /** The model's element for this record did not match the schema. `issues` says where. */
  'invalid_result',
  /** The answers ended without an element that carried this record's id. */
  'missing_result',
  /** The answer was cut at the output cap although the record travelled alone. */
  'answer_truncated',
  /** The record alone, or with its instructions, is longer than the model's context. */
  'context_length_exceeded',
  /** The model refused, although the record travelled alone. */
  'refused',
  /** The provider's content filter stopped the answer, although the record travelled alone. */
  'content_filtered',
  /** The request failed: connection, server error, deadline, or an answer that is not JSON. See `cause`. */
  'request_failed',
] as const

export type RecordErrorCode = (typeof recordErrorCodes)[number]

/** One place where a result did not match the schema. */
export interface ResultIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What a request can fail of. */
export const requestErrorCodes = [
  /** Nothing of the answer came within `firstTokenTimeout`. */
  'first_token_timeout',
  /** Nothing more of it came within `idleTimeout`. */
  'idle_timeout',
  /** It was not finished within `requestTimeout`. */
  'request_timeout',
  /** The connection could not be made, or broke off. */
  'connection',
  /** The answer ended without a finish reason. */
  'cut_short',
  /** The server sent no event stream, such as a page or a JSON body with status 200. */
  'not_a_stream',
  /** The answer is not JSON. */
  'not_json',
  /** The answer went on with nothing but whitespace, or with elements that nobody had asked for, and was stopped. */
  'runaway',
  /** Too many requests or tokens a minute: 429, or the same inside a stream. */
  'rate_limited',
  /** The server answered with an error. `status` and `apiCode` say which. */
  'api_error',
] as const

export type RequestErrorCode = (typeof requestErrorCodes)[number]

/**
 * Why one request failed: the `cause` of a `RecordError` or a `PackStreamError`. It carries nothing that the server wrote
 * but codes, since servers quote their input; what the SDK or `fetch` threw is in `original`, which no logger prints.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  /** HTTP status, where the server answered with one that is an error. */
  readonly status: number | undefined
  /** The API's own `code` or `type`, such as `server_error`. */
  readonly apiCode: string | undefined
  /** The API's id of the request, for its support. */
  readonly requestId: string | undefined
  /** What was thrown. Not enumerable: it may hold text of the records, or the key. */
  declare readonly original: unknown

  constructor(
    code: RequestErrorCode,
    message: string,
    details: { status?: number; apiCode?: string; requestId?: string; original?: unknown } = {},
  ) {
    super(message)
    this.code = code
    this.status = details.status
    this.apiCode = details.apiCode
    this.requestId = details.requestId
    hide(this, 'original', details.original)
  }
}

/**
 * Why one record has no value. Its message and fields carry no text of the record, so that they can be logged.
 */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode
  /** For `invalid_result`: what the schema said, as `[{ path, message }]`. Otherwise empty. */
  readonly issues: readonly ResultIssue[]
  /** For `refused`: the model's own words, which may quote the record. Not enumerable, so that no logger prints it. */
  declare readonly refusal: string | undefined
  /** For `invalid_record`: what the function threw. Not enumerable: it may quote the record. */
  declare readonly original: unknown

  constructor(
    code: RecordErrorCode,
    message: string,
    details: { cause?: unknown; issues?: readonly ResultIssue[]; refusal?: string; original?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.issues = details.issues ?? []
    hide(this, 'refusal', details.refusal)
    hide(this, 'original', details.original)
  }
}

/** Why the stream as a whole had to stop: nothing it could send would succeed, or be allowed. */
export const packStreamErrorCodes = [
  /** The API refused the key, or the key may not use this model or endpoint (401, 403). */
  'not_authorized',
  /** The endpoint or the model does not exist (404). */
  'not_found',
  /** The account has no credit left: `insufficient_quota`. */
  'insufficient_quota',
  /** The API refuses the request itself, such as its schema or a parameter (other 4xx). */
  'bad_request',
  /** The next request might cost more than is left of `maxCost`. */
  'max_cost_reached',
  /** `stop()` was called before the input had ended and every record had its outcome. */
  'stopped',
] as const

export type PackStreamErrorCode = (typeof packStreamErrorCodes)[number]

/** The error that a stream is destroyed with when no further request can succeed, or may be sent. */
export class PackStreamError extends Error {
  override readonly name = 'PackStreamError'
  readonly code: PackStreamErrorCode
  /** Records that were read and whose outcome nobody has got. */
  readonly unsettled: number

  constructor(code: PackStreamErrorCode, message: string, unsettled: number, cause?: unknown) {
    super(
      `${message} ${unsettled} ${unsettled === 1 ? 'record is' : 'records are'} unsettled.`,
      cause === undefined ? undefined : { cause },
    )
    this.code = code
    this.unsettled = unsettled
  }
}

/** What was thrown, in a word: an error's name, unless somebody has put something else there. */
export function wordFor(thrown: unknown): string {
  return thrown instanceof Error && /^\w{0,60}(Error|Exception)$/.test(thrown.name)
    ? thrown.name
    : 'something'
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, enumerable: false })
}
