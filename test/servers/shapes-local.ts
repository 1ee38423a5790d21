import type { Row } from './row.ts'
import {
  DONE,
  cut,
  first,
  hasField,
  hasFormat,
  hasMoreThan,
  pieces,
  plain,
  refusing,
  right,
  stream,
  wrapped,
  type Part,
  type Text,
} from './wire.ts'

// Servers that people run themselves. Each shape is written as the server writes it.

/** What llama-server sent to this project. `timings` is its own. */
const llama = (text: Text, end = 'stop') =>
  stream((seen) => {
    const chunk = (choices: object[], more = {}) => ({
      ...{ choices, created: 1764000000, id: 'chatcmpl-Kp2', model: 'smollm2', system_fingerprint: 'b7000' },
      ...{ object: 'chat.completion.chunk', ...more },
    })
    const delta = (content: string | null, role = {}) =>
      chunk([{ finish_reason: null, index: 0, delta: { ...role, content } }])
    return [
      delta(null, { role: 'assistant' }),
      ...pieces(text(seen)).map((piece) => delta(piece)),
      ...(end === ''
        ? []
        : [
            chunk([{ finish_reason: end, index: 0, delta: {} }]),
            chunk([], {
              usage: {
                ...{ completion_tokens: 30, prompt_tokens: 90, total_tokens: 120 },
                prompt_tokens_details: { cached_tokens: 40 },
              },
              timings: { prompt_n: 50, predicted_n: 30, predicted_per_second: 71.2 },
            }),
            DONE,
          ]),
    ]
  })

const llamaError = (code: number, type: string, message: string, more = {}) => ({
  error: { code, message, type, ...more },
})

/** vLLM ends with a chunk that has only the usage. Reasoning models write `reasoning` before. */
const vllm = (text: Text, end: Part[] = [vllmChunk([{ delta: { content: '' }, finish_reason: 'stop' }])]) =>
  stream((seen) => [
    vllmChunk([{ delta: { role: 'assistant', content: '' }, finish_reason: null }]),
    vllmChunk([{ delta: { reasoning: 'Three animals.' }, finish_reason: null }]),
    ...pieces(text(seen)).map((content) => vllmChunk([{ delta: { content }, finish_reason: null }])),
    ...end,
    vllmChunk([], { usage: { prompt_tokens: 80, total_tokens: 120, completion_tokens: 40 } }),
    DONE,
  ])

function vllmChunk(choices: object[], more = {}): object {
  return {
    ...{ id: 'chatcmpl-b0b2', object: 'chat.completion.chunk', created: 1764000000, model: 'Qwen/Qwen3-8B' },
    choices: choices.map((choice) => ({ index: 0, ...choice, logprobs: null })),
    ...more,
  }
}

/** An older vLLM, whose error is not under the key `error`. */
const vllmForbids = (field: string, input: string) =>
  plain(400, {
    object: 'error',
    message: `[{'type': 'extra_forbidden', 'loc': ('body', '${field}'), 'msg': 'Extra inputs are not permitted', 'input': ${input}}]`,
    ...{ type: 'BadRequestError', param: null, code: 400 },
  })

/** Ollama has one fingerprint, and writes the role into each delta. */
const ollama = (text: Text) =>
  stream((seen) => {
    const chunk = (choices: object[], more = {}) => ({
      ...{ id: 'chatcmpl-404', object: 'chat.completion.chunk', created: 1764000000, model: 'qwen3:8b' },
      ...{ system_fingerprint: 'fp_ollama', choices, ...more },
    })
    const delta = (fields: object, finish_reason: string | null = null) =>
      chunk([{ index: 0, delta: { role: 'assistant', ...fields }, finish_reason }])
    return [
      delta({ content: '', reasoning: 'Hm' }),
      ...pieces(text(seen)).map((content) => delta({ content })),
      delta({ content: '' }, 'stop'),
      chunk([], { usage: { prompt_tokens: 70, completion_tokens: 35, total_tokens: 105 } }),
      DONE,
    ]
  })

const ollamaError = (message: string) => ({ error: { message, type: 'api_error', param: null, code: null } })

const lmStudio = (text: Text) =>
  stream((seen) => {
    const chunk = (choice: object) => ({
      ...{ id: 'chatcmpl-1m3', object: 'chat.completion.chunk', created: 1764000000, model: 'qwen3-4b' },
      ...{ system_fingerprint: 'qwen3-4b', choices: [{ index: 0, ...choice, logprobs: null }] },
    })
    return [
      ...pieces(text(seen)).map((content) =>
        chunk({ delta: { role: 'assistant', content }, finish_reason: null }),
      ),
      chunk({ delta: {}, finish_reason: 'stop' }),
      DONE,
    ]
  })

