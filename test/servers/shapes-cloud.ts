import { AzureOpenAI } from 'openai'
import type { Row } from './row.ts'
import {
  DONE,
  cut,
  first,
  hasMoreThan,
  hasRecord,
  pieces,
  plain,
  refusing,
  right,
  stream,
  wrapped,
  type Text,
} from './wire.ts'

// The APIs of Google, Anthropic and Microsoft in the form of OpenAI. Each shape is written as the
// server writes it.

/** Gemini counts the usage in each chunk, and sends no chunk for the usage alone. */
const gemini = (text: Text, end = 'stop') =>
  stream((seen) => {
    const chunk = (choice: object, completion_tokens: number) => ({
      choices: [{ ...choice, index: 0 }],
      ...{ created: 1764000000, id: 'Yb0saYX', model: 'gemini-2.5-flash', object: 'chat.completion.chunk' },
      usage: { completion_tokens, prompt_tokens: 40, total_tokens: 40 + completion_tokens },
    })
    const written = pieces(text(seen))
    return [
      ...written.map((content, at) => chunk({ delta: { content, role: 'assistant' } }, at + 1)),
      chunk({ delta: { role: 'assistant' }, finish_reason: end }, 99),
      DONE,
    ]
  })

/** Google's errors come in an array. */
const googleError = (code: number, status: string, message: string, details: object[] = []) => [
  { error: { code, message, status, ...(details.length > 0 ? { details } : {}) } },
]

/** Claude by Anthropic's layer for OpenAI clients. */
const claude = (text: Text, headers: Readonly<Record<string, string>> = {}) =>
  stream((seen) => {
    const chunk = (delta: object, finish_reason: string | null) => ({
      ...{ id: 'msg_01S', choices: [{ index: 0, delta, finish_reason }], created: 1764000000 },
      ...{ model: 'claude-haiku-4-5', object: 'chat.completion.chunk' },
    })
    const usage = { completion_tokens: 60, prompt_tokens: 95, total_tokens: 155 }
    return [
      ...pieces(text(seen)).map((content) => chunk({ content, role: 'assistant' }, null)),
      chunk({}, 'stop'),
      { ...chunk({}, null), choices: [], usage },
      DONE,
    ]
  }, headers)

const claudeError = (type: string, message: string) => ({ type: 'error', error: { type, message } })

/** Azure's first event is about the filter of the prompt. Its id is empty. */
const azure = (text: Text, end = 'stop') =>
  stream((seen) => {
    const chunk = (delta: object, finish_reason: string | null, content_filter_results = {}) => ({
      choices: [{ content_filter_results, delta, finish_reason, index: 0, logprobs: null }],
      ...{ created: 1748977994, id: 'chatcmpl-BeRMQ69', model: 'gpt-4o', object: 'chat.completion.chunk' },
    })
    const safe = {
      hate: { filtered: false, severity: 'safe' },
      violence: { filtered: false, severity: 'safe' },
    }
    return [
      {
        ...{ choices: [], created: 0, id: '', model: '', object: '' },
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: safe }],
      },
      chunk({ content: '', refusal: null, role: 'assistant' }, null),
      ...pieces(text(seen)).map((content) => chunk({ content }, null, safe)),
      chunk({}, end),
      {
        ...chunk({}, null),
        choices: [],
        usage: { completion_tokens: 17, prompt_tokens: 12, total_tokens: 29 },
      },
      DONE,
    ]
  })

const azureClient = (baseURL: string) =>
  new AzureOpenAI({ baseURL, apiKey: 'any', apiVersion: '2024-10-21', deployment: 'm' })

const FILTER_WORDS = ['content_filter: PROHIBITED_CONTENT', 'SAFETY', 'RECITATION', 'BLOCKLIST', 'SPII']

