// No type here comes from `@ai-sdk/provider`, so that models of several major versions fit.

/** The part of a language model of the AI SDK that `fromAiSdk` uses: versions 2 to 4. */
export interface AiSdkModel {
  readonly provider: string
  readonly modelId: string
  doStream(options: CallOptions): PromiseLike<StartedCall>
}

/** A call whose response headers have come. */
export interface StartedCall {
  readonly stream: AsyncIterable<StreamPart>
  readonly response?: { readonly headers?: Record<string, string> | undefined } | undefined
}

/** The options of one call. The settings of the option `request` are beside these. */
export interface CallOptions {
  prompt: (
    { role: 'system'; content: string } | { role: 'user'; content: { type: 'text'; text: string }[] }
  )[]
  responseFormat: { type: 'text' } | { type: 'json'; name?: string; schema?: Record<string, unknown> }
  maxOutputTokens?: number
  abortSignal?: AbortSignal
}

/** One part of an answer. */
export interface StreamPart {
  readonly type: string
  readonly id?: unknown
  readonly delta?: unknown
  readonly warnings?: unknown
  readonly usage?: unknown
  readonly finishReason?: unknown
  readonly error?: unknown
}

/** The tokens of one answer: from version 3 on in groups, in version 2 as numbers. */
export interface LooseUsage {
  readonly inputTokens?: number | LooseCount
  readonly outputTokens?: number | LooseCount
  readonly cachedInputTokens?: number
  readonly reasoningTokens?: number
}

export interface LooseCount {
  readonly total?: number | undefined
  readonly cacheRead?: number
  readonly reasoning?: number
}
