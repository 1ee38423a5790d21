import type { ChatBody, ChatClient } from '../api/clients.ts'
import { reportedError } from '../api/events.ts'
import { expected } from '../base/option-checks.ts'
import { RequestError } from '../record/errors.ts'
import type { AiSdkModel, CallOptions, LooseCount, LooseUsage, StartedCall, StreamPart } from './model.ts'

/** The settings of Chat Completions that the AI SDK calls by another name. */
const SETTINGS: Readonly<Record<string, string>> = {
  top_p: 'topP',
  top_k: 'topK',
  stop: 'stopSequences',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  reasoning_effort: 'reasoning',
}
/** The finish reasons that Chat Completions calls by another name. */
const FINISH_REASONS: Readonly<Record<string, string | undefined>> = {
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
  // The answer broke off.
  interrupted: undefined,
}

/**
 * Makes a client of a language model of the AI SDK. So a provider whose API is not OpenAI's works
 * too, such as Anthropic, Google, Mistral or Amazon Bedrock.
 *
 * The option `request` takes the settings of the AI SDK, such as `temperature` and
 * `providerOptions`. A setting that the model does not support is a warning of Node's `process`,
 * once.
 *
 * ```ts
 * const model = anthropic('claude-haiku-4-5')
 * new PackStream({ client: fromAiSdk(model), model: model.modelId, ...options })
 * ```
 *
 * @throws {TypeError} If `model` is no language model.
 */
export function fromAiSdk(model: AiSdkModel): ChatClient {
  if (typeof (model as Partial<AiSdkModel> | undefined)?.doStream !== 'function') {
    throw expected('model', 'a language model of the AI SDK', model)
  }
  const { specificationVersion } = model as { specificationVersion?: unknown }
  if (specificationVersion === 'v1') {
    throw expected('model.specificationVersion', "'v2' or later: a model of the AI SDK 5 to 7", 'v1')
  }
  const warned = new Set<string>()
  const warn = (warnings: unknown): void => {
    for (const warning of Array.isArray(warnings) ? warnings : []) {
      const text = `${model.provider}: ${JSON.stringify(warning)}`
      if (!warned.has(text)) process.emitWarning(text, 'AiSdkWarning')
      warned.add(text)
    }
  }
  const create = (body: ChatBody, { signal }: { signal?: AbortSignal } = {}) => {
    const result = start(model, callOptions(body, signal))
    const events = result.then(({ stream }) => chunks(stream, warn))
    return {
      then: events.then.bind(events),
      // The headers hold the rate limits.
      asResponse: () => result.then(({ response }) => ({ headers: new Headers(response?.headers) })),
    }
  }
  return Object.assign({ chat: { completions: { create } } }, identityOf(model))
}

/** The address for the cache, and the headers with the key, where `openai` has them. */
function identityOf(model: AiSdkModel): object {
  const { config } = model as { config?: { headers?: unknown } }
  let known: unknown
  const learn = async (): Promise<void> => {
    const { headers } = config ?? {}
    if (typeof headers !== 'function') known = headers
    else {
      const made: unknown = (headers as () => unknown)()
      known = made instanceof Promise ? await made : made
    }
  }
  return {
    ...{ baseURL: model.provider, deploymentName: model.modelId },
    _options: {
      get defaultHeaders() {
        // Without a key, some packages throw here. Then there is nothing that a server can quote.
        learn().catch(() => undefined)
        return known
      },
    },
  }
}

/** Starts a call. Its failure has the fields of the errors of `openai`. */
async function start(model: AiSdkModel, options: CallOptions): Promise<StartedCall> {
  try {
    return await model.doStream(options)
  } catch (thrown) {
    throw errorOf(thrown)
  }
}

/** Fields of the stream's own. All others are settings of the option `request`. */
const OWN_FIELDS = [
  ...['model', 'messages', 'stream', 'stream_options', 'response_format'],
  ...['max_completion_tokens', 'max_tokens'],
]

