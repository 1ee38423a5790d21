import type { ScriptedClient } from './scripted-client.ts'

/** Gives the promises of a client `.withResponse()`, as the SDK's have it. The headers are those at the time of the request. */
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
