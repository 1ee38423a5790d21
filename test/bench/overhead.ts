/**
 * Measures the cost of packing for the client: CPU time per element of an answer, compared with the
 * SDK, and with the most similar library that also returns elements when they close.
 *
 *     node --conditions=llm-pack-stream-source test/bench/overhead.ts
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Output, streamText } from 'ai'
import { createParser } from 'eventsource-parser'
import { PackStream } from 'llm-pack-stream'
import { deepStrictEqual } from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import OpenAI from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import * as z from 'zod'
import { idAt } from '../../src/request/ids.ts'
import { LABELS, modelName, resultOf, startServer, type Mode, type Result } from './sse-server.ts'
import { best, medianRatio } from './stats.ts'

export interface OverheadRow {
  readonly mode: Mode
  /** Number of elements in one answer. */
  readonly n: number
  readonly rounds: number
  /** CPU time per element in µs, user and system: the smallest value of all rounds. */
  readonly floor: number
  readonly bytes: number
  readonly ours: number
  readonly elementStream: number
  /** Medians of the ratios within a round. */
  readonly bytesToFloor: number
  readonly oursToFloor: number
  readonly elementStreamToOurs: number
}

/**
 * One sample: a number of answers with n elements, one after the other, or all at once if paced.
 */
interface Load {
  readonly mode: Mode
  readonly n: number
  readonly answers: number
  readonly rounds: number
  /**
   * Number of rounds after which the slowest contender is measured. It is far slower than the
   * others and would take most of the time.
   */
  readonly elementStreamEvery: number
}

/**
 * Each sample takes a fraction of a second and has at least one answer. Odd intervals let each of
 * the pair run after the slowest contender.
 */
const LOADS: readonly Load[] = [
  { mode: 'burst', n: 10, answers: 40, rounds: 18, elementStreamEvery: 3 },
  { mode: 'burst', n: 100, answers: 10, rounds: 18, elementStreamEvery: 3 },
  { mode: 'burst', n: 1_000, answers: 1, rounds: 18, elementStreamEvery: 3 },
  { mode: 'burst', n: 5_000, answers: 1, rounds: 8, elementStreamEvery: 5 },
  { mode: 'paced', n: 20, answers: 50, rounds: 8, elementStreamEvery: 3 },
]
/**
 * Time for which each contender runs in each mode before the measurement, in ms. After this time,
 * the JIT compiler has finished.
 */
const WARM_UP = 2_000

const INSTRUCTIONS = 'Categorise each customer query.'
const schema = z.object({
  label: z.enum(LABELS),
  confidence: z.number(),
  summary: z.string(),
})
const element = schema.extend({ id: z.int() })
// The schema that a user of the plain SDK has. It is written once, like our schema, which is
// translated once in a stream.
const responseFormat = {
  type: 'json_schema' as const,
  json_schema: {
    name: 'results',
    strict: true,
    schema: z.toJSONSchema(z.object({ results: z.array(element) })) as Record<string, unknown>,
  },
}

type Element = Result & { id: number }
/** Runs one load. Returns the elements of each answer. */
type Contender = (load: Load) => Promise<Element[][]>
type Name = 'floor' | 'bytes' | 'ours' | 'elementStream'

