import type { Answer } from './answer.ts'
import type { JsonSchema } from '../request/strict-schema.ts'

/** Which of the two APIs is spoken. */
export type ApiName = 'chat' | 'responses'

/** What one request asks, in neither API's form. Everything but `user` and `maxOutputTokens` is the same for every pack. */
export interface Prompt {
  readonly model: string
  readonly system: string
  readonly user: string
  readonly jsonSchema: JsonSchema
  /** Cap on the answer's tokens; `undefined`: the model's own. */
  readonly maxOutputTokens: number | undefined
}

/** What is said to the SDK beside the request's body. */
export interface SendOptions {
  readonly signal: AbortSignal
  /** Until the headers, in ms. */
  readonly timeout: number
  readonly maxRetries: number
}

/** One of the two APIs: how a request is written, and how its answer is read. */
export interface Api {
  /** Whether this is a client that can be asked. */
  isClient: (client: unknown) => boolean
  /** Fields that every pack decides for itself; such fields of a request cannot be passed through. */
  readonly ownFields: readonly string[]
  send: (client: unknown, prompt: Prompt, fields: object, options: SendOptions) => Sent
  /** Takes in one event of the answer; returns the text that it adds. Throws what the event reports as an error. */
  read: (event: unknown, answer: Answer) => string
}

/** What the SDK returns: a promise of the events, and of the response's headers where it knows them. */
export type Sent = PromiseLike<AsyncIterable<unknown>> & {
  readonly withResponse?: () => PromiseLike<{
    readonly data: AsyncIterable<unknown>
    readonly response?: { readonly headers?: Headers }
  }>
}
