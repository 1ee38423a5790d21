import type { Row } from './row.ts'
import {
  DONE,
  cut,
  first,
  formatOf,
  hasField,
  hasFormat,
  hasMoreThan,
  hasRecord,
  pieces,
  plain,
  refusing,
  right,
  stream,
  type Part,
  type Text,
} from './wire.ts'

// Gateways, and providers with an API of OpenAI's form. Each shape is written as the server writes
// it.

/** LiteLLM's proxy sends no usage unless the model behind it does. */
const liteLlm = (choices: (text: string) => readonly object[]) =>
  stream((seen) => [
    ...choices(right(seen)).map((choice) => ({
      ...{ id: 'chatcmpl-9f1', created: 1764000000, model: 'claude', object: 'chat.completion.chunk' },
      choices: [{ index: 0, ...choice }],
    })),
    DONE,
  ])

const liteLlmText = liteLlm((text) => [
  ...pieces(text).map((content) => ({ delta: { content, role: 'assistant' } })),
  { finish_reason: 'stop', delta: {} },
])

/** Its errors inside a stream are Python's JSON, with spaces, and no [DONE] follows. */
const liteLlmError = (code: string, message: string, type: string) =>
  `data: {"error": {"message": "${message}", "type": ${type}, "param": null, "code": "${code}"}}\n\n`

/** OpenRouter says which provider answers, and writes comments while it waits for it. */
const openRouter = (
  text: Text,
  end: Part[] = [openRouterChunk({ delta: { content: '' }, finish_reason: 'stop' })],
) =>
  stream((seen) => [
    ': OPENROUTER PROCESSING\n\n',
    ': OPENROUTER PROCESSING\n\n',
    openRouterChunk({ delta: { role: 'assistant', content: '', reasoning: 'Hm' }, finish_reason: null }),
    ...pieces(text(seen)).map((content) => openRouterChunk({ delta: { content }, finish_reason: null })),
    ...end,
    openRouterChunk(
      { delta: { role: 'assistant', content: '' }, finish_reason: null },
      { usage: { prompt_tokens: 100, completion_tokens: 40, total_tokens: 140, cost: 0.0002 } },
    ),
    DONE,
  ])

function openRouterChunk(choice: object, more = {}): object {
  return {
    ...{
      id: 'gen-1764',
      provider: 'DeepInfra',
      model: 'm',
      object: 'chat.completion.chunk',
      created: 1764000000,
    },
    choices: [{ index: 0, native_finish_reason: null, logprobs: null, ...choice }],
    ...more,
  }
}

/** DeepSeek writes the usage into the last chunk that has a choice. */
const deepSeek = (text: Text, finish_reason = 'stop') =>
  stream((seen) => {
    const chunk = (choice: object, usage: object | null = null) => ({
      ...{ id: '930c60df', object: 'chat.completion.chunk', created: 1764000000, model: 'deepseek-v4-flash' },
      ...{ system_fingerprint: 'fp_a49', choices: [{ index: 0, ...choice }], usage },
    })
    return [
      ': keep-alive\n\n',
      chunk({ delta: { role: 'assistant', content: null, reasoning_content: '' }, finish_reason: null }),
      chunk({ delta: { content: null, reasoning_content: 'Three animals' }, finish_reason: null }),
      ...pieces(text(seen)).map((content) =>
        chunk({ delta: { content, reasoning_content: null }, finish_reason: null }),
      ),
      chunk(
        { delta: { content: '', reasoning_content: null }, finish_reason },
        {
          ...{ prompt_tokens: 88, completion_tokens: 44, total_tokens: 132 },
          prompt_tokens_details: { cached_tokens: 64 },
          completion_tokens_details: { reasoning_tokens: 4 },
          ...{ prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 24 },
        },
      ),
      DONE,
    ]
  })

