import type { Api } from './api.ts'
import { shown } from '../shown.ts'

/** The body of an error response. */
export type ErrorBody = {
  error: { message: string; type: string; param: string | null; code: string | null }
}

/** An error of the API, sent in OpenAI's form: `{ error: { message, type, param, code } }`. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: number
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly headers: Record<string, string>

  constructor(status: number, message: string, details: ApiErrorDetails = {}) {
    super(message)
    this.status = status
    this.type = details.type ?? 'invalid_request_error'
    this.param = details.param ?? null
    this.code = details.code ?? null
    this.headers = details.headers ?? {}
  }

  /** The response's body. */
  get body(): ErrorBody {
    const { message, type, param, code } = this
    return { error: { message, type, param, code } }
  }
}

type ApiErrorDetails = {
  type?: string
  param?: string
  code?: string
  headers?: Record<string, string>
}

/** A required field is missing. */
export function missingField(param: string): ApiError {
  return new ApiError(400, `Missing required parameter: '${param}'.`, {
    param,
    code: 'missing_required_parameter',
  })
}

/** A field has a wrong type. */
export function wrongType(param: string, expected: string, value: unknown): ApiError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
  const message = `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`
  return new ApiError(400, message, { param, code: 'invalid_type' })
}

/** A field has the right type and a value that is not allowed. */
export function wrongValue(param: string, expected: string, value: unknown): ApiError {
  const message = `Invalid value for '${param}': expected ${expected}, but got ${shown(value)} instead.`
  return new ApiError(400, message, { param, code: 'invalid_value' })
}

/** A number is smaller than the smallest allowed number. */
export function belowMinimum(param: string, least: number, value: number): ApiError {
  const message =
    `Invalid '${param}': integer below minimum value. Expected a value >= ${least}, ` +
    `but got ${value} instead.`
  return new ApiError(400, message, { param, code: 'integer_below_min_value' })
}

/** The API has no field of this name. */
export function unknownField(param: string): ApiError {
  return new ApiError(400, `Unknown parameter: '${param}'.`, { param, code: 'unknown_parameter' })
}

/** The simulator cannot answer the schema with the name `name`. */
export function invalidSchema(api: Api, name: string, reason: string): ApiError {
  const details = {
    chat: { param: 'response_format' },
    responses: { param: 'text.format.schema', code: 'invalid_json_schema' },
  }
  return new ApiError(400, `Invalid schema for response_format '${name}': ${reason}.`, details[api])
}

/** The prompt has more tokens than the context. */
export function promptTooLong(api: Api, contextTokens: number, promptTokens: number): ApiError {
  const code = 'context_length_exceeded'
  if (api === 'responses') {
    const message =
      'Your input exceeds the context window of this model. Please adjust your input and try again.'
    return new ApiError(400, message, { param: 'input', code })
  }
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ` +
    `${promptTokens} tokens. Please reduce the length of the messages.`
  return new ApiError(400, message, { param: 'messages', code })
}