export const cloudServers: readonly Row[] = [
  {
    ...{ server: 'Gemini', quirk: 'usage and reasoning', triedOn: 'documented' },
    source: 'envoyproxy/ai-gateway#1503: the usage stands in chunks with choices',
    answer: gemini(right),
    expected: { requests: [3], tokens: [40, 99] },
  },
  ...FILTER_WORDS.map((word): Row => ({
    ...{ server: 'Gemini', quirk: 'content filter', triedOn: word.includes(':') ? 'recorded' : 'documented' },
    source: `answers recorded in the tests of gateways; epam/ai-dial-adapter-vertexai#85 lists the words: ${word}`,
    answer: refusing(
      hasRecord('bomb'),
      gemini(() => '', word),
      gemini(right),
    ),
    records: ['a', 'bomb', 'c', 'd'],
    expected: { requests: [4, 2, 1, 1, 2], rejected: { bomb: 'content_filtered' } },
  })),
  {
    ...{ server: 'Gemini', quirk: 'cut at the output cap', triedOn: 'documented' },
    source: "docs of Gemini, the native API's finish reasons, which gateways pass on: MAX_TOKENS",
    answer: first(gemini(cut, 'MAX_TOKENS'), gemini(right)),
    expected: { requests: [3, 1, 1] },
  },
  {
    ...{ server: 'Gemini', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'n4ze3m/page-assist#406 has the array; the tests of many clients have RetryInfo',
    answer: first(
      plain(
        429,
        googleError(
          429,
          'RESOURCE_EXHAUSTED',
          'You exceeded your current quota, please check your plan and billing details. Please retry in 36.962849995s.',
          [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '37s' }],
        ),
      ),
      gemini(right),
    ),
    expected: { requests: [3, 3], waits: 37_000 },
  },
  {
    ...{ server: 'Gemini', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'google-gemini/gemini-cli#12214',
    answer: refusing(
      hasMoreThan(1),
      plain(
        400,
        googleError(
          400,
          'INVALID_ARGUMENT',
          'The input token count (134123) exceeds the maximum number of tokens allowed (131072).',
        ),
      ),
      gemini(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'Gemini', quirk: 'wrong key', triedOn: 'recorded' },
    source: 'continuedev/continue#10748: status 400',
    answer: plain(
      400,
      googleError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
        {
          ...{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
          ...{ domain: 'googleapis.com', metadata: { service: 'generativelanguage.googleapis.com' } },
        },
      ]),
    ),
    expected: { requests: [3], fatal: 'not_authorized' },
  },
  {
    ...{ server: 'Gemini', quirk: 'unknown model', triedOn: 'documented' },
    source: 'docs of Gemini, "Troubleshooting": NOT_FOUND',
    answer: plain(404, googleError(404, 'NOT_FOUND', 'models/m is not found for API version v1main')),
    expected: { requests: [3], fatal: 'not_found' },
  },
  {
    ...{ server: 'Gemini', quirk: 'overloaded or broken', triedOn: 'documented' },
    source: 'docs of Gemini, "Troubleshooting": UNAVAILABLE',
    answer: first(
      plain(503, googleError(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')),
      gemini(right),
    ),
    expected: { requests: [3, 3] },
  },

  {
    ...{ server: 'Anthropic', quirk: 'wrapped answer', triedOn: 'documented' },
    source: 'docs of Anthropic, "OpenAI SDK compatibility": response_format is ignored',
    answer: claude(
      wrapped((text) => `Here are the labels:\n\n\`\`\`json\n${text}\n\`\`\`\n\nAsk me for more.`),
    ),
    expected: { requests: [3], wrapped: 1, tokens: [95, 60] },
  },
  {
    ...{ server: 'Anthropic', quirk: 'rate limit', triedOn: 'documented' },
    source: 'docs of Anthropic, "Rate limits"',
    answer: first(
      plain(
        429,
        claudeError('rate_limit_error', "This request would exceed your organization's rate limit"),
        {
          'retry-after': '12',
        },
      ),
      claude(right),
    ),
    expected: { requests: [3, 3], waits: 12_000 },
  },
  {
    ...{ server: 'Anthropic', quirk: 'overloaded or broken', triedOn: 'recorded' },
    source: 'anthropics/claude-code#35792: status 529',
    answer: first(plain(529, claudeError('overloaded_error', 'Overloaded')), claude(right)),
    expected: { requests: [3, 3] },
  },
  {
    ...{ server: 'Anthropic', quirk: 'prompt too long', triedOn: 'recorded' },
    source: 'continuedev/continue#5896 has the text',
    answer: refusing(
      hasMoreThan(1),
      plain(400, claudeError('invalid_request_error', 'prompt is too long: 200348 tokens > 200000 maximum')),
      claude(right),
    ),
    expected: { requests: [3, 2, 1, 1, 1] },
  },
  {
    ...{ server: 'Anthropic', quirk: 'wrong key', triedOn: 'documented' },
    source: 'docs of Anthropic, "Errors"',
    answer: plain(401, claudeError('authentication_error', 'invalid x-api-key')),
    expected: { requests: [3], fatal: 'not_authorized' },
  },
  {
    ...{ server: 'Anthropic', quirk: 'no credit', triedOn: 'documented' },
    source: 'docs of Anthropic\'s support, "credit balance": status 400',
    answer: plain(
      400,
      claudeError(
        'invalid_request_error',
        'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      ),
    ),
    expected: { requests: [3], fatal: 'insufficient_quota' },
  },
  {
    ...{ server: 'Anthropic', quirk: 'limits in the headers', triedOn: 'documented' },
    source: 'docs of Anthropic, "Rate limits": the reset is a date',
    answer: claude(right, {
      'anthropic-ratelimit-requests-limit': '5',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-30T12:00:20Z',
      date: 'Mon, 30 Nov 2026 12:00:00 GMT',
    }),
    records: ['a', 'b', 'c', 'd'],
    options: { maxPackRecords: 2 },
    expected: { requests: [2, 2], waits: 5_000 },
  },

  {
    ...{ server: 'Azure', quirk: 'empty id', triedOn: 'recorded' },
    source: "dto-btn/ssc-assistant, a recorded stream in its tests ('simple_chat')",
    answer: azure(right),
    client: azureClient,
    expected: { requests: [3], tokens: [12, 17], responseId: 'chatcmpl-BeRMQ69' },
  },
  {
    ...{ server: 'Azure', quirk: 'content filter', triedOn: 'recorded' },
    source: 'compl-ai/compl-ai#20: the filter refuses the prompt',
    answer: refusing(
      hasRecord('bomb'),
      plain(400, {
        error: {
          message:
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
          ...{ type: null, param: 'prompt', code: 'content_filter', status: 400 },
          innererror: {
            code: 'ResponsibleAIPolicyViolation',
            content_filter_result: { violence: { filtered: true, severity: 'medium' } },
          },
        },
      }),
      azure(right),
    ),
    client: azureClient,
    records: ['a', 'bomb', 'c', 'd'],
    expected: { requests: [4, 2, 1, 1, 2], rejected: { bomb: 'content_filtered' } },
  },
  {
    ...{ server: 'Azure', quirk: 'content filter', triedOn: 'documented' },
    source: 'docs of Azure, "Content filtering": the filter stops the answer',
    answer: refusing(
      hasRecord('bomb'),
      azure(() => '', 'content_filter'),
      azure(right),
    ),
    client: azureClient,
    records: ['a', 'bomb', 'c', 'd'],
    expected: { requests: [4, 2, 1, 1, 2], rejected: { bomb: 'content_filtered' } },
  },
  {
    ...{ server: 'Azure', quirk: 'rate limit', triedOn: 'recorded' },
    source: 'alex-wolf-ps/dbchatprov2#2 has the text; docs of Azure, "Quotas and limits", for the header',
    answer: first(
      plain(
        429,
        {
          error: {
            code: '429',
            message:
              'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-05-01-preview have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 7 seconds.',
          },
        },
        { 'retry-after': '7', 'retry-after-ms': '7000' },
      ),
      azure(right),
    ),
    client: azureClient,
    expected: { requests: [3, 3], waits: 7_000 },
  },
  {
    ...{ server: 'Azure', quirk: 'unknown model', triedOn: 'documented' },
    source: 'docs of Azure, "Troubleshooting": DeploymentNotFound',
    answer: plain(404, {
      error: {
        code: 'DeploymentNotFound',
        message: 'The API deployment for this resource does not exist.',
      },
    }),
    client: azureClient,
    expected: { requests: [3], fatal: 'not_found' },
  },
]
