import { usageOf } from './answer.ts'
import type { Api, Prompt } from './api.ts'
import { CHAT_OWN_FIELDS, type ChatBody, type ChatClient, type RequestFields } from './clients.ts'

/** The request body for one pack. */
export function chatBody(
  { model, system, user, jsonSchema, maxOutputTokens, form }: Prompt,
  fields: object,
): ChatBody {
  const { stream_options, ...rest } = fields as RequestFields
  const json_schema = { name: 'results', strict: true as const, schema: jsonSchema }
  return {
    ...(rest as object),
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    ...(form.output === 'json_schema' ? { response_format: { type: form.output, json_schema } } : {}),
    ...(form.output === 'json_object' ? { response_format: { type: form.output } } : {}),
    ...(maxOutputTokens === undefined ? {} : { [form.cap]: maxOutputTokens }),
    stream: true,
    ...(form.usage === 'none' ? {} : { stream_options: { ...stream_options, include_usage: true } }),
  }
}

/** The Chat Completions API. */
export const chatApi: Api = {
  method: 'chat.completions.create',
  ownFields: CHAT_OWN_FIELDS,
  formFields: ['cap', 'usage', 'output'],

  send: (client, prompt, fields, options) =>
    (client as ChatClient).chat.completions.create(chatBody(prompt, fields), options),

  read: (event, answer) => {
    const { id, choices, usage } = event as LooseChunk
    // Azure's first event has an empty id.
    if (id) answer.responseId ??= id
    if (usage) {
      answer.usage = usageOf({
        input: usage.prompt_tokens,
        cached: usage.prompt_tokens_details?.cached_tokens,
        output: usage.completion_tokens,
        reasoning: usage.completion_tokens_details?.reasoning_tokens,
        total: usage.total_tokens,
      })
    }
    const choice = choices?.[0]
    if (choice?.finish_reason) answer.finishReason = choice.finish_reason
    // Some servers send the whole answer as one `message`, or repeat it so after its deltas.
    const delta = choice?.delta ?? (answer.hasText ? undefined : choice?.message) ?? {}
    const { refusal } = delta
    if (typeof refusal === 'string' && refusal !== '') answer.refusal = (answer.refusal ?? '') + refusal
    const text = textOf(delta)
    if (text !== '') answer.hasText = true
    // A delta may hold reasoning instead of `content`. Its field has another name on each server.
    answer.hasToken =
      text !== '' || Object.entries(delta).some(([name, value]) => name !== 'role' && !isEmpty(value))
    return text
  },
}

/** The text of the answer: as a string, in parts, or as the arguments of a tool or a function. */
function textOf({ content, tool_calls, function_call }: LooseDelta): string {
  if (typeof content === 'string' && content !== '') return content
  const parts = Array.isArray(content) ? (content as readonly LoosePart[]) : []
  const text = join(parts.map((part) => part?.type === 'text' && part.text))
  const calls = [...(tool_calls ?? []).map((call) => call?.function), function_call]
  return text || join(calls.map((call) => call?.arguments))
}

function join(texts: readonly unknown[]): string {
  return texts.filter((text) => typeof text === 'string').join('')
}

/** Servers send empty fields in different forms. */
function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : !value
}

/** Unlike the SDK's types, some gateways leave `choices` or `delta` out, or send text in parts. */
interface LooseChunk {
  readonly id?: string
  readonly choices?: readonly {
    readonly finish_reason?: string | null
    readonly delta?: LooseDelta | null
    readonly message?: LooseDelta | null
  }[]
  readonly usage?: {
    readonly prompt_tokens?: unknown
    readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null
    readonly completion_tokens?: unknown
    readonly total_tokens?: unknown
    readonly completion_tokens_details?: { readonly reasoning_tokens?: unknown } | null
  } | null
}

interface LooseDelta {
  readonly content?: unknown
  readonly refusal?: unknown
  readonly tool_calls?: readonly ({ readonly function?: LooseCall | null } | null)[] | null
  readonly function_call?: LooseCall | null
}

interface LooseCall {
  readonly arguments?: unknown
}

/** A part of the content. Mistral sends a thought as a part of another type. */
type LoosePart = { readonly type?: unknown; readonly text?: unknown } | null
