import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { costOf } from '../../engine/index.ts'
import {
  MAX_IN_FLIGHT,
  schemaOf,
  tokensIn,
  type DemoJob,
  type Labelled,
  type OnMeasured,
} from './labelled.ts'

/** Attempts for one record. */
const MAX_ATTEMPTS = 5
/** Longest wait between two attempts, in ms. Limits per minute have room after that. */
const MAX_WAIT_MS = 60_000

interface Answer {
  readonly choices?: readonly { readonly message?: { readonly content?: string } }[]
  readonly usage?: {
    readonly prompt_tokens?: number
    readonly completion_tokens?: number
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null
  }
}

/**
 * The rival: plain requests with one record in each, without protocol, tags and ids, and the same
 * number of requests at once.
 *
 * @param onMeasured Gets the account after each result, and once more at an early end.
 */
export async function labelOneByOne(job: DemoJob, onMeasured: OnMeasured): Promise<void> {
  const { client, records, pricing, signal } = job
  const bodyFor = bodyOf(job)
  const start = performance.now()
  const tokens = { input: 0, cached: 0, output: 0 }
  const running = new Set<object>()
  let [same, fulfilled, requests, timeToFirstResult] = [0, 0, 0, NaN]
  const tell = (): void => {
    const broken = signal.aborted ? [...running] : []
    onMeasured({
      ...{ records: fulfilled, fulfilled, same, requests, inFlight: running.size },
      ...{ elapsed: performance.now() - start, timeToFirstResult, tokens: { ...tokens } },
      cost: pricing && costOf(pricing, tokens),
      aborted: { requests: broken.length, tokens: tokensIn(broken.map((body) => JSON.stringify(body))) },
    })
  }

  const ask = async (text: string, attempt = 1): Promise<Answer> => {
    const body = bodyFor(text)
    requests += 1
    running.add(body)
    try {
      const response = await client.post('chat/completions', body, signal)
      return (await response.json()) as Answer
    } catch (error) {
      if (signal.aborted || attempt === MAX_ATTEMPTS || !isTransient(error)) throw error
      await wait(pauseOf(error, attempt), undefined, { signal })
      return await ask(text, attempt + 1)
    } finally {
      // The requests that Ctrl-C broke off stay for the account.
      if (!signal.aborted) running.delete(body)
    }
  }
  const label = async (record: Labelled): Promise<void> => {
    const { choices, usage } = await ask(record.text)
    fulfilled += 1
    if (Number.isNaN(timeToFirstResult)) timeToFirstResult = performance.now() - start
    if (labelIn(choices?.[0]?.message?.content) === record.label) same += 1
    tokens.input += usage?.prompt_tokens ?? 0
    tokens.cached += usage?.prompt_tokens_details?.cached_tokens ?? 0
    tokens.output += usage?.completion_tokens ?? 0
    tell()
  }

  const rest = records[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (const record of rest) await label(record)
  }
  try {
    await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, worker))
  } catch (error) {
    tell()
    throw error
  }
}

/** Makes the request for one text. */
export function bodyOf({ model, labels, instructions }: Pick<DemoJob, 'model' | 'labels' | 'instructions'>) {
  const schema = { ...z.toJSONSchema(schemaOf(labels)), $schema: undefined }
  return (text: string) => ({
    model,
    messages: [
      { role: 'system', content: instructions },
      { role: 'user', content: text },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'result', strict: true, schema } },
  })
}

/** Whether another attempt may succeed: a limit, a failure of the server or of the network. */
function isTransient(error: unknown): boolean {
  const { status } = error as { readonly status?: number }
  return status === undefined || status === 408 || status === 429 || status >= 500
}

function pauseOf(error: unknown, attempt: number): number {
  const { headers } = error as { readonly headers?: Headers }
  const asked = Number(headers?.get('retry-after') ?? NaN) * 1_000
  return Math.min(Number.isNaN(asked) ? 500 * 2 ** attempt : asked, MAX_WAIT_MS)
}

function labelIn(content = ''): unknown {
  try {
    return (JSON.parse(content) as { label?: unknown } | null)?.label
  } catch {
    return undefined
  }
}
