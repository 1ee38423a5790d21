/** Why a record was rejected. The list is closed: `switch` over it. */
export const recordErrorCodes = [
  /** `serialize` or `countTokens` threw, or returned something of the wrong type. The record was never sent. */
  'invalid_record',
  /** The model's element for this record did not match the schema. `issues` says where. */
  'invalid_result',
  /** The answers ended without an element that carried this record's id. */
  'missing_result',
  /** The answer was cut at the output cap although the record travelled alone. */
  'answer_truncated',
  /** The record alone, or with its instructions, is longer than the model's context. */
  'context_length_exceeded',
  /** The model refused. */
  'refused',
  /** The provider's content filter stopped the answer. */
  'content_filtered',
  /** The request failed: connection, server error, or an answer that is not JSON. See `cause`. */
  'request_failed',
] as const

export type RecordErrorCode = (typeof recordErrorCodes)[number]

/** One place where a result did not match the schema. */
export interface ResultIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/**
 * Why one record has no value. It carries no text of the record, so that it can be logged.
 */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode
  /** For `invalid_result`: what the schema said, as `[{ path, message }]`. Otherwise empty. */
  readonly issues: readonly ResultIssue[]

  constructor(
    code: RecordErrorCode,
    message: string,
    { cause, issues = [] }: { cause?: unknown; issues?: readonly ResultIssue[] } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.issues = issues
  }
}

/** Why the stream as a whole had to stop: nothing it could send would succeed. */
export const packStreamErrorCodes = [
  /** The API refused the key, or the key may not use this model or endpoint (401, 403). */
  'not_authorized',
  /** The endpoint or the model does not exist (404). */
  'not_found',
  /** The account has no credit left: `insufficient_quota`. */
  'insufficient_quota',
  /** The API refuses the request itself, such as its schema or a parameter (other 4xx). */
  'bad_request',
] as const

export type PackStreamErrorCode = (typeof packStreamErrorCodes)[number]

/** The error that a stream is destroyed with when no further request can succeed. */
export class PackStreamError extends Error {
  override readonly name = 'PackStreamError'
  readonly code: PackStreamErrorCode
  /** Records that were read and whose outcome nobody has got. */
  readonly unsettled: number

  constructor(code: PackStreamErrorCode, message: string, unsettled: number, cause: unknown) {
    super(`${message} ${unsettled} ${unsettled === 1 ? 'record is' : 'records are'} unsettled.`, { cause })
    this.code = code
    this.unsettled = unsettled
  }
}
