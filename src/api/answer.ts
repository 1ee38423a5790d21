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

/** The counts of one API, under their names in `Usage`. */
interface Counts {
  readonly input: unknown
  readonly cached: unknown
  readonly output: unknown
  readonly reasoning: unknown
  readonly total: unknown
}

/**
 * Compatible servers leave counts out, or send other values. Returns `undefined` if there is no
 * count above 0.
 */
export function usageOf({ input, cached, output, reasoning, total }: Counts): Usage | undefined {
  const all = countOf(input)
  const written = countOf(output)
  if (all + written === 0) return undefined
  // xAI and Gemini count the reasoning beside the output. Only the total shows it.
  const beside = Math.max(0, countOf(total) - all - written)
  return {
    input: all,
    cached: Math.min(all, countOf(cached)),
    output: written + beside,
    reasoning: Math.min(written + beside, Math.max(countOf(reasoning), beside)),
  }
}

function countOf(tokens: unknown): number {
  return Number.isSafeInteger(tokens) ? Math.max(0, tokens as number) : 0
}
