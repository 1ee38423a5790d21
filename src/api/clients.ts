import type { SendOptions } from './api.ts'

// No type here comes from the `openai` package, so that a project without it can check these types.

/**
 * The part of a client that `api: 'chat'` uses. The clients of `openai` 5 to 7, `groq-sdk`,
 * `together-ai`, `@cerebras/cerebras_cloud_sdk` and `portkey-ai` have it. A wrapper or a stand-in
 * with this method works too.
 */
export interface ChatClient {
  readonly chat: {
    readonly completions: {
      create(body: ChatBody, options?: Partial<SendOptions>): PromiseLike<AsyncIterable<unknown>>
    }
  }
}

/** The part of a client that `api: 'responses'` uses. */
export interface ResponsesClient {
  readonly responses: {
    create(body: ResponsesBody, options?: Partial<SendOptions>): PromiseLike<AsyncIterable<unknown>>
  }
}

interface Message {
  role: 'system' | 'user'
  content: string
}

interface NamedSchema {
  name: string
  strict: true
  schema: Record<string, unknown>
}

/** A request of the stream to Chat Completions, without the fields of the option `request`. */
export interface ChatBody {
  model: string
  messages: Message[]
  response_format?: { type: 'json_schema'; json_schema: NamedSchema } | { type: 'json_object' }
  max_completion_tokens?: number
  /** For servers that refuse `max_completion_tokens`. */
  max_tokens?: number
  stream: true
  stream_options?: { include_usage: true }
}

/** A request of the stream to the Responses API, without the fields of the option `request`. */
export interface ResponsesBody {
  model: string
  input: Message[]
  store?: boolean
  text?: { format: ({ type: 'json_schema' } & NamedSchema) | { type: 'json_object' } }
  max_output_tokens?: number
  stream: true
}

/** Fields of Chat Completions that each pack decides itself. */
export const CHAT_OWN_FIELDS = [
  ...['model', 'messages', 'stream', 'response_format', 'n', 'max_completion_tokens', 'max_tokens'],
  ...['tools', 'tool_choice', 'functions', 'function_call'],
] as const

/** Fields of the Responses API that each pack decides itself. */
export const RESPONSES_OWN_FIELDS = [
  ...['model', 'input', 'instructions', 'stream', 'text', 'max_output_tokens', 'background'],
  ...['previous_response_id', 'conversation', 'prompt', 'tools', 'tool_choice', 'truncation'],
  // Fields of Chat Completions with the same meaning.
  ...['messages', 'response_format', 'max_completion_tokens', 'max_tokens', 'n'],
] as const

/** Fields that both APIs have, and any field that only some server knows. */
interface CommonFields {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly service_tier?: string | null | undefined
  readonly prompt_cache_key?: string | undefined
  readonly safety_identifier?: string | undefined
  readonly store?: boolean | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  // With `unknown`, TypeScript would refuse a value whose type is an interface.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly [field: string]: any
}

/**
 * Fields that the stream passes through to Chat Completions unchanged. Fields of other servers,
 * such as `chat_template_kwargs` of vLLM, are allowed.
 */
export interface RequestFields
  extends CommonFields, Readonly<Partial<Record<(typeof CHAT_OWN_FIELDS)[number], undefined>>> {
  readonly seed?: number | null | undefined
  readonly stop?: string | readonly string[] | null | undefined
  readonly frequency_penalty?: number | null | undefined
  readonly presence_penalty?: number | null | undefined
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined
  readonly reasoning_effort?: string | null | undefined
  readonly verbosity?: string | null | undefined
  readonly stream_options?: object | null | undefined
}

/**
 * Fields that the stream passes through to the Responses API unchanged. Fields of other servers are
 * allowed.
 */
export interface ResponsesFields
  extends CommonFields, Readonly<Partial<Record<(typeof RESPONSES_OWN_FIELDS)[number], undefined>>> {
  readonly reasoning?:
    { readonly effort?: string | null; readonly summary?: string | null } | null | undefined
  readonly stream_options?: object | null | undefined
}
