import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import type { ChatClient } from 'llm-pack-stream'
import { recordsOf, type Call } from './scripted-client.ts'

/** The request, as the server sees it. */
export interface Received {
  /** Number of the request, from 0. */
  readonly number: number
  readonly body: Call['body'] & Readonly<Record<string, unknown>>
  readonly records: Call['records']
}

/** Both majors of the SDK, with a server that needs no socket. */
export const sdks: readonly (readonly [
  name: string,
  connect: (answer: (request: Received) => Response | Promise<Response>) => ChatClient & {
    requests: Received[]
  },
])[] = [
  ['openai 7', (answer) => connect(answer, (options) => new OpenAI(options))],
  ['openai 6', (answer) => connect(answer, (options) => new OpenAI6(options))],
]

function connect(
  answer: (request: Received) => Response | Promise<Response>,
  make: (options: { apiKey: string; logLevel: 'off'; fetch: typeof fetch }) => ChatClient,
) {
  const requests: Received[] = []
  const client = make({
    apiKey: 'sk-test',
    logLevel: 'off',
    fetch: async (_url, init) => {
      const body = JSON.parse(init?.body as string) as Received['body']
      const request = { number: requests.length, body, records: recordsOf(body) }
      requests.push(request)
      return answer(request)
    },
  })
  return Object.assign(client, { requests })
}

/** A response that is an event stream of this text. */
export function eventStream(text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { headers: { 'content-type': 'text/event-stream', ...headers } })
}

/** Writes events, each as JSON or as it is. */
export function frames(...events: readonly (object | string)[]): string {
  return events
    .map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
    .join('')
}

/** One event of Chat Completions. */
export function chunk(delta: object, finish_reason: string | null = null, more: object = {}): object {
  return { id: 'chatcmpl-1', choices: [{ index: 0, delta, finish_reason }], ...more }
}

/** An answer in two events: a text, and an end. */
export function answered(text: string, finishReason = 'stop', more: object = {}): Response {
  return eventStream(frames(chunk({ content: text }), chunk({}, finishReason, more), '[DONE]'))
}

/** An error response with this JSON body. */
export function refused(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}
