import type { AnyHeaders } from '../limits/rate-headers.ts'
import { RequestError } from '../record/errors.ts'

/** An answer whose response headers have come. */
export interface OpenedAnswer {
  /** `undefined`: the client does not tell them. */
  readonly headers: AnyHeaders | undefined
  /** The content that came instead of events, for a message. */
  readonly got: string
  /**
   * Reads on. Returns the events that came together, or `undefined` at the end of the answer. The
   * iteration throws the error that an event reports.
   */
  next(): PromiseLike<Iterable<object> | undefined>
  /** Closes the connection, also while `next` waits. Does not throw. */
  close(): void
  /** Whether `close` also ends a wait of `next`. */
  readonly endsWhenClosed: boolean
}

/**
 * Checks one event. Throws the error that the event reports.
 *
 * @param name The event's name, which only some servers give.
 */
export function checkedEvent(event: unknown, name?: string, headers?: AnyHeaders): object {
  const error = reportedError(event, name === 'error', headers)
  if (error) throw error
  const value = first(event)
  if (typeof value === 'object' && value !== null) return value
  throw new RequestError('not_json', 'An event of the answer is not a JSON object')
}

/**
 * The error that an event or a body reports.
 *
 * @param isError Whether it is known to be an error, in whatever form.
 */
export function reportedError(event: unknown, isError: boolean, headers?: AnyHeaders): Error | undefined {
  const value = first(event)
  const { error, object, type } = (value ?? {}) as { error?: unknown; object?: unknown; type?: unknown }
  // vLLM, the Responses API, and servers that name only the event write the error's fields here.
  const isHere = isError || object === 'error' || type === 'error'
  if (error) return serverError(error, headers)
  return isHere && value ? serverError(value, headers) : undefined
}

/** Gemini wraps its errors in an array. */
function first(event: unknown): unknown {
  return Array.isArray(event) ? event[0] : event
}

/** An error with the fields of the SDK's errors. */
function serverError(error: unknown, headers: AnyHeaders | undefined): Error {
  const fields = typeof error === 'object' ? (error as Record<string, unknown>) : { message: error }
  const { message, code, type, param } = fields
  const text = typeof message === 'string' ? message : JSON.stringify(message ?? fields)
  return Object.assign(new Error(text), { error, code, type, param, headers })
}