function contenders(baseURL: string): Record<Name, Contender> {
  // Retries of the SDK would hide a broken server.
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 })
  const provider = createOpenAICompatible({ name: 'bench', baseURL, supportsStructuredOutputs: true })

  const send = ({ mode, n }: Load) =>
    client.chat.completions.create({
      model: modelName(n, mode, 'results'),
      messages: [
        { role: 'system', content: INSTRUCTIONS },
        { role: 'user', content: prompt(n) },
      ],
      response_format: responseFormat,
      stream: true,
      stream_options: { include_usage: true },
    })
  const resultsOf = (text: string) => (JSON.parse(text) as { results: Element[] }).results

  /** What a user of the plain SDK writes: it reads the whole answer and parses it. */
  const floor = async (load: Load): Promise<Element[]> => {
    let text = ''
    for await (const chunk of await send(load)) text += chunk.choices[0]?.delta.content ?? ''
    return resultsOf(text)
  }

  /**
   * The least that a client of `fetch` can do: it takes the bytes as they come, finds the events in
   * them, and parses each.
   */
  const bytes = async (load: Load): Promise<Element[]> => {
    const { body } = await send(load).asResponse()
    const decoder = new TextDecoder()
    let text = ''
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data === '[DONE]') return
        text += (JSON.parse(data) as ChatCompletionChunk).choices[0]?.delta.content ?? ''
      },
    })
    for await (const piece of body ?? []) parser.feed(decoder.decode(piece as Uint8Array, { stream: true }))
    return resultsOf(text)
  }

  const elementStream = async ({ mode, n }: Load): Promise<Element[]> => {
    const result = streamText({
      model: provider(modelName(n, mode, 'elements')),
      instructions: INSTRUCTIONS,
      prompt: prompt(n),
      output: Output.array({ element }),
      maxRetries: 0,
    })
    const elements: Element[] = []
    for await (const item of result.elementStream) elements.push(item)
    return elements
  }

  /**
   * One stream for all answers of a load, as in real use: its packs run one after the other, or 50
   * in flight. The records come from a pipeline and the outcomes go into a pipeline, so the cost
   * includes Node's streams and back-pressure.
   */
  const ours: Contender = async ({ mode, n, answers }) => {
    const stream = new PackStream({
      client,
      model: modelName(n, mode, 'results'),
      instructions: INSTRUCTIONS,
      schema,
      maxPackRecords: n,
      maxPackTokens: 1e9,
      maxInFlight: mode === 'paced' ? answers : 1,
      maxAttempts: 1,
    })
    const packs: Element[][] = Array.from({ length: answers }, () => [])
    await pipeline(records(n * answers), stream, async (outcomes) => {
      for await (const outcome of outcomes) {
        const { pack } = outcome
        if (outcome.status === 'rejected') throw outcome.reason
        if (!pack) throw new Error('Expected a request')
        packs[pack.request - 1]?.push({ id: idAt(pack.position - 1), ...outcome.value })
      }
    })
    return packs
  }

  return {
    floor: eachAnswer(floor),
    bytes: eachAnswer(bytes),
    ours,
    elementStream: eachAnswer(elementStream),
  }
}

function eachAnswer(answer: (load: Load) => Promise<Element[]>): Contender {
  return async (load) => {
    if (load.mode === 'paced') return Promise.all(Array.from({ length: load.answers }, () => answer(load)))
    const answers: Element[][] = []
    for (let i = 0; i < load.answers; i++) answers.push(await answer(load))
    return answers
  }
}

function* records(n: number): Generator<string> {
  for (let i = 1; i <= n; i++) yield `I was charged a fee of ${i} for my card payment, why is that?`
}

/** The records in the form of this library, so that all clients send the same text. */
function prompt(n: number): string {
  return Array.from(records(n), (text, i) => `<record id="${idAt(i)}">${text}</record>\n`).join('')
}

/** CPU time that this process spent on one load, in µs per element. */
async function sample(name: Name, contender: Contender, load: Load): Promise<number> {
  const before = process.cpuUsage()
  const answers = await contender(load)
  const { user, system } = process.cpuUsage(before)
  check(name, load, answers)
  return (user + system) / (load.n * load.answers)
}

/** Throws if a contender lost elements, because that would make it look fast. */
function check(name: Name, load: Load, answers: readonly Element[][]): void {
  const where = `${name}, ${load.mode}, n = ${load.n}`
  const count = answers.flat().length
  if (answers.length !== load.answers || count !== load.n * load.answers) {
    throw new Error(`${where}: expected ${load.answers} answers of ${load.n} elements, got ${count} elements`)
  }
  const last = { id: idAt(load.n - 1), ...resultOf(load.n) }
  for (const elements of answers) {
    deepStrictEqual(elements.at(-1), last, `${where}: the last element is not the one that was sent`)
  }
}

