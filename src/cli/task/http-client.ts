import type { ChatClient, ResponsesClient } from '../../index.ts'

export interface HttpClientOptions {
  readonly baseURL: string
  readonly apiKey: string
  readonly organization?: string | undefined
  readonly project?: string | undefined
  /** Gets a line for each request and response, for `OPENAI_LOG=debug`. */
  readonly log?: ((line: string) => void) | undefined
  /** Explains an error of `fetch`. */
  readonly explain?: (error: unknown) => unknown
}

/**
 * A client of both APIs by `fetch`. With it the command line needs no SDK, so that `npx` can run it
 * in an empty folder. The stream reads the events and keeps the deadlines itself.
 */
export class HttpClient implements ChatClient, ResponsesClient {
  readonly baseURL: string
  readonly apiKey: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #log: (line: string) => void
  readonly #explain: (error: unknown) => unknown

  readonly chat: ChatClient['chat'] = {
    completions: { create: (body, options) => this.#send('chat/completions', body, options?.signal) },
  }

  readonly responses: ResponsesClient['responses'] = {
    create: (body, options) => this.#send('responses', body, options?.signal),
  }

  constructor(options: HttpClientOptions) {
    const { baseURL, apiKey, organization, project } = options
    const { log = () => undefined, explain = (error: unknown) => error } = options
    this.baseURL = baseURL
    this.apiKey = apiKey
    this.#log = log
    this.#explain = explain
    this.#headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${apiKey}`,
      ...(organization ? { 'openai-organization': organization } : {}),
      ...(project ? { 'openai-project': project } : {}),
    }
  }

  /**
   * Sends one request.
   *
   * @throws {Error} For a status that is no success. It has the fields of the SDK's errors.
   * @throws {RequestError} For a failure of the proxy. It names the proxy.
   */
  async post(path: string, body: object, signal: AbortSignal | undefined): Promise<Response> {
    // The URL of a gateway may have a query.
    const url = new URL(this.baseURL)
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
    const text = JSON.stringify(body)
    this.#log(`POST ${url.origin}${url.pathname} ${text}`)
    const headers = this.#headers
    const request = { method: 'POST', headers, body: text, ...(signal && { signal }) }
    const response = await fetch(url, request).catch((error: unknown) => {
      throw this.#explain(error)
    })
    this.#log(`${response.status} from ${url.origin}${url.pathname}`)
    if (response.ok) return response
    throw errorOf(response, await response.text())
  }

  #send(path: string, body: object, signal: AbortSignal | undefined): PromiseLike<AsyncIterable<unknown>> {
    const response = this.post(path, body, signal)
    // The stream takes the response, and never the promise's own value.
    return Object.assign(response as Promise<never>, { asResponse: () => response })
  }
}

/** An error with the fields of the SDK's errors. */
function errorOf({ status, headers }: Response, text: string): Error {
  const body = contentOf(text)
  // Gemini wraps its errors in an array, and vLLM writes the fields without `error`.
  const whole = Object(Array.isArray(body) ? body[0] : body) as { error?: unknown }
  const error = typeof body === 'string' ? body : (whole.error ?? whole)
  const { message, code, type, param } = Object(error) as Record<
    'message' | 'code' | 'type' | 'param',
    unknown
  >
  const words =
    typeof error === 'string' ? error : typeof message === 'string' ? message : JSON.stringify(error)
  const requestID = headers.get('x-request-id')
  return Object.assign(new Error(words), { status, headers, requestID, error, code, type, param })
}

/** The body of an error: JSON, a text, or a page, whose title says the most. */
function contentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return /<title>([^<]*)/i.exec(text)?.[1] ?? text
  }
}
