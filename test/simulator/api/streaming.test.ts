import { describe, expect, test } from 'vitest'
import { body, type Chunk, chunksOf, post, start } from '../helpers.ts'

describe('streaming', () => {
  test('the role comes first, then one delta per token, finish reason, usage and end mark', async () => {
    await using simulator = await start()
    const response = await post(simulator, body({ stream: true, stream_options: { include_usage: true } }))
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { chunks, last } = await chunksOf(response)
    expect(last).toBe('data: [DONE]')
    const [first, ...rest] = chunks
    expect(first).toMatchObject({
      object: 'chat.completion.chunk',
      model: 'gpt-4o-mini',
      system_fingerprint: 'fp_simulator_not_a_model',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      usage: null,
    })
    const usage = rest.pop()
    expect(usage).toMatchObject({
      choices: [],
      usage: { completion_tokens_details: { reasoning_tokens: 0 } },
    })
    expect(rest.pop()).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null })
    expect(usage?.usage?.completion_tokens).toBe(rest.length)
    expect(usage?.usage?.total_tokens).toBe((usage?.usage?.prompt_tokens ?? 0) + rest.length)
    for (const chunk of rest) expect(chunk).toMatchObject({ choices: [{ finish_reason: null }], usage: null })
    for (const chunk of rest) expect(chunk.choices[0]?.delta.content?.length).toBeLessThanOrEqual(11)
    const content = rest.map((chunk) => chunk.choices[0]?.delta.content).join('')
    expect(content).toBe(JSON.stringify({ results: [1, 2, 3].map((id) => ({ id, label: 'refund' })) }))
  })

  test('without include_usage no chunk has usage', async () => {
    await using simulator = await start()
    const { chunks } = await chunksOf(await post(simulator, body({ stream: true })))
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  })

  test.each(['max_completion_tokens', 'max_tokens'])('%s cuts the answer exactly there', async (field) => {
    await using simulator = await start()
    const whole = await chunksOf(await post(simulator, body({ stream: true })))
    const cut = await chunksOf(await post(simulator, body({ stream: true, [field]: 7 })))
    expect(cut.chunks.at(-1)?.choices[0]?.finish_reason).toBe('length')
    const contents = (chunks: Chunk[]) => chunks.slice(1, 8).map((chunk) => chunk.choices[0]?.delta.content)
    expect(cut.chunks).toHaveLength(9)
    expect(contents(cut.chunks)).toEqual(contents(whole.chunks))
  })

  test('an answer of exactly the cap is not cut', async () => {
    await using simulator = await start()
    const { chunks } = await chunksOf(await post(simulator, body({ stream: true })))
    const again = await chunksOf(
      await post(simulator, body({ stream: true, max_completion_tokens: chunks.length - 2 })),
    )
    expect(again.chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  })

  test('the answer without streaming is the same', async () => {
    await using simulator = await start()
    const { chunks } = await chunksOf(await post(simulator, body({ stream: true })))
    const response = await post(simulator, body())
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
          },
          finish_reason: 'stop',
        },
      ],
      usage: { completion_tokens: chunks.length - 2 },
    })
  })

  test('takes the time of its latency', async () => {
    const latency = {
      timeToFirstToken: 60,
      promptTokensPerSecond: Infinity,
      outputTokensPerSecond: 500,
      slowdown: 0,
    }
    await using simulator = await start({ latency })
    const startedAt = performance.now()
    const response = await post(simulator, body({ stream: true, max_completion_tokens: 40 }, 10))
    const firstAt = performance.now() - startedAt
    await response.text()
    const endedAt = performance.now() - startedAt
    expect(firstAt).toBeGreaterThanOrEqual(59)
    expect(endedAt).toBeGreaterThanOrEqual(60 + 78 - 1)
    // latency.test.ts shows with a fake clock that the answer takes no longer. Here, a busy machine
    // may add time.
  })
})

test('a prefix of an earlier prompt is cached', async () => {
  await using simulator = await start()
  const messages = (end: string) => [
    { role: 'system', content: ' word'.repeat(2000) },
    { role: 'user', content: end },
  ]
  const usageOf = async (end: string) => {
    const response = await post(simulator, { model: 'm', messages: messages(end) })
    const { usage } = (await response.json()) as {
      usage: { prompt_tokens_details: { cached_tokens: number } }
    }
    return usage.prompt_tokens_details.cached_tokens
  }
  expect(await usageOf('one')).toBe(0)
  expect(await usageOf('two')).toBe(1920)
  expect(simulator.stats.cachedTokens).toBe(1920)
})

test('a message of a megabyte is answered', async () => {
  await using simulator = await start({ contextTokens: 10_000_000 })
  const startedAt = performance.now()
  const messages = [{ role: 'user', content: 'a refund b '.repeat(100_000) }]
  const response = await post(simulator, body({ messages }))
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  expect(choices[0]?.message.content).toBe('{"results":[{"id":1,"label":"refund"}]}')
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})
