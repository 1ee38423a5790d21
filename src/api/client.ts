import type { AnyHeaders } from '../limits/rate-headers.ts'
import type { Sent } from './api.ts'

/** An answer whose response headers have come. */
export interface OpenedAnswer {
  readonly events: AsyncIterable<unknown>
  /** `undefined`: the client does not tell them. */
  readonly headers: AnyHeaders | undefined
}

/** @param path The method, for example `responses.create`. */
export function hasMethod(client: unknown, path: string): boolean {
  const step = (at: unknown, name: string): unknown =>
    (at as Record<string, unknown> | null | undefined)?.[name]
  return typeof path.split('.').reduce(step, client) === 'function'
}

/** Waits for the response headers of a request that was sent. */
export async function opened(sent: Sent): Promise<OpenedAnswer> {
  if (typeof sent.withResponse !== 'function') return { events: await sent, headers: undefined }
  const { data, response } = await sent.withResponse()
  return { events: data, headers: response?.headers }
}

/**
 * The server of a client, and the name under which it knows the model. Both are part of an answer's
 * identity.
 */
export function addressOf(client: unknown): readonly unknown[] {
  const { baseURL, deploymentName } = client as { baseURL?: unknown; deploymentName?: unknown }
  return [baseURL, deploymentName]
}

const create = () => Promise.reject(new Error('This client sends nothing'))
/** A client of either API, for a check of options without a server. */
export const offlineClient = { chat: { completions: { create } }, responses: { create } }

/** The client's key and the values of its headers, which no message may quote. */
export function secretsOf(client: unknown): string[] {
  const { apiKey, _options } = client as {
    apiKey?: unknown
    _options?: { defaultHeaders?: Record<string, unknown> }
  }
  const headers = Object.values(_options?.defaultHeaders ?? {})
  return [apiKey, ...headers].filter((secret) => typeof secret === 'string')
}
