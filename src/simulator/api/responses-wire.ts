import type { ResponsesRequest } from './responses-request.ts'
import type { ErrorBody } from './errors.ts'
import type { FinishReason, Usage, Writer } from './chat-wire.ts'

/** The place of the answer's text. The answer has one item, and the item has one part. */
const itemIndex = { output_index: 0 }
const partIndex = { ...itemIndex, content_index: 0 }

/** Writes the parts of one response, streamed or in one piece. */
export class ResponseWriter implements Writer {
  /** The fields that are the same in every event with the response. */
  readonly #head: object
  readonly #itemId: string
  readonly #deltaEnd: string
  /** Number of the next event. */
  #sequence = 0
  /** All deltas so far. The events at the end repeat them. */
  #text = ''
  /** Whether the deltas are a refusal. */
  #isRefusal = false

  /** Ids end in `suffix`; `created` is in seconds since 1970. */
  constructor(request: ResponsesRequest, suffix: string, created: number) {
    this.#head = responseHead(request, `resp_${suffix}`, created)
    this.#itemId = `msg_${suffix}`
    // The common part of all token events is made only once, because there are thousands of events
    // per second.
    const place = JSON.stringify({ item_id: this.#itemId, ...partIndex, logprobs: [] })
    this.#deltaEnd = `,${place.slice(1)}\n\n`
  }

  /**
   * Returns the events before the first token. They open the response, its message, and the
   * message's text.
   */
  start(): string {
    const response = { ...this.#head, ...inProgress }
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response }) +
      this.#event('response.output_item.added', { ...itemIndex, item: this.#item('in_progress', []) }) +
      this.#event('response.content_part.added', { ...this.#place, part: textPart('') })
    )
  }

  /** Returns one event for one token. */
  delta(token: string): string {
    this.#text += token
    const type = 'response.output_text.delta'
    const head = `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence++}`
    return `${head},"delta":${JSON.stringify(token)}${this.#deltaEnd}`
  }

  /** Returns one event for one token of a refusal. */
  refusal(token: string): string {
    this.#text += token
    this.#isRefusal = true
    return this.#event('response.refusal.delta', { ...this.#place, delta: token })
  }

  /**
   * Returns the events after the last token. They close the text, the message and the response, and
   * each event repeats its whole content.
   */
  end(reason: FinishReason, usage: Usage): string {
    const text = this.#text
    const { status } = endings[reason]
    const part = this.#isRefusal ? refusalPart(text) : textPart(text)
    const response = this.#response([part], reason, usage)
    const done = this.#isRefusal
      ? this.#event('response.refusal.done', { ...this.#place, refusal: text })
      : this.#event('response.output_text.done', { ...this.#place, text, logprobs: [] })
    return (
      done +
      this.#event('response.content_part.done', { ...this.#place, part }) +
      this.#event('response.output_item.done', { ...itemIndex, item: this.#item(status, [part]) }) +
      this.#event(`response.${status}`, { response })
    )
  }

  /** The body of an answer that is not streamed. */
  whole(content: string, reason: FinishReason, usage: Usage): string {
    return JSON.stringify(this.#response([textPart(content)], reason, usage))
  }

  /** The body of a refusal that is not streamed. */
  wholeRefusal(refusal: string, reason: FinishReason, usage: Usage): string {
    return JSON.stringify(this.#response([refusalPart(refusal)], reason, usage))
  }

  /**
   * Returns an error event that comes after status 200. `body` is the body of an error response.
   */
  error({ error }: ErrorBody): string {
    const { code, message, param } = error
    return this.#event('error', { code, message, param })
  }

  get #place() {
    return { item_id: this.#itemId, ...partIndex }
  }

  #event(type: string, fields: object): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence++, ...fields })}\n\n`
  }

  #item(status: string, content: readonly object[]) {
    return { id: this.#itemId, type: 'message', status, role: 'assistant', content }
  }

  #response(content: readonly object[], reason: FinishReason, usage: Usage) {
    const { status, incomplete_details } = endings[reason]
    const output = [this.#item(status, content)]
    return { ...this.#head, status, incomplete_details, output, usage: usageBody(usage) }
  }
}

const inProgress = { status: 'in_progress', incomplete_details: null, output: [], usage: null }

/** The fields of a response for each finish reason. The last event is named after the status. */
const endings: Record<FinishReason, { status: string; incomplete_details: { reason: string } | null }> = {
  stop: { status: 'completed', incomplete_details: null },
  length: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  content_filter: { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
}

function responseHead(request: ResponsesRequest, id: string, created: number) {
  return {
    id,
    object: 'response',
    created_at: created,
    error: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.maxTokens ?? null,
    model: request.model,
    parallel_tool_calls: true,
    service_tier: 'default',
    temperature: null,
    text: { format: formatBody(request) },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    // A mark, so that a log of the simulator cannot look like a model's log.
    metadata: { ...request.metadata, simulator: 'not a model' },
  }
}

function formatBody({ format }: ResponsesRequest) {
  if (format.type !== 'json_schema') return { type: format.type }
  const { type, name, schema, strict } = format
  return { type, name, schema, strict }
}

function textPart(text: string) {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function refusalPart(refusal: string) {
  return { type: 'refusal', refusal }
}

function usageBody({ prompt, completionTokens, reasoningTokens }: Usage) {
  return {
    input_tokens: prompt.tokens,
    input_tokens_details: { cached_tokens: prompt.cached, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: prompt.tokens + completionTokens,
  }
}
