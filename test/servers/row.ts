import type { PackStreamOptions } from 'llm-pack-stream'

/** The kinds of servers, as docs/servers.md names them. */
export const servers = [
  ...['llama.cpp', 'vLLM', 'Ollama', 'LM Studio', 'SGLang', 'LiteLLM', 'OpenRouter', 'DeepSeek', 'Groq'],
  ...['Mistral', 'Gemini', 'Anthropic', 'Azure', 'Bedrock'],
] as const
export type Server = (typeof servers)[number]

/** How a shape is known, with its letter in docs/servers.md. The best knowledge comes first. */
export const waysOfTrying = {
  /** This project saw it on the server itself. */
  real: 'S',
  /** Others recorded it on the server, and published it. */
  recorded: 'R',
  /** The provider's own package for the AI SDK reads it. */
  package: 'P',
  /** Only the server's documentation or sources say it. */
  documented: 'D',
} as const
export type TriedOn = keyof typeof waysOfTrying

/** One request, as the server sees it. */
export interface Seen {
  /** Number of the request, from 0. */
  readonly number: number
  readonly body: Readonly<Record<string, unknown>>
  readonly records: readonly { readonly id: number; readonly text: string }[]
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Answer = (seen: Seen) => Reply

/** What the stream makes of a server. */
export interface Expected {
  /** Number of records in each request. */
  readonly requests: readonly number[]
  /** Code of each rejected record, by the record's text. Default: no record is rejected. */
  readonly rejected?: Readonly<Record<string, string>>
  /** Code with which the stream ends. */
  readonly fatal?: string
  /** Time between the first request and the second, in ms. */
  readonly waits?: number
  /** The `response_format` of each request. */
  readonly formats?: readonly string[]
  /** Fields that the last request has not. */
  readonly without?: readonly string[]
  /** Fields that the last request has. */
  readonly with?: readonly string[]
  /** Input and output tokens of the whole run, as the server counted them. */
  readonly tokens?: readonly [input: number, output: number]
  /** Number of answers in another form than the asked form. Default: 0. */
  readonly wrapped?: number
  /** The id of the answer in `pack.responseId`. */
  readonly responseId?: string
}

export type Options = Partial<PackStreamOptions<string, { label: string }>>

/** One server with one quirk. */
export interface Row {
  readonly server: Server
  /** Name of the quirk in docs/servers.md. */
  readonly quirk: string
  readonly triedOn: TriedOn
  /** Where the shape is recorded or described. */
  readonly source: string
  readonly answer: Answer
  /** The client of a server that has one of its own. Default: an `OpenAI`. */
  readonly client?: (baseURL: string) => PackStreamOptions<string, unknown>['client']
  /** Default: a, b and c. */
  readonly records?: readonly string[]
  readonly options?: Options
  readonly expected: Expected
}
