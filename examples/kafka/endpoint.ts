import OpenAI from 'openai'
import { startSimulator } from 'llm-pack-stream/simulator'

/** The server of an example, and its description. */
export interface Endpoint {
  readonly client: OpenAI
  readonly model: string
  readonly description: string
  readonly close: () => Promise<void>
}

/** Opens the server that the environment names, or else the embedded simulator. */
export async function openEndpoint(): Promise<Endpoint> {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL: model = 'gpt-4o-mini' } = process.env
  if (OPENAI_API_KEY || OPENAI_BASE_URL) {
    const client = new OpenAI({ apiKey: OPENAI_API_KEY ?? 'none' })
    return {
      client,
      model,
      description: `${model} at ${client.baseURL}`,
      close: () => Promise.resolve(),
    }
  }
  const latency = { timeToFirstToken: 100, outputTokensPerSecond: 400 }
  const simulator = await startSimulator({ latency })
  return {
    client: new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' }),
    model,
    description:
      `the embedded simulator, which is no model: it picks labels by words in common, after ` +
      `${latency.timeToFirstToken} ms and at ${latency.outputTokensPerSecond} tokens/s`,
    close: () => simulator.close(),
  }
}