/** Groq has a field of its own in the first and the last chunk. */
const groq = (text: Text, headers: Readonly<Record<string, string>> = {}) =>
  stream((seen) => {
    const chunk = (choices: object[], more = {}) => ({
      ...{ id: 'chatcmpl-3556c041', object: 'chat.completion.chunk', created: 1764000000 },
      ...{ model: 'qwen/qwen3-32b', system_fingerprint: 'fp_78ac7f3229', choices, ...more },
    })
    const delta = (fields: object, finish_reason: string | null = null, more = {}) =>
      chunk([{ index: 0, delta: fields, logprobs: null, finish_reason }], more)
    const usage = { queue_time: 0.02, prompt_tokens: 60, completion_tokens: 33, total_tokens: 93 }
    return [
      delta({ role: 'assistant', content: '' }, null, { x_groq: { id: 'req_01kh', seed: 872656815 } }),
      delta({ reasoning: 'Okay' }),
      ...pieces(text(seen)).map((content) => delta({ content })),
      delta({}, 'stop', { x_groq: { id: 'req_01kh', usage } }),
      chunk([], { usage }),
      DONE,
    ]
  }, headers)

const groqError = (message: string, type: string, more = {}) => ({ error: { message, type, ...more } })

/** Mistral writes the usage into the last chunk. */
const mistral = (parts: (text: string) => readonly unknown[]) =>
  stream((seen) => {
    const chunk = (delta: object, finish_reason: string | null, more = {}) => ({
      ...{ id: 'a4e29c5b', object: 'chat.completion.chunk', created: 1764000000, model: 'mistral-small' },
      choices: [{ index: 0, delta, finish_reason }],
      ...more,
    })
    return [
      chunk({ role: 'assistant', content: '' }, null),
      ...parts(right(seen)).map((content) => chunk({ content }, null)),
      chunk({ content: '' }, 'stop', {
        usage: { prompt_tokens: 50, total_tokens: 90, completion_tokens: 40 },
      }),
      DONE,
    ]
  })
const mistralText = mistral(pieces)

