/** Tokens of one request, as the API counted them. */
export interface Usage {
  readonly input: number
  /** Of `input`: read from the provider's prompt cache. */
  readonly cached: number
  readonly output: number
  /** Of `output`: spent on thinking. */
  readonly reasoning: number
}

/** What is known of an answer, filled in while it is read, so that nothing is lost where it breaks off. */
export interface Answer {
  /** Whether any of it has come, so that its prompt was paid for. */
  hasBegun: boolean
  /** Whether its newest event holds something that the model has written, be it only a thought. */
  hasToken: boolean
  /** Whether any text has come. */
  hasText: boolean
  /** The API's id of it. */
  responseId: string | undefined
  /** In Chat Completions' words; `undefined` where the stream ended without one: it was cut. */
  finishReason: string | undefined
  /** The model's own words, where it refused. */
  refusal: string | undefined
  usage: Usage | undefined
}

export function emptyAnswer(): Answer {
  return {
    hasBegun: false,
    hasToken: false,
    hasText: false,
    responseId: undefined,
    finishReason: undefined,
    refusal: undefined,
    usage: undefined,
  }
}

/** Compatible servers leave counts out, or send something else. Nothing at all is no count. */
export function usageOf(
  input: unknown,
  cached: unknown,
  output: unknown,
  reasoning: unknown,
): Usage | undefined {
  const all = countOf(input)
  if (all + countOf(output) === 0) return undefined
  return {
    input: all,
    cached: Math.min(all, countOf(cached)),
    output: countOf(output),
    reasoning: Math.min(countOf(output), countOf(reasoning)),
  }
}

function countOf(tokens: unknown): number {
  return Number.isSafeInteger(tokens) ? Math.max(0, tokens as number) : 0
}
