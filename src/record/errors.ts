/** Reasons for which a record is rejected. The list is closed, so a `switch` can cover it. */
export const recordErrorCodes = [
  /**
   * `serialize`, `partition`, `hoist` or `countTokens` threw, or returned a value of the wrong
   * type. The record was never sent.
   */
  'invalid_record',
  /** The model's element for this record did not match the schema. `issues` says where. */
  'invalid_result',
  /** The answers ended without an element that carried this record's id. */
  'missing_result',
  /** The answer was cut at the output cap although the record was alone in the request. */
  'answer_truncated',
  /** The record with its instructions is longer than the model's context. */
  'context_length_exceeded',
  /** The model refused although the record was alone in the request. */
  'refused',
  /**
   * The provider's content filter stopped the answer although the record was alone in the request.
   */
  'content_filtered',
  /**
   * The request failed: connection, server error, deadline, or an answer that is not JSON. `cause`
   * says which.
   */
  'request_failed',
] as const

export type RecordErrorCode = (typeof recordErrorCodes)[number]

/** Longest `raw` of an error, in characters. */
export const RAW_LENGTH = 4_096

/** A place where a result did not match the schema. */
export interface ResultIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** What the schema expects there, without any text of the model, such as `string`. */
  readonly expected?: string
}

/** Reasons for which a request can fail. */
export const requestErrorCodes = [
  /** The first part of the answer did not come within `firstTokenTimeout`. */
  'first_token_timeout',
  /** The next part of the answer did not come within `idleTimeout`. */
  'idle_timeout',
  /** The answer was not complete within `requestTimeout`. */
  'request_timeout',
  /** The connection could not be made, or broke off. */
  'connection',
  /** The answer ended without a finish reason. */
  'cut_short',
  /**
   * The server sent no event stream. For example, it sent a page or a JSON body with status 200.
   */
  'not_a_stream',
  /** The answer is not JSON. */
  'not_json',
  /**
   * The stream stopped the answer because the model wrote only whitespace, or elements that the
   * request did not ask for.
   */
  'runaway',
  /**
   * The answer had an id that the request did not ask for, or that had come before.
   * So the stream stopped it, and asks again for the records without a result.
   */
  'stray_id',
  /** Too many requests or tokens per minute: status 429, or the same error inside a stream. */
  'rate_limited',
  /** The server answered with an error. See `status` and `apiCode`. */
  'api_error',
  /** The stream was destroyed while the request ran. */
  'aborted',
] as const

export type RequestErrorCode = (typeof requestErrorCodes)[number]

/**
 * The failure of one request: the `cause` of a `RecordError` or a `PackStreamError`. Of the
 * server's text it holds only codes, because servers quote their input. `original` holds the error
 * that the SDK or `fetch` threw; loggers do not print it.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  /** HTTP status, if the server answered with an error status. */
  readonly status: number | undefined
  /** The API's own `code` or `type`, such as `server_error`. */
  readonly apiCode: string | undefined
  /** The API's id of the request, for the provider's support. */
  readonly requestId: string | undefined
  /**
   * The error that was thrown. Not enumerable, because it may hold text of the records, or the key.
   */
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
 * The reason for which a record has no value. The message and the fields hold no text of the
 * record, so they can be logged.
 */
export class RecordError extends Error {
  /** The failure of the last request that carried the record, if that request failed. */
  declare readonly cause?: RequestError
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode
  /** For `invalid_result`: the schema's issues, as `[{ path, message }]`. Otherwise empty. */
  readonly issues: readonly ResultIssue[]
  /**
   * For `refused`: the text of the model's refusal, which may quote the record. Not enumerable, so
   * that loggers do not print it.
   */
  declare readonly refusal: string | undefined
  /**
   * For `invalid_result`: the element as it came. For `missing_result`, and for an answer that is
   * not JSON: the beginning of the answer. At most 4,096 characters. Not enumerable, because it may
   * quote the record.
   */
  declare readonly raw: string | undefined
  /**
   * For `invalid_record`: the error that the function threw. Not enumerable, because it may quote
   * the record.
   */
  declare readonly original: unknown

  constructor(
    code: RecordErrorCode,
    message: string,
    details: {
      cause?: RequestError | undefined
      issues?: readonly ResultIssue[]
      refusal?: string
      raw?: string
      original?: unknown
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.issues = details.issues ?? []
    hide(this, 'refusal', details.refusal)
    hide(this, 'raw', details.raw?.slice(0, RAW_LENGTH))
    hide(this, 'original', details.original)
  }
}

/** Reasons for which the whole stream stops: no further request could succeed, or may be sent. */
export const packStreamErrorCodes = [
  /** The API refused the key, or the key may not use this model or endpoint (401, 403). */
  'not_authorized',
  /** No connection is possible: Node.js does not trust the certificate, or forbids the port. */
  'not_connectable',
  /** The endpoint or the model does not exist (404). */
  'not_found',
  /** The account has no credit left: code `insufficient_quota`. */
  'insufficient_quota',
  /** The API refuses the request itself, such as its schema or a parameter (other 4xx status). */
  'bad_request',
  /** No answer was usable, although many records were asked. The message says what came. */
  'unusable_answers',
  /** More records were rejected than `maxRejects` allows. */
  'too_many_rejects',
  /** The next request could cost more than the rest of `maxCost`. */
  'max_cost_reached',
  /** `stop()` was called before the input had ended and each record had its outcome. */
  'stopped',
] as const

export type PackStreamErrorCode = (typeof packStreamErrorCodes)[number]

/**
 * The error with which a stream is destroyed when no further request can succeed, or may be sent.
 */
export class PackStreamError extends Error {
  override readonly name = 'PackStreamError'
  readonly code: PackStreamErrorCode
  /** Number of records that were read and whose outcome the consumer has not received. */
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

/**
 * The name of the error that was thrown, or `something` if its name does not look like the name of
 * an error.
 */
export function wordFor(thrown: unknown): string {
  return thrown instanceof Error && /^\w{0,60}(Error|Exception)$/.test(thrown.name)
    ? thrown.name
    : 'something'
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, enumerable: false })
}
