import OpenAI from 'openai'
import OpenAIv6 from 'openai-v6'
import { zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startSimulator } from 'llm-pack-stream/simulator'

const latency = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }
const apiKey = 'simulator'

const Answer = z.object({
  results: z.array(
    z.object({
      id: z.int(),
      label: z.enum(['refund', 'delivery', 'login']),
      confidence: z.number().min(0).max(1),
      email: z.email().nullable(),
      summary: z.string(),
    }),
  ),
})
const texts = ['I want a refund', 'My delivery is late', 'I cannot login', 'Refund me!']
const content = texts.map((text, index) => `<record id="${index + 1}">${text}</record>`).join('\n')
const request = {
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system' as const, content: 'Label each record.' },
    { role: 'user' as const, content },
  ],
  response_format: zodResponseFormat(Answer, 'labels'),
}

function expectGood(text: string): void {
  const { results } = Answer.parse(JSON.parse(text))
  expect(results.map(({ id, label }) => [id, label])).toEqual([
    [1, 'refund'],
    [2, 'delivery'],
    [3, 'login'],
    [4, 'refund'],
  ])
  expect(results.map(({ summary }) => summary)).toEqual(texts)
}

describe.each([
  ['openai 7', OpenAI],
  ['openai 6', OpenAIv6 as unknown as typeof OpenAI],
])('%s', (_, Client) => {
  test('streamed: usage counts the deltas', async () => {
    await using simulator = await startSimulator({ latency })
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    const { data, response, request_id } = await client.chat.completions
      .create({ ...request, stream: true, stream_options: { include_usage: true } })
      .withResponse()
    expect(response.status).toBe(200)
    expect(request_id).toMatch(/^req_/)
    let text = ''
    let deltas = 0
    let finish: string | null | undefined
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of data) {
      const delta = chunk.choices[0]?.delta.content
      if (delta) deltas++
      text += delta ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      usage = chunk.usage ?? usage
    }
    expectGood(text)
    expect(finish).toBe('stop')
    expect(usage?.completion_tokens).toBe(deltas)
    expect(simulator.stats).toMatchObject({ outputTokens: deltas, inputTokens: usage?.prompt_tokens })
  })

  test('in one piece, parsed, and by the stream helper', async () => {
    await using simulator = await startSimulator({ latency })
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    const completion = await client.chat.completions.create(request)
    expectGood(completion.choices[0]?.message.content ?? '')
    const parsed = await client.chat.completions.parse(request)
    expect(parsed.choices[0]?.message.parsed?.results).toHaveLength(4)
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    expect(streamed.choices[0]?.message.parsed).toEqual(parsed.choices[0]?.message.parsed)
  })

  test('errors arrive as the classes of the SDK', async () => {
    await using simulator = await startSimulator({ latency, apiKey: 'k', limits: { requestsPerMinute: 1 } })
    const client = new Client({ baseURL: simulator.baseURL, apiKey: 'k', maxRetries: 0 })
    await client.chat.completions.create(request)
    await expect(client.chat.completions.create(request)).rejects.toMatchObject({
      name: expect.any(String) as unknown,
      status: 429,
      code: 'rate_limit_exceeded',
      type: 'requests',
    })
    const wrong = new Client({ baseURL: simulator.baseURL, apiKey: 'x', maxRetries: 0 })
    await expect(wrong.chat.completions.create(request)).rejects.toBeInstanceOf(Client.AuthenticationError)
    const empty = { ...request, messages: [] }
    await expect(client.chat.completions.create(empty)).rejects.toMatchObject({
      status: 400,
      param: 'messages',
    })
    const models: string[] = []
    for await (const model of client.models.list()) models.push(model.id)
    expect(models).toEqual(['simulator'])
  })
})
