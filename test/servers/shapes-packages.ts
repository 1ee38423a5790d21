import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createMistral } from '@ai-sdk/mistral'
import { APICallError, type LanguageModelV4, type LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { fromAiSdk } from 'llm-pack-stream/ai-sdk'
import type { Row } from './row.ts'
import { cut, first, hasRecord, pieces, plain, refusing, right, stream, wrapped, type Text } from './wire.ts'

// Native APIs, which the packages of the AI SDK read. Bedrock's package is no part of the tests:
// a stand-in gives the parts that it makes of Bedrock's events.

const anthropic = (baseURL: string) =>
  fromAiSdk(createAnthropic({ baseURL, apiKey: 'any' })('claude-haiku-4-5'))
const google = (baseURL: string) => fromAiSdk(createGoogle({ baseURL, apiKey: 'any' })('gemini-2.5-flash'))
const mistral = (baseURL: string) =>
  fromAiSdk(createMistral({ baseURL, apiKey: 'any' })('magistral-medium-2507'))

const bedrock = (baseURL: string) => fromAiSdk(bedrockModel(baseURL))

const event = (type: string, more: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

/** Anthropic's Messages API. */
const claude = (text: Text, stop_reason: string, error: string[] = []) =>
  stream((seen) => [
    event('message_start', {
      message: {
        ...{ id: 'msg_01S', type: 'message', role: 'assistant', model: 'claude-haiku-4-5', content: [] },
        ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 95, output_tokens: 1 } },
      },
    }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping'),
    ...pieces(text(seen)).map((piece) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
    ),
    ...(error.length > 0
      ? error
      : [
          event('content_block_stop', { index: 0 }),
          event('message_delta', {
            delta: { stop_reason, stop_sequence: null },
            usage: { output_tokens: 60 },
          }),
          event('message_stop'),
        ]),
  ])

/** Gemini's own API. */
const gemini = (text: Text, finishReason: string) =>
  stream((seen) => {
    const usageMetadata = { promptTokenCount: 40, candidatesTokenCount: 30, totalTokenCount: 70 }
    return [
      ...pieces(text(seen)).map((piece) => ({
        ...{ candidates: [{ content: { parts: [{ text: piece }], role: 'model' }, index: 0 }] },
        ...{ usageMetadata, modelVersion: 'gemini-2.5-flash', responseId: 'Yb0saYX' },
      })),
      { candidates: [{ content: { role: 'model' }, finishReason, index: 0 }], usageMetadata },
    ]
  })

/** A model whose parts come from the server, as Bedrock's package makes them. */
function bedrockModel(baseURL: string): LanguageModelV4 {
  return {
    ...{
      specificationVersion: 'v4',
      provider: 'amazon-bedrock',
      modelId: 'anthropic.claude',
      supportedUrls: {},
    },
    doGenerate: () => Promise.reject(new Error('The stream does not call this')),
    doStream: async ({ prompt, abortSignal }) => {
      const body = JSON.stringify(prompt)
      const response = await fetch(baseURL, {
        method: 'POST',
        body,
        ...(abortSignal && { signal: abortSignal }),
      })
      const received = await response.text()
      if (!response.ok) {
        throw new APICallError({
          ...{ message: received, url: baseURL, requestBodyValues: {}, statusCode: response.status },
          ...{ responseHeaders: Object.fromEntries(response.headers), responseBody: received },
        })
      }
      return {
        stream: new Blob([received]).stream().pipeThrough(new TextDecoderStream()).pipeThrough(lines()),
      }
    },
  }
}

function lines(): TransformStream<string, LanguageModelV4StreamPart> {
  let rest = ''
  return new TransformStream({
    transform(text, controller) {
      const found = (rest + text).split('\n')
      rest = found.pop() ?? ''
      for (const line of found) controller.enqueue(JSON.parse(line) as LanguageModelV4StreamPart)
    },
  })
}

const parts = (text: Text, unified: string, raw: string, error: object[] = []) =>
  stream((seen) =>
    [
      { type: 'stream-start', warnings: [] },
      { type: 'text-start', id: '0' },
      ...pieces(text(seen)).map((delta) => ({ type: 'text-delta', id: '0', delta })),
      { type: 'text-end', id: '0' },
      ...error,
      {
        type: 'finish',
        finishReason: { unified, raw },
        usage: {
          inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 20, text: 20, reasoning: 0 },
        },
      },
    ].map((part) => `${JSON.stringify(part)}\n`),
  )

const fixtures = "a recorded answer in vercel/ai's tests of Amazon Bedrock"

