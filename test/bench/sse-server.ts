/**
 * A server that sends the same prepared Chat Completions frames to every client. It runs in its own
 * process, so that the measurement covers only the client's CPU time.
 *
 * Of a request, it reads only the name of the model, which chooses the answer:
 * `n-1000-burst-results`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { idAt } from '../../src/request/ids.ts'

/**
 * `burst`: all frames at once, in large socket writes. `paced`: one delta in each socket write,
 * like a model.
 */
export type Mode = 'burst' | 'paced'
/** The key of the array in the answer, which differs between contenders. */
export type Key = 'results' | 'elements'

export interface Result {
  label: string
  confidence: number
  summary: string
}

/** Characters in a delta. Most tokens of such JSON have this length. */
const DELTA_LENGTH = 4
/** Time between two deltas of one paced stream, in ms: 200 deltas per second. */
const PACE = 5

export const LABELS = [
  ...['card_arrival', 'card_payment_fee_charged', 'lost_or_stolen_card', 'top_up_failed'],
  ...['exchange_rate', 'transfer_not_received_yet', 'terminate_account', 'pin_blocked'],
] as const
const SUMMARIES = ['fee not expected', 'card is late', 'asks for a refund', 'wants to know why', 'urgent']

/**
 * The result of the record with this id. With `id` at the start, it has 83 characters on average.
 */
export function resultOf(id: number): Result {
  return {
    label: LABELS[(id * 5) % LABELS.length] ?? '',
    confidence: (50 + ((id * 37) % 50)) / 100,
    summary: SUMMARIES[(id * 3) % SUMMARIES.length] ?? '',
  }
}

export function modelName(n: number, mode: Mode, key: Key): string {
  return `n-${n}-${mode}-${key}`
}

/** Starts the server in a child process. */
export async function startServer(): Promise<{ baseURL: string; stop: () => void }> {
  // Without the flags of the parent, because a profile should cover only the client.
  const child = fork(import.meta.filename, { execArgv: [] })
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`The server of the benchmark ended before it listened, with code ${code}`)
  })
  const [port] = (await Promise.race([once(child, 'message'), died])) as [number]
  const stop = (): void => {
    child.disconnect()
  }
  return { baseURL: `http://127.0.0.1:${port}/v1`, stop }
}

/** Returns the frames of one answer, with one delta in each frame. */
function buildFrames(n: number, key: Key): Buffer[] {
  const elements = Array.from({ length: n }, (_, i) => JSON.stringify({ id: idAt(i), ...resultOf(i + 1) }))
  // The key is cut separately, so that the elements have the same deltas under both keys.
  const deltas = [...cut(`{"${key}":[`), ...cut(`${elements.join(',')}]}`)]
  const chunk = (choices: object[], usage: object | null = null) =>
    frame({
      id: 'chatcmpl-CUWmJtkBQfBqqvbXJOoGmqQDYZcTz',
      object: 'chat.completion.chunk',
      created: 1_764_000_000,
      model: 'gpt-4o-mini-2024-07-18',
      service_tier: 'default',
      system_fingerprint: 'fp_51db84afab',
      choices,
      usage,
    })
  const choice = (delta: object, finishReason: string | null = null) =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason: finishReason }])
  const usage = {
    prompt_tokens: 20 * n,
    completion_tokens: deltas.length,
    total_tokens: 20 * n + deltas.length,
  }
  return [
    choice({ role: 'assistant', content: '', refusal: null }),
    ...deltas.map((content) => choice({ content })),
    choice({}, 'stop'),
    chunk([], usage),
    Buffer.from('data: [DONE]\n\n'),
  ]
}

function cut(text: string): string[] {
  return text.match(new RegExp(`.{1,${DELTA_LENGTH}}`, 'g')) ?? []
}

function frame(data: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(data)}\n\n`)
}

/**
 * Writes a frame at each interval. After a late frame, the next frame comes sooner, but a write
 * never holds two frames.
 */
function pace(response: ServerResponse, frames: readonly Buffer[]): void {
  const start = performance.now()
  let sent = 0
  const send = (): void => {
    response.write(frames[sent])
    sent += 1
    if (sent === frames.length) response.end()
    else if (!response.destroyed) setTimeout(send, Math.max(4, start + sent * PACE - performance.now()))
  }
  send()
}

function serve(): void {
  const frames = new Map<string, Buffer[]>()
  const whole = new Map<string, Buffer>()
  let requests = 0

  const answer = (body: string, response: ServerResponse): void => {
    const [model = '', n, mode, key] = /n-(\d+)-(burst|paced)-(results|elements)/.exec(body) ?? []
    if (!frames.has(model)) {
      frames.set(model, buildFrames(Number(n), key as Key))
      whole.set(model, Buffer.concat(frames.get(model) ?? []))
    }
    response.socket?.setNoDelay(true)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    if (mode === 'burst') {
      response.end(whole.get(model))
    } else {
      // Streams that start together do not write at the same moments.
      requests += 1
      setTimeout(() => {
        pace(response, frames.get(model) ?? [])
      }, requests % PACE)
    }
  }

  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      answer(Buffer.concat(pieces).toString(), response)
    })
  })
  // Connections stay open between samples, because the time to open them is not measured.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

if (process.argv[1] === import.meta.filename) serve()
