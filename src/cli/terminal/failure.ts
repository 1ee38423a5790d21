import type { RecordError, RequestError } from '../../index.ts'
import { withFlags } from '../flags/usage-error.ts'

/** Codes of errors that the server causes. */
const OF_SERVER: ReadonlySet<unknown> = new Set([
  'request_failed',
  'not_authorized',
  'not_connectable',
  'insufficient_quota',
  'not_found',
  'bad_request',
  'unusable_answers',
])

/** Whether a message about the error should say which server it was. */
export function isOfServer({ code }: { readonly code?: string | undefined }): boolean {
  return OF_SERVER.has(code)
}

/**
 * Whether a record failed because the server gives no answers at all. A job continues when the
 * server is down for a while. But if the server has never answered, the job stops, so that the
 * person does not wait for nothing.
 */
export function isHopeless({ code, cause }: RecordError, hasAnswered: boolean): boolean {
  // A server that refuses a record answers.
  const { code: failure, status = 500 } = (cause ?? {}) as Partial<RequestError>
  const isRefused = failure === 'api_error' && status < 500
  return code === 'request_failed' && !hasAnswered && !isRefused
}

/** The message of an error, with that of its cause: some errors leave the reason to it. */
export function withCause({ message, cause }: Error): string {
  return withFlags(cause instanceof Error ? `${message}\n${cause.message}` : message)
}