export const packages: readonly Row[] = [
  {
    ...{ server: 'Anthropic', quirk: 'native API', triedOn: 'package' },
    source: 'docs of Anthropic, "Streaming messages"; @ai-sdk/anthropic reads it',
    answer: claude(right, 'end_turn'),
    client: anthropic,
    expected: { requests: [3], tokens: [95, 60] },
  },
  {
    ...{ server: 'Anthropic', quirk: 'error inside the stream', triedOn: 'package' },
    source: 'docs of Anthropic, "Streaming messages": event error; @ai-sdk/anthropic reads it',
    answer: first(
      claude(cut, '', [event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })]),
      claude(right, 'end_turn'),
    ),
    client: anthropic,
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'Anthropic', quirk: 'cut at the output cap', triedOn: 'package' },
    source: 'docs of Anthropic, "Stop reasons": max_tokens; @ai-sdk/anthropic reads it',
    answer: first(claude(cut, 'max_tokens'), claude(right, 'end_turn')),
    client: anthropic,
    expected: { requests: [3, 1, 1] },
  },
  {
    ...{ server: 'Gemini', quirk: 'native API', triedOn: 'package' },
    source: 'docs of Gemini, "streamGenerateContent"; @ai-sdk/google reads it',
    answer: gemini(right, 'STOP'),
    client: google,
    expected: { requests: [3], tokens: [40, 30] },
  },
  {
    ...{ server: 'Gemini', quirk: 'content filter', triedOn: 'package' },
    source: 'docs of Gemini, "FinishReason": SAFETY; @ai-sdk/google reads it',
    answer: refusing(
      hasRecord('bomb'),
      gemini(() => '', 'SAFETY'),
      gemini(right, 'STOP'),
    ),
    client: google,
    records: ['a', 'bomb', 'c', 'd'],
    expected: { requests: [4, 2, 1, 1, 2], rejected: { bomb: 'content_filtered' } },
  },
  {
    ...{ server: 'Mistral', quirk: 'native API', triedOn: 'package' },
    source: "a recorded stream of Magistral in vercel/ai's tests; @ai-sdk/mistral reads it",
    answer: stream((seen) => {
      const chunk = (delta: object, finish_reason: string | null, more = {}) => ({
        ...{ id: 'a4e29c5b', object: 'chat.completion.chunk', created: 1764000000 },
        ...{ model: 'magistral-medium-2507', choices: [{ index: 0, delta, finish_reason }], ...more },
      })
      const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'The user is asking {' }] }]
      return [
        chunk({ role: 'assistant', content: thinking }, null),
        ...pieces(right(seen)).map((text) => chunk({ content: [{ type: 'text', text }] }, null)),
        chunk({ content: '' }, 'stop', {
          usage: { prompt_tokens: 10, total_tokens: 56, completion_tokens: 46 },
        }),
      ]
    }),
    client: mistral,
    expected: { requests: [3], tokens: [10, 46] },
  },

  {
    ...{ server: 'Bedrock', quirk: 'native API', triedOn: 'recorded' },
    source: `${fixtures} (json-tool)`,
    answer: parts(right, 'stop', 'tool_use'),
    client: bedrock,
    expected: { requests: [3], tokens: [100, 20] },
  },
  {
    ...{ server: 'Bedrock', quirk: 'wrapped answer', triedOn: 'recorded' },
    source: `${fixtures} (json-only-text-first)`,
    answer: parts(
      wrapped((text) => `Here is your data:${text}`),
      'stop',
      'tool_use',
    ),
    client: bedrock,
    expected: { requests: [3], wrapped: 1 },
  },
  {
    ...{ server: 'Bedrock', quirk: 'content filter', triedOn: 'recorded' },
    source: `${fixtures} (guard-content-intervened)`,
    answer: refusing(
      hasRecord('bomb'),
      parts(() => 'Sorry, the model cannot answer this question.', 'content-filter', 'guardrail_intervened'),
      parts(right, 'stop', 'end_turn'),
    ),
    records: ['a', 'bomb', 'c', 'd'],
    client: bedrock,
    expected: { requests: [4, 2, 1, 1, 2], rejected: { bomb: 'content_filtered' } },
  },
  {
    ...{ server: 'Bedrock', quirk: 'cut at the output cap', triedOn: 'recorded' },
    source: `${fixtures} (native-structured-output-length)`,
    answer: first(parts(cut, 'length', 'max_tokens'), parts(right, 'stop', 'end_turn')),
    client: bedrock,
    expected: { requests: [3, 1, 1] },
  },
  {
    ...{ server: 'Bedrock', quirk: 'error inside the stream', triedOn: 'recorded' },
    source: `${fixtures} (model-stream-error-exception)`,
    answer: first(
      parts(cut, 'error', 'unknown', [
        { type: 'error', error: { message: 'The model had an error', originalStatusCode: 500 } },
      ]),
      parts(right, 'stop', 'end_turn'),
    ),
    client: bedrock,
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'Bedrock', quirk: 'rate limit', triedOn: 'documented' },
    source: 'docs of Amazon Bedrock, "ConverseStream": ThrottlingException, which names no pause',
    answer: first(
      plain(429, { message: 'Too many requests, please wait before trying again.' }),
      parts(right, 'stop', 'end_turn'),
    ),
    options: { maxAttempts: 1 },
    client: bedrock,
    expected: { requests: [3, 3] },
  },
]