export const hostedServers: readonly Row[] = [
  {
    ...{ server: 'LiteLLM', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: 'docs of LiteLLM, "Exception mapping", show the chunks; no usage unless the upstream sends it',
    answer: liteLlmText,
    expected: { requests: [3] },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'arguments of a tool', triedOn: 'documented' },
    source: 'sources of LiteLLM: for Claude it asks for a tool named json_tool_call',
    answer: liteLlm((text) => [
      {
        delta: {
          role: 'assistant',
          content: null,
          tool_calls: [
            { index: 0, id: 't1', type: 'function', function: { name: 'json_tool_call', arguments: '' } },
          ],
        },
      },
      ...pieces(text).map((piece) => ({
        delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] },
      })),
      { finish_reason: 'tool_calls', delta: {} },
    ]),
    expected: { requests: [3] },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'jasonacox/TinyLLM#17: the code is a text',
    answer: first(
      plain(
        429,
        {
          error: {
            message: 'litellm.RateLimitError: AzureException RateLimitError - Please retry after 8 seconds.',
            ...{ type: 'throttling_error', param: null, code: '429' },
          },
        },
        { 'retry-after': '8' },
      ),
      liteLlmText,
    ),
    expected: { requests: [3, 3], waits: 8_000 },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'rate limit inside the stream', triedOn: 'documented' },
    source: 'the code of BerriAI/litellm#5175 with the status of a rate limit',
    answer: first(
      stream(() => [liteLlmError('429', 'litellm.RateLimitError: RateLimitError', '"throttling_error"')]),
      liteLlmText,
    ),
    options: { maxAttempts: 1 },
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'error inside the stream', triedOn: 'recorded' },
    source: 'BerriAI/litellm#5175',
    answer: first(
      stream(() => [
        liteLlmError('500', 'litellm.APIConnectionError: Extra data: line 1 column 8 (char 7)', 'null'),
      ]),
      liteLlmText,
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'wrong key', triedOn: 'recorded' },
    source: "a gateway's tests: the code is a text, and the parameter is the word None",
    answer: stream(() => [liteLlmError('401', 'Authentication Error, Key is blocked.', '"auth_error"')]),
    expected: { requests: [3], fatal: 'not_authorized' },
  },
  {
    ...{ server: 'LiteLLM', quirk: 'content filter', triedOn: 'recorded' },
    source: "BerriAI/litellm#16231: Azure's filter, with the code 400",
    answer: refusing(
      hasRecord('bomb'),
      plain(400, {
        error: {
          message:
            "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
          ...{ type: null, param: null, code: '400' },
          provider_specific_fields: { innererror: { code: 'ResponsibleAIPolicyViolation' } },
        },
      }),
      liteLlmText,
    ),
    records: ['e', 'f', 'g', 'h', 'a', 'bomb', 'c', 'd'],
    options: { maxPackRecords: 4 },
    expected: { requests: [4, 4, 2, 1, 1, 2], rejected: { bomb: 'request_failed' } },
  },

  {
    ...{ server: 'OpenRouter', quirk: 'heartbeats', triedOn: 'documented' },
    source: 'docs of OpenRouter, "Streaming"',
    answer: openRouter(right),
    expected: { requests: [3], tokens: [100, 40], responseId: 'gen-1764' },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'error inside the stream', triedOn: 'documented' },
    source: 'docs of OpenRouter, "Streaming": the error stands beside the choices',
    answer: first(
      openRouter(cut, [
        {
          ...openRouterChunk({ delta: { content: '' }, finish_reason: 'error' }),
          error: { code: 'server_error', message: 'Provider disconnected unexpectedly' },
        },
      ]),
      openRouter(right),
    ),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'open-webui/computer#293; docs of OpenRouter, "Errors", for the header',
    answer: first(
      plain(
        429,
        {
          error: {
            ...{ message: 'Provider returned error', code: 429 },
            metadata: {
              raw: 'z-ai/glm-5.3-flash is temporarily rate-limited upstream. Please retry shortly',
              ...{ provider_name: 'BaseTen', limit_source: 'upstream_provider_shared_pool' },
            },
          },
        },
        { 'retry-after': '5' },
      ),
      openRouter(right),
    ),
    expected: { requests: [3, 3], waits: 5_000 },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'rate limit', triedOn: 'documented' },
    source: 'docs of OpenRouter, "Errors": 402 with a pause while other requests hold the credit',
    answer: first(
      plain(
        402,
        {
          error: {
            ...{ message: 'In-flight spending budget exhausted', code: 402 },
            metadata: { limit_source: 'openrouter_in_flight_budget' },
          },
        },
        { 'retry-after': '4' },
      ),
      openRouter(right),
    ),
    expected: { requests: [3, 3], waits: 4_000 },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'content filter', triedOn: 'documented' },
    source: 'docs of OpenRouter, "Errors": 403 for an input that a moderator flagged',
    answer: refusing(
      hasRecord('bomb'),
      plain(403, {
        error: {
          ...{ message: 'Your input was flagged', code: 403 },
          metadata: { reasons: ['violence'], flagged_input: '...', provider_name: 'OpenAI', model_slug: 'm' },
        },
      }),
      openRouter(right),
    ),
    records: ['e', 'f', 'g', 'h', 'a', 'bomb', 'c', 'd'],
    options: { maxPackRecords: 4 },
    expected: { requests: [4, 4, 2, 1, 1, 2], rejected: { bomb: 'request_failed' } },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'no credit', triedOn: 'documented' },
    source: 'docs of OpenRouter, "Errors"',
    answer: plain(402, { error: { message: 'Insufficient credits', code: 402 } }),
    expected: { requests: [3], fatal: 'insufficient_quota' },
  },
  {
    ...{ server: 'OpenRouter', quirk: 'unknown model', triedOn: 'recorded' },
    source: 'block/buzz#3018: with require_parameters, a model without json_schema does not exist',
    answer: plain(404, {
      error: { message: 'No endpoints found that can handle the requested parameters.', code: 404 },
    }),
    expected: { requests: [3], fatal: 'not_found' },
  },

  {
    ...{ server: 'DeepSeek', quirk: 'heartbeats', triedOn: 'documented' },
    source: 'docs of DeepSeek, "Rate Limit"',
    answer: deepSeek(right),
    expected: { requests: [3], tokens: [88, 44] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: "a recorded stream in vercel/ai's tests of DeepSeek (issue 19789)",
    answer: deepSeek(right),
    expected: { requests: [3], tokens: [88, 44] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'refuses the response format', triedOn: 'recorded' },
    source:
      'llm-exe/llm-exe#662; browserbase/stagehand#1204: json_object needs the word "json" in the prompt',
    answer: refusing(
      hasFormat('json_schema'),
      plain(400, {
        error: {
          message: 'This response_format type is unavailable now',
          ...{ type: 'invalid_request_error', param: null, code: 'invalid_request_error' },
        },
      }),
      refusing(
        (seen) => formatOf(seen) === 'json_object' && !/json/i.test(JSON.stringify(seen.body['messages'])),
        plain(400, {
          error: {
            message:
              "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
            ...{ type: 'invalid_request_error', param: null, code: 'invalid_request_error' },
          },
        }),
        deepSeek(right),
      ),
    ),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2 },
    expected: { requests: [2, 2, 2], formats: ['json_schema', 'json_object', 'json_object'] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'refuses the response format', triedOn: 'recorded' },
    source: 'browser-use/browser-use#215 has the text, dzhng/deep-research#22 the status: an older version',
    answer: refusing(
      hasFormat('json_schema'),
      plain(
        422,
        'Failed to deserialize the JSON body into the target type: response_format: response_format.type `json_schema` is unavailable now at line 1 column 12440',
        { 'content-type': 'text/plain; charset=utf-8' },
      ),
      deepSeek(right),
    ),
    expected: { requests: [3, 3], formats: ['json_schema', 'json_object'] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'foreign finish reason', triedOn: 'documented' },
    source: 'docs of DeepSeek, "Create Chat Completion": insufficient_system_resource',
    answer: first(deepSeek(cut, 'insufficient_system_resource'), deepSeek(right)),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'empty answer', triedOn: 'documented' },
    source: 'docs of DeepSeek, "JSON Output": the API may return empty content',
    answer: first(
      deepSeek(() => ''),
      deepSeek(right),
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'DeepSeek', quirk: 'no credit', triedOn: 'documented' },
    source: 'docs of DeepSeek, "Error Codes"',
    answer: plain(402, {
      error: {
        ...{
          message: 'Insufficient Balance',
          type: 'unknown_error',
          param: null,
          code: 'invalid_request_error',
        },
      },
    }),
    expected: { requests: [3], fatal: 'insufficient_quota' },
  },

  {
    ...{ server: 'Groq', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: "a recorded stream in vercel/ai's tests of Groq",
    answer: groq(right),
    expected: { requests: [3], tokens: [60, 33] },
  },
  {
    ...{ server: 'Groq', quirk: 'refuses the response format', triedOn: 'recorded' },
    source: 'dzhng/deep-research#127',
    answer: refusing(
      hasFormat('json_schema'),
      plain(400, {
        error: {
          message: "'response_format.type' : value is not one of the allowed values ['text','json_object']",
          type: 'invalid_request_error',
        },
      }),
      groq(right),
    ),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2 },
    expected: { requests: [2, 2, 2], formats: ['json_schema', 'json_object', 'json_object'] },
  },
  {
    ...{ server: 'Groq', quirk: 'answer withheld', triedOn: 'recorded' },
    source: 'thepersonalaicompany/amurex-backend#38, build-with-groq/g1#23',
    answer: first(
      plain(
        400,
        groqError(
          "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
          'invalid_request_error',
          { code: 'json_validate_failed', failed_generation: '```json\n{\n "results"' },
        ),
      ),
      groq(right),
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'Groq', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'crewAIInc/crewAI#494; docs of Groq, "Rate Limits", for the headers',
    answer: first(
      plain(
        429,
        groqError(
          'Rate limit reached for model `llama3-70b-8192` in organization `org_123` on tokens per minute (TPM): Limit 5000, Used 5747, Requested ~4251. Please try again in 59.977s.',
          'tokens',
          { code: 'rate_limit_exceeded' },
        ),
        { 'retry-after': '60', 'x-ratelimit-limit-tokens': '5000', 'x-ratelimit-remaining-tokens': '0' },
      ),
      groq(right),
    ),
    expected: { requests: [3, 3], waits: 60_000 },
  },
  {
    ...{ server: 'Groq', quirk: 'limits in the headers', triedOn: 'documented' },
    source: 'docs of Groq, "Rate Limits": the reset is a duration',
    answer: groq(right, {
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '20s',
    }),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2 },
    expected: { requests: [2, 2], waits: 5_000 },
  },
  {
    ...{ server: 'Groq', quirk: 'larger than the whole limit', triedOn: 'recorded' },
    source: 'HunorLaczko/ha-groq-cloud-api#27',
    answer: refusing(
      hasMoreThan(1),
      plain(
        413,
        groqError(
          'Request too large for model llama-3.1-8b-instant in organization org_x service tier on_demand on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size and try again.',
          'tokens',
          { code: 'rate_limit_exceeded' },
        ),
      ),
      groq(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },

  {
    ...{ server: 'Mistral', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: "a recorded stream in vercel/ai's tests of Mistral",
    answer: mistralText,
    expected: { requests: [3], tokens: [50, 40] },
  },
  {
    ...{ server: 'Mistral', quirk: 'text in parts', triedOn: 'recorded' },
    source: "a recorded stream of Magistral in vercel/ai's tests of Mistral",
    answer: mistral((text) => [
      [{ type: 'thinking', thinking: [{ type: 'text', text: 'The user is asking {' }] }],
      ...pieces(text).map((piece) => [{ type: 'text', text: piece }]),
    ]),
    expected: { requests: [3] },
  },
  {
    ...{ server: 'Mistral', quirk: 'refuses max_completion_tokens', triedOn: 'recorded' },
    source: 'editor-code-assistant/eca#231',
    answer: refusing(
      hasField('max_completion_tokens'),
      plain(422, {
        object: 'error',
        message: {
          detail: [
            {
              ...{ type: 'extra_forbidden', loc: ['body', 'max_completion_tokens'] },
              ...{ msg: 'Extra inputs are not permitted', input: 32000 },
            },
          ],
        },
        ...{ type: 'invalid_request_error', param: null, code: null },
      }),
      mistralText,
    ),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2, maxOutputTokens: 800 },
    expected: { requests: [2, 2, 2], with: ['max_tokens'], without: ['max_completion_tokens'] },
  },
  {
    ...{ server: 'Mistral', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'raycast/extensions#31107: no header names the pause',
    answer: first(
      plain(429, {
        ...{ object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', param: null },
        ...{ code: '1300', raw_status_code: 429 },
      }),
      mistralText,
    ),
    options: { maxAttempts: 1 },
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'Mistral', quirk: 'overloaded or broken', triedOn: 'recorded' },
    source: 'continuedev/continue#6185 has the body, BerriAI/litellm#25078 the status',
    answer: first(
      plain(503, {
        ...{ object: 'error', message: 'Service tier capacity exceeded for this model.' },
        ...{ type: 'invalid_request_error', param: null, code: null },
      }),
      mistralText,
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'Mistral', quirk: 'wrong key', triedOn: 'recorded' },
    source: 'elastic/elasticsearch#128538: the body is no error of OpenAI',
    answer: plain(401, { message: 'Unauthorized', request_id: 'a580d263fb1521778782b22104efb415' }),
    expected: { requests: [3], fatal: 'not_authorized' },
  },
]
