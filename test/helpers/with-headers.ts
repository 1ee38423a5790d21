import type { ScriptedClient } from './scripted-client.ts'

/**
 * Adds `.asResponse()` to the promises of a client, like in the SDK. The response has the headers
 * at the time of the request.
 */
export function withHeaders(
  client: ScriptedClient,
  headers: () => Readonly<Record<string, string>>,
): ScriptedClient {
  const { completions } = client.chat
  const create = completions.create.bind(completions)
  completions.create = (body, options) => {
    const sent = create(body, options)
    const init = { headers: { 'content-type': 'text/event-stream', ...headers() } }
    return Object.assign(sent, { asResponse: async () => new Response(asBody(await sent), init) })
  }
  return client
}

function asBody(events: AsyncIterable<unknown>): ReadableStream {
  async function* frames() {
    for await (const event of events) yield new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`)
  }
  return ReadableStream.from(frames())
}
