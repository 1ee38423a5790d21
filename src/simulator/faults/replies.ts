import type { ServerResponse } from 'node:http'
import { ApiError } from '../api/errors.ts'
import type { Fault } from './plan.ts'
import { between, type Random } from './random.ts'
import { resetNow, resetSoon } from './reset.ts'

/**
 * A reply that replaces an answer: an error with a status, or a function that uses the response.
 */
type Reply = ApiError | ((response: ServerResponse) => void)

/**
 * Returns the reply that replaces the answer. `undefined` if the fault happens within an answer.
 */
export function replyFor({ kind, name }: Fault, random: Random): Reply | undefined {
  const message = `The simulator was told to fail here: ${name}.`
  switch (kind) {
    case 'rate_limit':
      return rateLimit(message, between(random, 20, 50))
    case 'rate_limit_bare':
      return rateLimit(message)
    case 'server_error':
      return new ApiError(500, message, { type: 'server_error' })
    case 'context':
      return new ApiError(400, message, { param: 'messages', code: 'context_length_exceeded' })
    case 'content_filter_error':
      return new ApiError(400, message, { param: 'prompt', code: 'content_filter' })
    case 'reset':
      return resetNow
    case 'reset_before':
      return random() < 0.5 ? resetNow : resetAfterHeaders
    case 'html': {
      const page = `<!doctype html>\n<html><head><title>Sorry</title></head><body>${message}</body></html>\n`
      return (response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
    }
    case 'json': {
      const { body } = new ApiError(500, message, { type: 'server_error' })
      return (response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    case 'error_event': {
      const { body } = new ApiError(503, message, { type: 'server_error', code: '503' })
      const event = `event: error\ndata: ${JSON.stringify(body)}\n\n`
      return (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event)
    }
    default:
      return undefined
  }
}

function resetAfterHeaders(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.flushHeaders()
  resetSoon(response)
}

function rateLimit(message: string, wait?: number): ApiError {
  const headers =
    wait === undefined
      ? {}
      : { 'retry-after': String(Math.ceil(wait / 1000)), 'retry-after-ms': String(wait) }
  return new ApiError(429, message, { type: 'requests', code: 'rate_limit_exceeded', headers })
}
