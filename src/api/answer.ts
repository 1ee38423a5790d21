/** Tokens of one request, as the API counted them. */
export interface Usage {
  readonly input: number
  /** Part of `input` that the provider read from its prompt cache. */
  readonly cached: number
  readonly output: number
  /** Part of `output` that the model spent on reasoning. */
  readonly reasoning: number
}

/**
 * The state of an answer. Each event updates it, so that nothing is lost if the answer breaks off.
 */
export interface Answer {
  /** Whether any part has come. Then the provider charges for the prompt. */
  hasBegun: boolean
  /**
   * Whether the newest event holds a token that the model has written. A reasoning token counts
   * too.
   */
  hasToken: boolean
  /** Whether any text has come. */
  hasText: boolean
  /** The API's id of the answer. */
  responseId: string | undefined
  /**
   * The finish reason, in the words of Chat Completions. `undefined` if the stream ended without a
   * reason, which means that the answer was cut.
   */
  finishReason: string | undefined
  /** The text of the model's refusal, if it refused. */
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

/**
 * Compatible servers leave counts out, or send other values. Returns `undefined` if there is no
 * count above 0.
 */
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
