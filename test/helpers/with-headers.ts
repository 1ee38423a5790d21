import type { ScriptedClient } from './scripted-client.ts'

/**
 * Adds `.withResponse()` to the promises of a client, like in the SDK. It returns the headers at
 * the time of the request.
 */
export function withHeaders(
  client: ScriptedClient,
  headers: () => Readonly<Record<string, string>>,
): ScriptedClient {
  const { completions } = client.chat
  const create = completions.create.bind(completions)
  completions.create = (body, options) => {
    const sent = create(body, options)
    const response = { headers: new Headers(headers()) }
    return Object.assign(sent, { withResponse: async () => ({ data: await sent, response }) })
  }
  return client
}
