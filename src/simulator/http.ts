import type { IncomingMessage, ServerResponse } from 'node:http'
import { paths } from './api/api.ts'
import type { Engine } from './engine.ts'
import { ApiError } from './api/errors.ts'

/** Largest request body that the simulator accepts, in bytes. */
const largestBodyBytes = 64 * 1024 * 1024

let requestCount = 0

/** Answers one HTTP request of any kind. Every error has OpenAI's form. */
export function route(
  engine: Engine,
  apiKey: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.setHeader('x-request-id', `req_sim${++requestCount}`)
  const fail = (error: unknown) => {
    const apiError = error instanceof ApiError ? error : unexpected(error)
    sendJson(engine, response, apiError.status, apiError.body, apiError.headers)
  }
  try {
    checkKey(request, apiKey)
    const path = (request.url ?? '').split('?', 1)[0]
    const api = paths.get(path)
    if (path === '/v1/models') {
      allowOnly('GET', request)
      sendJson(engine, response, 200, modelList)
    } else if (api !== undefined) {
      allowOnly('POST', request)
      const arrivedAt = performance.now()
      readBody(request, fail, (body) => {
        // A client that closed the connection while it was sending cannot read the answer.
        if (!response.closed) engine.answer(api, body, arrivedAt, response)
      })
    } else throw new ApiError(404, `Invalid URL (${request.method ?? 'GET'} ${path ?? '/'})`)
  } catch (error) {
    fail(error)
  }
}

/** The simulator accepts every model name. The list must hold at least one name. */
const modelList = {
  object: 'list',
  data: [
    { id: 'simulator', object: 'model', created: 0, owned_by: 'llm-pack-stream (a simulator, not a model)' },
  ],
}

function checkKey(request: IncomingMessage, apiKey: string | undefined): void {
  if (apiKey === undefined || request.headers.authorization === `Bearer ${apiKey}`) return
  const message =
    request.headers.authorization === undefined
      ? "You didn't provide an API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY."
      : 'Incorrect API key provided. The simulator accepts only the key it was started with.'
  throw new ApiError(401, message, { code: 'invalid_api_key' })
}

function allowOnly(method: string, request: IncomingMessage): void {
  if (request.method === method) return
  const message = `Not allowed to ${request.method ?? 'GET'} on ${request.url ?? '/'}.`
  throw new ApiError(405, message, { code: 'method_not_allowed', headers: { allow: method } })
}

function readBody(
  request: IncomingMessage,
  fail: (error: unknown) => void,
  use: (body: string) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    // The rest of a body that is too large is read and dropped, because clients read the answer
    // only after they have sent everything.
    if (size <= largestBodyBytes) chunks.push(chunk)
  })
  request.on('end', () => {
    try {
      if (size > largestBodyBytes)
        throw new ApiError(413, `The request body is larger than ${largestBodyBytes} bytes.`)
      use(Buffer.concat(chunks).toString())
    } catch (error) {
      fail(error)
    }
  })
}

/**
 * A bug in the simulator. The client sees the message, because the client is a developer on the
 * same machine.
 */
function unexpected(error: unknown): ApiError {
  return new ApiError(500, `The simulator failed: ${String(error)}`, { type: 'server_error' })
}

function sendJson(
  engine: Engine,
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...engine.rateHeaders(), ...headers })
  response.end(JSON.stringify(body))
}
