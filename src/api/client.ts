import type { Sent } from './api.ts'
import { RequestError } from '../record/errors.ts'
import { Body } from './body.ts'
import { checkedEvent, type OpenedAnswer } from './events.ts'

/** @param path The method, for example `responses.create`. */
export function hasMethod(client: unknown, path: string): boolean {
  const step = (at: unknown, name: string): unknown =>
    (at as Record<string, unknown> | null | undefined)?.[name]
  return typeof path.split('.').reduce(step, client) === 'function'
}

/** Waits for the response headers of a request that was sent. */
export async function opened(sent: Sent | undefined): Promise<OpenedAnswer> {
  if (typeof sent?.asResponse !== 'function') return ofIterator(await sent)
  // A wrapper that traces requests puts its own `then` before the client's, and wants the events.
  const isTraced = sent.then !== (Object.getPrototypeOf(sent) as typeof sent).then
  if (!isTraced) return new Body(await sent.asResponse())
  const [events, { headers }] = await Promise.all([sent, sent.asResponse()])
  return ofIterator(events, headers)
}

/**
 * The answer of a client that reads the body itself, such as a wrapper. It may be an array, or one
 * whole answer.
 */
function ofIterator(source: unknown, headers?: Headers): OpenedAnswer {
  if (typeof source !== 'object' || source === null) {
    const got = source === null ? 'null' : typeof source
    throw new RequestError('not_a_stream', `Expected a stream of events, got ${got} from the client`)
  }
  const iterable = (Symbol.asyncIterator in source || Symbol.iterator in source ? source : [source]) as
    AsyncIterable<unknown> | Iterable<unknown>
  const iterator =
    Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
  let hasBegun = false
  return {
    headers,
    endsWhenClosed: false,
    got: 'a stream without events',
    next: async () => {
      hasBegun = true
      const step = await iterator.next()
      return step.done ? undefined : [checkedEvent(step.value)]
    },
    close: () => {
      // A generator that has not begun closes nothing.
      const begin = hasBegun ? undefined : iterator.next()
      void (async () => Promise.all([begin, iterator.return?.()]))().catch(() => undefined)
    },
  }
}

/**
 * The server of a client, and the name under which it knows the model. Both are part of an answer's
 * identity.
 */
export function addressOf(client: unknown): readonly unknown[] {
  const { baseURL, deploymentName } = client as { baseURL?: unknown; deploymentName?: unknown }
  return [baseURL, deploymentName]
}

/**
 * A hint for a URL of a client without the version of the API, which most servers want. `''`: the
 * URL has a version, or is no URL.
 */
export function hintOf(client: unknown): string {
  const { baseURL } = client as { baseURL?: unknown }
  const url = URL.parse(String(baseURL))
  if (!url || /\/v\d/.test(url.pathname)) return ''
  return `. \`client.baseURL\` has no version: did you mean ${url.origin}${url.pathname.replace(/\/+$/, '')}/v1?`
}

const create = () => Promise.reject(new Error('This client sends nothing'))
/** A client of either API, for a check of options without a server. */
export const offlineClient = { chat: { completions: { create } }, responses: { create } }

/** The client's key, and the values of its headers and query, which no message may quote. */
export function secretsOf(client: unknown): string[] {
  // `customHeaders`: of portkey-ai.
  const { apiKey, customHeaders, _options: options = {} } = client as LooseClient
  const { defaultHeaders, defaultQuery, fetchOptions } = options
  return [customHeaders, defaultHeaders, defaultQuery, fetchOptions?.headers]
    .flatMap(valuesOf)
    .concat(apiKey)
    .filter((secret) => typeof secret === 'string')
    .flatMap((secret) => [secret, withoutScheme(secret)])
}

interface LooseClient {
  readonly apiKey?: unknown
  readonly customHeaders?: unknown
  readonly _options?: {
    readonly defaultHeaders?: unknown
    readonly defaultQuery?: unknown
    readonly fetchOptions?: { readonly headers?: unknown }
  }
}

/** The values of headers or of a query: an object, pairs, `Headers`; a value may be a list. */
function valuesOf(fields: unknown): unknown[] {
  if (typeof fields !== 'object' || fields === null) return []
  const pairs: unknown = Symbol.iterator in fields ? fields : Object.entries(fields)
  return Array.from(pairs as Iterable<[string, unknown]>).flatMap(([, value]) => value)
}

/** A server may quote a key without the word `Bearer` before it. */
function withoutScheme(header: string): string {
  return header.replace(/^\w+\s+/, '')
}