/** SGLang names the token that ended the answer, and the reasoning tokens beside the others. */
const sglang = (text: Text) =>
  stream((seen) => {
    const chunk = (choices: object[], more = {}) => ({
      ...{ id: 'c91dda37', object: 'chat.completion.chunk', created: 1764000000, model: 'Kimi-K2-Instruct' },
      ...{ choices, ...more },
    })
    const delta = (fields: object, finish_reason: string | null, matched_stop: number | null) =>
      chunk([
        { index: 0, delta: { ...fields, tool_calls: null }, logprobs: null, finish_reason, matched_stop },
      ])
    return [
      delta({ role: 'assistant', content: '' }, null, null),
      ...pieces(text(seen)).map((content) => delta({ content }, null, null)),
      delta({ content: '' }, 'stop', 163586),
      chunk([], {
        usage: {
          ...{ prompt_tokens: 31, total_tokens: 46, completion_tokens: 15 },
          ...{ prompt_tokens_details: null, reasoning_tokens: 0 },
        },
      }),
      DONE,
    ]
  })

export const localServers: readonly Row[] = [
  {
    ...{ server: 'llama.cpp', quirk: 'usage and reasoning', triedOn: 'real' },
    source: 'llama-server, seen by this project',
    answer: llama(right),
    expected: { requests: [3], tokens: [90, 30], responseId: 'chatcmpl-Kp2' },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'cut at the output cap', triedOn: 'real' },
    source: 'llama-server, seen by this project',
    answer: first(llama(cut, 'length'), llama(right)),
    expected: { requests: [3, 1, 1] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'prompt too long', triedOn: 'real' },
    source: 'llama-server, seen by this project; ggml-org/llama.cpp#19774',
    answer: refusing(
      hasMoreThan(1),
      plain(
        400,
        llamaError(
          400,
          'exceed_context_size_error',
          'request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it',
          { n_prompt_tokens: 4390, n_ctx: 4096 },
        ),
      ),
      llama(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'ggml-org/llama.cpp#19774: status 500, as for an error of the server',
    answer: refusing(
      hasMoreThan(1),
      plain(500, llamaError(500, 'server_error', 'Context size has been exceeded.')),
      llama(right),
    ),
    expected: { requests: [3, 3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'error inside the stream', triedOn: 'real' },
    source: 'llama-server, seen by this project',
    answer: first(
      stream((seen) => [
        llama(cut, '')(seen).body,
        llamaError(500, 'server_error', 'Failed to parse input at pos 17'),
      ]),
      llama(right),
    ),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'stream that breaks off', triedOn: 'real' },
    source: 'llama-server after SIGTERM, seen by this project',
    answer: first(llama(cut, ''), llama(right)),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'overloaded or broken', triedOn: 'real' },
    source: 'llama-server while it loads the model, seen by this project',
    answer: first(plain(503, llamaError(503, 'unavailable_error', 'Loading model')), llama(right)),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'llama.cpp', quirk: 'wrong key', triedOn: 'real' },
    source: 'llama-server with --api-key, seen by this project',
    answer: plain(401, llamaError(401, 'authentication_error', 'Invalid API Key')),
    expected: { requests: [3], fatal: 'not_authorized' },
  },

  {
    ...{ server: 'vLLM', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: 'docs of vLLM, "Reasoning Outputs"; vllm-project/vllm#57082 has the order of the chunks',
    answer: vllm(right),
    expected: { requests: [3], tokens: [80, 40] },
  },
  {
    ...{ server: 'vLLM', quirk: 'refuses max_completion_tokens', triedOn: 'recorded' },
    source: '1Panel-dev/MaxKB#2912',
    answer: refusing(
      hasField('max_completion_tokens'),
      vllmForbids('max_completion_tokens', '800'),
      vllm(right),
    ),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2, maxOutputTokens: 800 },
    expected: { requests: [2, 2, 2], with: ['max_tokens'], without: ['max_completion_tokens'] },
  },
  {
    ...{ server: 'vLLM', quirk: 'refuses stream_options', triedOn: 'recorded' },
    source: 'modelscope/ms-agent#489',
    answer: refusing(hasField('stream_options'), vllmForbids('stream_options', '{}'), vllm(right)),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2 },
    expected: { requests: [2, 2, 2], without: ['stream_options'] },
  },
  {
    ...{ server: 'vLLM', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'the text and the code of vLLM in the tests of many gateways',
    answer: refusing(
      hasMoreThan(1),
      plain(400, {
        error: {
          message:
            "This model's maximum context length is 40960 tokens. However, you requested 8192 output tokens and your prompt contains at least 32769 input tokens, for a total of at least 40961 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=32769)",
          ...{ type: 'BadRequestError', param: 'input_tokens', code: 400 },
        },
      }),
      vllm(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'vLLM', quirk: 'foreign finish reason', triedOn: 'recorded' },
    source: 'vllm-project/vllm#57082: "abort", and then [DONE] as after a whole answer',
    answer: first(vllm(cut, [vllmChunk([{ delta: { content: '' }, finish_reason: 'abort' }])]), vllm(right)),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'vLLM', quirk: 'error inside the stream', triedOn: 'documented' },
    source: "sources of vLLM, the OpenAI server's streaming error",
    answer: first(
      vllm(cut, [
        {
          error: {
            message: 'EngineCore encountered an issue. See stack trace for the root cause.',
            ...{ type: 'InternalServerError', param: null, code: 500 },
          },
        },
      ]),
      vllm(right),
    ),
    expected: { requests: [3, 2] },
  },
  {
    ...{ server: 'vLLM', quirk: 'wrong key', triedOn: 'documented' },
    source: 'sources of vLLM, the middleware of --api-key',
    answer: plain(401, { error: 'Unauthorized' }),
    expected: { requests: [3], fatal: 'not_authorized' },
  },
  {
    ...{ server: 'vLLM', quirk: 'unknown model', triedOn: 'documented' },
    source: 'sources of vLLM, the check of the model',
    answer: plain(404, {
      ...{ object: 'error', message: 'The model `m` does not exist.', type: 'NotFoundError' },
      ...{ param: null, code: 404 },
    }),
    expected: { requests: [3], fatal: 'not_found' },
  },

  {
    ...{ server: 'Ollama', quirk: 'usage and reasoning', triedOn: 'documented' },
    source: 'docs of Ollama, "OpenAI compatibility" and "Thinking"',
    answer: ollama(right),
    expected: { requests: [3], tokens: [70, 35] },
  },
  {
    ...{ server: 'Ollama', quirk: 'unknown model', triedOn: 'recorded' },
    source: 'netease-youdao/QAnything#555',
    answer: plain(404, ollamaError('model "ollama" not found, try pulling it first')),
    expected: { requests: [3], fatal: 'not_found' },
  },
  {
    ...{ server: 'Ollama', quirk: 'overloaded or broken', triedOn: 'recorded' },
    source:
      'reports of runners that ran out of GPU memory; the envelope is that of netease-youdao/QAnything#555',
    answer: first(
      plain(500, ollamaError('llama runner process has terminated: exit status 1: cudaMalloc failed')),
      ollama(right),
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'Ollama', quirk: 'wrapped answer', triedOn: 'documented' },
    source: 'docs of Ollama, "Thinking": a model without a parser for its thoughts writes them into the text',
    answer: ollama(wrapped((text) => `<think>\nThree animals. {"results": [\n</think>\n\n${text}`)),
    expected: { requests: [3], wrapped: 1 },
  },

  {
    ...{ server: 'LM Studio', quirk: 'refuses the response format', triedOn: 'recorded' },
    source: 'lmstudio-ai/lmstudio-bug-tracker#189, willmiao/ComfyUI-Lora-Manager#1033: knows no json_object',
    answer: refusing(
      hasFormat('json_object'),
      plain(400, { error: "'response_format.type' must be 'json_schema' or 'text'" }),
      lmStudio(right),
    ),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2, output: 'json_object' },
    expected: { requests: [2, 2, 2], formats: ['json_object', 'none', 'none'] },
  },
  {
    ...{ server: 'LM Studio', quirk: 'error inside the stream', triedOn: 'recorded' },
    source: "lmstudio-ai/lmstudio-bug-tracker#116 has the text; the event's name is from reports of clients",
    answer: first(
      stream(() => [
        `event: error\ndata: ${JSON.stringify({ error: { message: 'The model has crashed without additional information. (Exit code: 0)' } })}\n\n`,
      ]),
      lmStudio(right),
    ),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'LM Studio', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'the text of LM Studio in reports of many clients',
    answer: refusing(
      hasMoreThan(1),
      plain(400, {
        error:
          'Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.',
      }),
      lmStudio(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'LM Studio', quirk: 'empty answer', triedOn: 'recorded' },
    source: 'lmstudio-ai/lmstudio-bug-tracker#2339: a prompt that is too long gets a stream without text',
    answer: refusing(
      hasMoreThan(1),
      lmStudio(() => ''),
      lmStudio(right),
    ),
    expected: { requests: [3, 3, 2, 1, 1, 1] },
  },

  {
    ...{ server: 'SGLang', quirk: 'usage and reasoning', triedOn: 'recorded' },
    source: 'a recorded stream of Kimi-K2 in the tests of a gateway; the fields are those of SGLang',
    answer: sglang(right),
    expected: { requests: [3], tokens: [31, 15] },
  },
  {
    ...{ server: 'SGLang', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'sgl-project/sglang#12081: status 200, and the refusal is the first event',
    answer: refusing(
      hasMoreThan(1),
      stream(() => [
        {
          error: {
            object: 'error',
            message: "The input (128113 tokens) is longer than the model's context length (40960 tokens).",
            ...{ type: 'BadRequestError', param: null, code: 400 },
          },
        },
        DONE,
      ]),
      sglang(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'SGLang', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'anomalyco/opencode#25230: status 400',
    answer: refusing(
      hasMoreThan(1),
      plain(400, {
        object: 'error',
        message:
          "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
        ...{ type: 'BadRequestError', param: null, code: 400 },
      }),
      sglang(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
]
