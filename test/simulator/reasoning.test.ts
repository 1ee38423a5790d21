import { expect, test } from 'vitest'
import { body, post, postResponses, responsesBody, start } from './helpers.ts'

const reasoning = { perRequest: 100, perRecord: 7 }

interface Answer {
  readonly usage: { completion_tokens: number; completion_tokens_details: { reasoning_tokens: number } }
  readonly choices: readonly { message: { content: string }; finish_reason: string }[]
}
const ask = async (options: object, more: object, count: number) => {
  await using simulator = await start(options)
  return (await (await post(simulator, body(more, count))).json()) as Answer
}

test.each([1, 3, 25])('%i records: reasoning counts as output, and the answer is the same', async (count) => {
  const [plain, thought] = await Promise.all([ask({}, {}, count), ask({ reasoning }, {}, count)])
  const tokens = 100 + 7 * count
  expect(plain.usage.completion_tokens_details.reasoning_tokens).toBe(0)
  expect(thought.usage.completion_tokens_details.reasoning_tokens).toBe(tokens)
  expect(thought.usage.completion_tokens).toBe(plain.usage.completion_tokens + tokens)
  expect(thought.choices).toEqual(plain.choices)
})

test('a cap within the reasoning leaves no answer', async () => {
  const { usage, choices } = await ask({ reasoning }, { max_completion_tokens: 50 }, 3)
  expect(usage).toMatchObject({
    ...{ completion_tokens: 50, completion_tokens_details: { reasoning_tokens: 50 } },
  })
  expect(choices).toMatchObject([{ message: { content: '' }, finish_reason: 'length' }])
})

test('the Responses API, as a stream', async () => {
  await using simulator = await start({ reasoning })
  const text = await (await postResponses(simulator, responsesBody({ stream: true }))).text()
  expect(text).toContain('"output_tokens_details":{"reasoning_tokens":121}')
  expect(simulator.stats.outputTokens).toBeGreaterThan(121)
})