function callOptions(body: ChatBody, abortSignal?: AbortSignal): CallOptions {
  const maxOutputTokens = body.max_completion_tokens ?? body.max_tokens
  const settings = Object.entries(body).filter(([name]) => !OWN_FIELDS.includes(name))
  return {
    ...Object.fromEntries(settings.map(([name, value]) => [SETTINGS[name] ?? name, value as unknown])),
    prompt: body.messages.map(({ role, content }) =>
      role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] },
    ),
    responseFormat: formatOf(body.response_format),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(abortSignal && { abortSignal }),
  }
}

function formatOf(format: ChatBody['response_format']): CallOptions['responseFormat'] {
  if (!format) return { type: 'text' }
  return format.type === 'json_schema' ? { ...format.json_schema, type: 'json' } : { type: 'json' }
}

/** The parts of an answer as events of Chat Completions. */
async function* chunks(
  stream: AsyncIterable<StreamPart>,
  warn: (warnings: unknown) => void,
): AsyncGenerator<object> {
  for await (const { type, id, delta, warnings, usage, finishReason, error } of stream) {
    if (type === 'stream-start') warn(warnings)
    if (type === 'response-metadata') yield { id }
    if (type === 'text-delta') yield chunk({ content: delta })
    if (type === 'reasoning-delta') yield chunk({ reasoning: delta })
    if (type === 'finish') yield { ...chunk({}, reasonOf(finishReason)), usage: usageOf(usage as LooseUsage) }
    if (type === 'error') throw errorOf(error)
  }
}

const chunk = (delta: object, finish_reason?: string) => ({ choices: [{ index: 0, delta, finish_reason }] })

/** In version 2 of the AI SDK the reason is a string. */
function reasonOf(reason: unknown): string | undefined {
  const { unified, raw } = (typeof reason === 'string' ? { unified: reason } : reason) as {
    readonly unified: string
    readonly raw?: string
  }
  if (unified === 'other') return raw ?? unified
  return unified in FINISH_REASONS ? FINISH_REASONS[unified] : unified
}

function usageOf({ inputTokens, outputTokens, ...flat }: LooseUsage): object {
  const input: LooseCount = typeof inputTokens === 'object' ? inputTokens : { total: inputTokens }
  const output: LooseCount = typeof outputTokens === 'object' ? outputTokens : { total: outputTokens }
  const { cacheRead = flat.cachedInputTokens } = input
  const { reasoning = flat.reasoningTokens } = output
  return {
    prompt_tokens: input.total,
    prompt_tokens_details: { cached_tokens: cacheRead },
    completion_tokens: output.total,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

interface LooseError {
  readonly name?: unknown
  readonly message?: unknown
  readonly statusCode?: unknown
  readonly responseHeaders?: Record<string, string> | undefined
  readonly responseBody?: unknown
}

/** Errors by which a package refuses a request that it does not send, as the fields of `openai`. */
const REFUSALS: Readonly<Record<string, object>> = {
  AI_LoadAPIKeyError: { code: 'invalid_api_key' },
  AI_NoSuchModelError: { code: 'model_not_found' },
  AI_LoadSettingError: { status: 400 },
  AI_InvalidArgumentError: { status: 400 },
  AI_InvalidPromptError: { status: 400 },
  AI_UnsupportedFunctionalityError: { status: 400 },
}

/** An error of the AI SDK, with the fields of the errors of `openai`. */
function errorOf(thrown: unknown): unknown {
  const { name, message, statusCode: status, responseHeaders, responseBody } = (thrown ?? {}) as LooseError
  if (Number(status) < 300) {
    const text = `Expected a stream of events, got a body that the AI SDK cannot read (${String(status)})`
    return new RequestError('not_a_stream', text, { original: thrown })
  }
  if (status !== undefined) {
    const error = reportedError(parse(responseBody) ?? { message }, true, responseHeaders) ?? {}
    return Object.assign(error, { status, cause: thrown })
  }
  const refusal = REFUSALS[String(name)]
  if (refusal) return Object.assign(thrown as Error, refusal)
  if (name === 'AI_JSONParseError' || name === 'AI_TypeValidationError') {
    return new RequestError('not_json', 'An event of the answer has an unknown form', { original: thrown })
  }
  return thrown instanceof Error ? thrown : reportedError(thrown ?? 'The AI SDK named no error', true)
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(text as string)
  } catch {
    return undefined
  }
}
