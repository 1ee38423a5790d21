import type { Answer } from './answer.ts'
import type { RequestForm } from './request-form.ts'
import type { JsonSchema } from '../request/json-schema.ts'

/** The name of one of the two APIs. */
export type ApiName = 'chat' | 'responses'

/**
 * The content of one request, in the form of neither API. Only `user` and `maxOutputTokens` differ
 * between packs.
 */
export interface Prompt {
  readonly model: string
  readonly system: string
  readonly user: string
  readonly jsonSchema: JsonSchema
  /** Largest number of tokens in the answer. `undefined`: the model's own limit. */
  readonly maxOutputTokens: number | undefined
  readonly form: RequestForm
}

/** Options that the SDK gets beside the request's body. */
export interface SendOptions {
  readonly signal: AbortSignal
  /** Time in which the response headers must come, in ms. */
  readonly timeout: number
  readonly maxRetries: number
}

/** One of the two APIs: writes a request and reads its answer. */
export interface Api {
  /** Path of the method that this API calls, from the client. */
  readonly method: string
  /** Fields that the stream sets for every pack. The option `request` may not hold them. */
  readonly ownFields: readonly string[]
  /** Fields that the API has, and that a server may refuse. */
  readonly formFields: readonly (keyof RequestForm)[]
  send: (client: unknown, prompt: Prompt, fields: object, options: SendOptions) => Sent
  /**
   * Reads one event of the answer. Returns the text that the event adds. Throws the error that the
   * event reports.
   */
  read: (event: unknown, answer: Answer) => string
}

/**
 * The SDK's result: a promise of the events. The SDK's own promise can return the response instead,
 * with its headers and its body.
 */
export type Sent = PromiseLike<AsyncIterable<unknown>> & {
  readonly asResponse?: () => PromiseLike<Response>
}
