import { expect, onTestFinished, vi } from 'vitest'
import { type Simulator, type SimulatorOptions, startSimulator } from 'llm-pack-stream/simulator'

export const none = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }
export const start = (options: SimulatorOptions = {}) => startSimulator({ latency: none, ...options })

/** Stops the clock until the end of this test, so that no limit refills. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
}

export const schema = {
  type: 'object',
  properties: {
    results: {
      type: 'array',
      items: {
        type: 'object',
        properties: { id: { type: 'integer' }, label: { enum: ['card', 'refund'] } },
        required: ['id', 'label'],
      },
    },
  },
  required: ['results'],
}
const records = (count: number) =>
  Array.from({ length: count }, (_, i) => `<r id="${i + 1}">a refund</r>`).join('')
export const body = (more: object = {}, count = 3) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: records(count) }],
  response_format: { type: 'json_schema', json_schema: { name: 'r', schema } },
  ...more,
})

export function post(
  simulator: Simulator,
  payload: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
  path = 'chat/completions',
) {
  return fetch(`${simulator.baseURL}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
    ...(signal && { signal }),
  })
}

/** The same as `body`, for the Responses API. */
export const responsesBody = (more: object = {}, count = 3) => ({
  model: 'gpt-4o-mini',
  input: records(count),
  text: { format: { type: 'json_schema', name: 'r', schema } },
  ...more,
})

export const postResponses = (
  simulator: Simulator,
  payload: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) => post(simulator, payload, headers, signal, 'responses')

export type Chunk = {
  choices: { delta: { role?: string; content?: string }; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null
}

export async function chunksOf(response: Response): Promise<{ chunks: Chunk[]; last: string }> {
  const events = (await response.text()).split('\n\n')
  expect(events.pop()).toBe('')
  for (const event of events) expect(event).toMatch(/^data: /)
  const last = events.pop() ?? ''
  return { chunks: events.map((event) => JSON.parse(event.slice(6)) as Chunk), last }
}

/**
 * Checks that the only request so far was refused with a 400 in OpenAI's form that names the field.
 */
export async function expectRefusal(
  simulator: Simulator,
  response: Response,
  param: string | null,
  code: string | null,
) {
  expect(response.status).toBe(400)
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  const { error } = (await response.json()) as { error: { message: string } }
  expect(error).toEqual({
    message: expect.any(String) as unknown,
    type: 'invalid_request_error',
    param,
    code,
  })
  if (code !== null) expect(error.message).toContain(`'${String(param)}'`)
  expect(simulator.stats).toMatchObject({ requests: 1, completed: 0, inFlight: 0 })
}