async function measure(all: Record<Name, Contender>, load: Load): Promise<OverheadRow> {
  const samples: Record<Name, number[]> = { floor: [], bytes: [], ours: [], elementStream: [] }
  for (let round = 0; round < load.rounds; round++) {
    // Each contender comes first equally often, so that the work left behind by one of them does
    // not always slow the other.
    const pair: Name[] = round % 2 === 0 ? ['floor', 'ours'] : ['ours', 'floor']
    samples.bytes.push(await sample('bytes', all.bytes, load))
    for (const name of pair) samples[name].push(await sample(name, all[name], load))
    const isDue = round % load.elementStreamEvery === 0
    samples.elementStream.push(isDue ? await sample('elementStream', all.elementStream, load) : NaN)
  }
  return {
    ...{ mode: load.mode, n: load.n, rounds: load.rounds },
    ...{ floor: best(samples.floor), bytes: best(samples.bytes) },
    ...{ ours: best(samples.ours), elementStream: best(samples.elementStream) },
    bytesToFloor: medianRatio(samples.bytes, samples.floor),
    oursToFloor: medianRatio(samples.ours, samples.floor),
    elementStreamToOurs: medianRatio(samples.elementStream, samples.ours),
  }
}

async function warmUp(all: Record<Name, Contender>, load: Load): Promise<void> {
  for (const name of Object.keys(all) as Name[]) {
    const end = performance.now() + WARM_UP
    while (performance.now() < end) await sample(name, all[name], load)
  }
}

/** Runs all measurements, which takes about 100 s. Throws if a contender gets a wrong answer. */
export async function overhead(): Promise<OverheadRow[]> {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  const server = await startServer()
  try {
    const all = contenders(server.baseURL)
    const rows: OverheadRow[] = []
    for (const mode of ['burst', 'paced'] as const) {
      const loads = LOADS.filter((load) => load.mode === mode)
      const typical = loads.find((load) => load.n >= 20)
      if (typical) await warmUp(all, typical)
      for (const load of loads) rows.push(await measure(all, load))
    }
    return rows
  } finally {
    server.stop()
  }
}
/**
 * The growth of our cost of a whole answer with its number of elements, from the smallest burst to
 * the largest: 1 is linear, 2 is quadratic. It may be below 1, because the fixed cost of a request
 * has more weight in a small answer.
 */
export function growth(rows: readonly OverheadRow[]): number {
  const bursts = rows.filter((row) => row.mode === 'burst')
  const [first, last] = [bursts[0], bursts.at(-1)]
  if (!first || !last) return NaN
  return 1 + Math.log(last.ours / first.ours) / Math.log(last.n / first.n)
}

/** Formats the rows as text. */
export function overheadTable(rows: readonly OverheadRow[]): string {
  const heads = [
    'mode',
    'N',
    'floor',
    'bytes',
    'ours',
    'elementStream',
    'bytes / floor',
    'ours / floor',
    'elementStream / ours',
    'rounds',
  ]
  const lines = rows.map((row) => [
    ...[row.mode, row.n.toLocaleString('en')],
    ...[row.floor, row.bytes, row.ours, row.elementStream].map((cost) => cost.toFixed(0)),
    ...[row.bytesToFloor, row.oursToFloor, row.elementStreamToOurs].map((ratio) => ratio.toFixed(2)),
    String(row.rounds),
  ])
  const align = (cells: string[]) => cells.map((cell, i) => cell.padStart(heads[i]?.length ?? 0)).join('  ')
  return [
    'CPU of the client per element of the answer in µs (best round), and medians of the ratios within a round',
    ...[heads, ...lines].map(align),
    `ours grows with the length of the answer by the power of ${growth(rows).toFixed(2)}`,
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) console.log(overheadTable(await overhead()))
