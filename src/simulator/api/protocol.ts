import type { Api } from './api.ts'
import { type ChatRequest, parseChatRequest } from './chat-request.ts'
import { parseResponsesRequest, type ResponsesRequest } from './responses-request.ts'
import { ResponseWriter } from './responses-wire.ts'
import { CompletionWriter, type Writer } from './chat-wire.ts'

export type AnyRequest = ChatRequest | ResponsesRequest

const parsers: Record<Api, (body: string) => AnyRequest> = {
  chat: parseChatRequest,
  responses: parseResponsesRequest,
}

/** Reads a request's body. Throws an `ApiError` that names the first missing or wrong field. */
export function parseRequest(api: Api, body: string): AnyRequest {
  return parsers[api](body)
}

/**
 * Returns the writer for the answer to request number `count`. `created` is in seconds since 1970.
 */
export function writerFor(request: AnyRequest, count: number, created: number): Writer {
  switch (request.api) {
    case 'chat':
      return new CompletionWriter(request, `chatcmpl-sim${count}`, created)
    case 'responses':
      return new ResponseWriter(request, `sim${count}`, created)
  }
}
