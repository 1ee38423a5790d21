/** An endpoint that answers closed questions with probabilities, and writes no text. */
export interface DecisionEndpoint {
  readonly name: string
  /** It answers with this model, whichever model a job has. */
  readonly model: string
  /** US dollars for a million tokens of input. Output costs nothing. */
  readonly input: number
  /** Fewest and most choices of a question. */
  readonly choices: { readonly least: number; readonly most: number }
  /** Most questions in a request. All are about the same record. `undefined`: not published. */
  readonly questions: number | undefined
  /** Milliseconds that a request takes, as its vendor says. `undefined`: not published. */
  readonly milliseconds: { readonly low: number; readonly high: number } | undefined
  readonly source: string
  readonly date: string
}

const choices = { least: 2, most: 255 }
/** A comparison of both vendors' documentation on the day of `date`. */
const compared = {
  source: 'https://apidog.com/blog/gemini-decisions-api-vs-openai-decisions-api/',
  date: '2026-11-12',
}

export const decisionEndpoints: readonly DecisionEndpoint[] = [
  {
    ...{ name: 'OpenAI Decisions', model: 'gpt-6-luna', input: 0.1, choices, questions: 400 },
    ...{ milliseconds: undefined, ...compared },
  },
  {
    ...{ name: 'Gemini Decisions', model: 'gemini-decision-1', input: 0.1, choices, questions: 1_000 },
    ...{ milliseconds: { low: 150, high: 250 }, ...compared },
  },
  {
    ...{ name: 'Jev', model: 'jev-1.13', input: 0.042, choices, questions: undefined },
    milliseconds: { low: 70, high: 500 },
    source: 'https://typesafe.ai/blog/introducing-system-one-models-and-jev',
    date: '2026-09-29',
  },
]
