// Tests a client of other authors. The client decides the form of a request and reads the answer.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, Output, streamText } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startSimulator } from 'llm-pack-stream/simulator'

const latency = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }

const element = z.object({
  id: z.string(),
  topic: z.enum(['lost card', 'exchange rate', 'top up']),
  urgent: z.boolean(),
  tags: z.array(z.enum(['card', 'money', 'app'])),
  detail: z.union([z.object({ amount: z.number().min(0) }), z.string().max(20), z.null()]),
  quote: z.string(),
})
const records = [
  { id: 'q7', text: 'My card is lost, this is urgent' },
  { id: 'q8', text: 'Which exchange rate do I get?' },
  { id: 'q9', text: 'The app does not let me top up money' },
]
const prompts: [name: string, prompt: string][] = [
  ['a JSON array', `Label these:\n${JSON.stringify(records, null, 2)}`],
  ['tags', records.map(({ id, text }) => `<query id="${id}">${text}</query>`).join('\n')],
]

function expectOwn(elements: unknown[]): void {
  const parsed = elements.map((value) => element.parse(value))
  expect(parsed.map(({ id, topic, quote }) => ({ id, topic, quote }))).toEqual([
    { id: 'q7', topic: 'lost card', quote: records[0]?.text },
    { id: 'q8', topic: 'exchange rate', quote: records[1]?.text },
    { id: 'q9', topic: 'top up', quote: records[2]?.text },
  ])
  expect(parsed.map(({ urgent }) => urgent)).toEqual([true, false, false])
  expect(parsed.map(({ tags }) => tags)).toEqual([['card'], [], expect.arrayContaining(['money', 'app'])])
}

describe('AI SDK', () => {
  const modelOf = (baseURL: string) =>
    createOpenAICompatible({
      name: 'simulator',
      baseURL,
      apiKey: 'x',
      supportsStructuredOutputs: true,
      includeUsage: true,
    })('m')

  test.each(prompts)('streamText with Output.array, %s', async (_, prompt) => {
    await using simulator = await startSimulator({ latency })
    const result = streamText({
      model: modelOf(simulator.baseURL),
      prompt,
      output: Output.array({ element }),
    })
    const elements: unknown[] = []
    for await (const each of result.elementStream) elements.push(each)
    expectOwn(elements)
    expect(await result.finishReason).toBe('stop')
    expect((await result.usage).outputTokens).toBe(simulator.stats.outputTokens)
  })

  test.each(prompts)('generateText with Output.object, %s', async (_, prompt) => {
    await using simulator = await startSimulator({ latency })
    const schema = z.object({ answer: z.object({ items: z.array(element) }) })
    const { output } = await generateText({
      model: modelOf(simulator.baseURL),
      prompt,
      output: Output.object({ schema }),
    })
    expectOwn(output.answer.items)
  })

  test('generateText about one message', async () => {
    await using simulator = await startSimulator({ latency })
    const { output } = await generateText({
      model: modelOf(simulator.baseURL),
      prompt: 'Is my card lost?',
      output: Output.object({ schema: element.omit({ id: true }) }),
    })
    expect(output).toMatchObject({ topic: 'lost card', tags: ['card'], quote: 'Is my card lost?' })
  })
})

test('plain text', async () => {
  await using simulator = await startSimulator({ latency })
  const model = createOpenAICompatible({ name: 'simulator', baseURL: simulator.baseURL })('m')
  const { text } = await generateText({ model, prompt: 'Hello' })
  expect(text).toContain('not a model')
})
