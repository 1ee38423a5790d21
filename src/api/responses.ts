import { usageOf, type Answer } from './answer.ts'
import type { Api, Sent } from './api.ts'
import { RESPONSES_OWN_FIELDS, type ResponsesBody, type ResponsesClient } from './clients.ts'

/** The Responses API. */
export const responsesApi: Api = {
  method: 'responses.create',
  ownFields: RESPONSES_OWN_FIELDS,
  formFields: ['output'],

  send: (client, { model, system, user, jsonSchema, maxOutputTokens, form }, fields, options) => {
    const named = { name: 'results', strict: true as const, schema: { ...jsonSchema } }
    const body: ResponsesBody = {
      // By default, the API stores requests, and so the records, for at least 30 days.
      store: false,
      ...fields,
      model,
      input: [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ],
      ...(form.output === 'json_schema' ? { text: { format: { type: form.output, ...named } } } : {}),
      ...(form.output === 'json_object' ? { text: { format: { type: form.output } } } : {}),
      ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
      stream: true,
    }
    return (client as ResponsesClient).responses.create(body, options) as Sent
  },

  read: (event, answer) => {
    const { type, delta, text, refusal, object } = event as LooseEvent
    // A server that ignores `stream` sends the response itself.
    const response = object === 'response' ? (event as LooseResponse) : (event as LooseEvent).response
    if (response) readResponse(response, answer, type)
    answer.hasToken = type?.endsWith('.delta') === true && Boolean(delta)
    const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
    switch (type) {
      case 'response.output_text.delta':
        return isText(delta) ? textOf(delta, answer) : ''
      case 'response.refusal.delta':
        if (isText(delta)) answer.refusal = (answer.refusal ?? '') + delta
        return ''
      // Some servers send only this event, without deltas.
      case 'response.output_text.done':
        return isText(text) && !answer.hasText ? textOf(text, answer) : ''
      case 'response.refusal.done':
        if (isText(refusal)) answer.refusal ??= refusal
        return ''
      case 'response.failed':
        throw Object.assign(new Error(response?.error?.message ?? 'failed'), {
          code: response?.error?.code,
          type,
        })
      default:
        return answer.hasText || answer.finishReason === undefined ? '' : wholeOf(response, answer)
    }
  },
}

/** Reads the text from the last event. Some servers send it only there. */
function wholeOf(response: LooseResponse | undefined, answer: Answer): string {
  const parts = (response?.output ?? []).flatMap(({ content }) => content ?? [])
  for (const { refusal } of parts) if (typeof refusal === 'string') answer.refusal ??= refusal
  const text = parts.map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
  return text === '' ? '' : textOf(text, answer)
}

function textOf(text: string, answer: Answer): string {
  answer.hasText = true
  return text
}

/** Reads the status and the usage from an event that holds the response. */
function readResponse(response: LooseResponse, answer: Answer, type: string | undefined): void {
  const { id, status = type?.replace('response.', ''), incomplete_details, usage } = response
  if (id) answer.responseId ??= id
  if (usage) {
    answer.usage = usageOf({
      input: usage.input_tokens,
      cached: usage.input_tokens_details?.cached_tokens,
      output: usage.output_tokens,
      reasoning: usage.output_tokens_details?.reasoning_tokens,
      total: usage.total_tokens,
    })
  }
  // The status decides, not the event's name: some servers send `response.completed` after every
  // end.
  if (status === 'completed') answer.finishReason = 'stop'
  if (status === 'incomplete') {
    answer.finishReason = incomplete_details?.reason === 'content_filter' ? 'content_filter' : 'length'
  }
}

/** Compatible servers may leave out any field. */
interface LooseEvent {
  readonly type?: string
  readonly delta?: unknown
  readonly text?: unknown
  readonly refusal?: unknown
  readonly response?: LooseResponse
  readonly object?: string
}

interface LooseResponse {
  readonly id?: string
  readonly status?: string
  readonly error?: { readonly code?: string; readonly message?: string } | null
  readonly output?: readonly {
    readonly content?: readonly { readonly text?: unknown; readonly refusal?: unknown }[]
  }[]
  readonly incomplete_details?: { readonly reason?: string } | null
  readonly usage?: {
    readonly input_tokens?: unknown
    readonly input_tokens_details?: { readonly cached_tokens?: unknown } | null
    readonly output_tokens?: unknown
    readonly total_tokens?: unknown
    readonly output_tokens_details?: { readonly reasoning_tokens?: unknown } | null
  } | null
}
