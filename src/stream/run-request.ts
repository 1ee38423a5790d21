import { emptyAnswer } from '../api/answer.ts'
import type { Sent } from '../api/api.ts'
import { Deadlines } from './deadlines.ts'
import { ElementParser } from '../answer/element-parser.ts'
import type { Entry } from '../record/entry.ts'
import { RequestError } from '../record/errors.ts'
import type { Resolved } from '../options/options.ts'
import type { Fulfilled, PackInfo } from '../record/outcome.ts'
import type { PackRun } from '../answer/finished-request.ts'
import type { AnyHeaders } from '../limits/rate-headers.ts'
import { endOfAnswer, endOfError, failure, type RequestEnd } from '../answer/request-end.ts'
import { scrub } from '../answer/scrub.ts'
import { Settlement } from '../answer/settlement.ts'

/** Elements in a row, repeated or unknown, after which an answer is stopped. */
const MAX_UNASKED = 5

/** What one request carries. */
export interface Shipment<R> {
  readonly pack: readonly Entry<R>[]
  /** The user message. */
  readonly user: string
  /** Cap on the answer's tokens; `undefined`: none is sent. */
  readonly cap: number | undefined
  /** Whether the server has taken requests like it. */
  readonly isProven: boolean
}

/** What is done while an answer is still being written. */
export interface PackListener<R, T> {
  /** The server has accepted the request. */
  onHeaders: (headers: AnyHeaders | undefined) => void
  /** A record was settled; `result` is its value before the schema's transforms. Reading waits for the promise, if there is one. */
  onFulfilled: (entry: Entry<R>, outcome: Fulfilled<R, T>, result: unknown) => Promise<void> | undefined
  /** An element settled nothing. */
  onFault: (kind: 'invalid' | 'repeated' | 'unknown') => void
}

/**
 * Sends a pack and settles its records one by one, as their elements close.
 *
 * @throws Only what is wrong on this side, never for what the API or the network does.
 */
export async function runPack<R, T>(
  options: Resolved<R, T>,
  { pack, user, cap, isProven }: Shipment<R>,
  request: number,
  abort: AbortController,
  listener: PackListener<R, T>,
): Promise<PackRun<R>> {
  const { api, client, model, system, format, timeouts } = options
  const { signal } = abort
  const settlement = new Settlement(pack, format.decode)
  const parser = new ElementParser()
  const characters = { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 }
  const answer = emptyAnswer()
  const asked = { cap, maxCap: options.maxOutputTokens, isProven }
  const counted = { text: 0, thought: 0 }
  let elements = 0
  let unasked = 0
  const info = (position: number): PackInfo => {
    return { request, responseId: answer.responseId, position, size: pack.length }
  }

  /** A function: TypeScript would think that it cannot change. */
  const isAborted = () => signal.aborted
  const deadlines = new Deadlines(timeouts, (error) => {
    abort.abort(error)
  })
  /** Why reading on is useless. */
  let useless: RequestError | undefined

  const settle = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) {
      if (signal.aborted) return
      const verdict = settlement.settle(text)
      elements += 1
      characters[verdict.kind] += text.length
      characters.unfinished -= text.length
      unasked = verdict.kind === 'repeated' || verdict.kind === 'unknown' ? unasked + 1 : 0
      if (unasked === MAX_UNASKED) {
        useless = new RequestError(
          'runaway',
          `The answer had ${unasked} elements in a row that nobody asked for`,
        )
      }
      if (verdict.kind === 'fulfilled') {
        const { entry, value, position, result } = verdict
        const { index, record, attempts } = entry
        const outcome = { status: 'fulfilled' as const, index, record, value, attempts, pack: info(position) }
        // Time in which nobody takes outcomes counts against no deadline.
        const wait = deadlines.excuse(() => listener.onFulfilled(entry, outcome, result))
        if (!wait) continue
        deadlines.pause()
        await wait
        deadlines.resume()
      } else {
        listener.onFault(verdict.kind)
      }
    }
  }

  /** Errors of this side, such as a listener's, which are no failure of the request. */
  const own: unknown[] = []
  const onText = (text: string): Promise<void> | undefined => {
    characters.unfinished += text.length
    const closed = parser.write(text)
    if (parser.isBlank) useless = new RequestError('runaway', 'The answer went on in nothing but whitespace')
    // What follows will not be parsed. If nothing is missing, it is worth waiting for what it cost.
    if (parser.failed && settlement.unsettled.size > closed.length) {
      useless = new RequestError('not_json', 'The answer is not JSON')
    }
    if (closed.length === 0) return undefined
    return settle(closed).catch((error: unknown) => {
      own.push(error)
      throw error
    })
  }

  const read = async (): Promise<RequestEnd> => {
    const { firstTokenTimeout, requestTimeout } = timeouts
    const prompt = { model, system, user, jsonSchema: format.jsonSchema, maxOutputTokens: cap }
    // The recovery table decides retries: the SDK's own cannot know what is settled already. Deadlines are ours too.
    const timeout = Math.min(firstTokenTimeout, requestTimeout, 2 ** 31 - 2_000) + 1_000
    const sent = api.send(client, prompt, options.request, { signal, maxRetries: 0, timeout })
    const { events, headers } = await open(sent)
    listener.onHeaders(headers)
    for await (const event of events) {
      // The SDK ends by itself; a stand-in that does not know the signal is left here.
      if (isAborted()) break
      answer.hasBegun = true
      const text = api.read(event, answer)
      if (answer.hasToken) {
        counted[text === '' ? 'thought' : 'text'] += 1
        deadlines.progress()
      }
      if (text === '') continue
      const wait = onText(text)
      if (wait) await wait
      if (isAborted()) break
      if (useless) throw useless
    }
    if (!answer.hasBegun && !signal.aborted) return notAStream(headers)
    return endOfAnswer(answer, parser, asked)
  }

  let end: RequestEnd
  try {
    const ended = await Promise.race([read(), aborted(signal)])
    end = ended && !signal.aborted ? ended : endOfError(signal.reason, asked, String)
  } catch (error) {
    if (own.includes(error)) throw error
    // The records by themselves, too: a short one is looked for as a whole.
    const secrets = () => [user, system, ...keysOf(client), ...pack.map(({ text }) => text)]
    end = endOfError(error, asked, (message) => scrub(message, secrets()))
  } finally {
    deadlines.stop()
  }
  // What breaks off after the answer had said how it ended changes nothing.
  if (answer.finishReason !== undefined || answer.refusal !== undefined)
    end = endOfAnswer(answer, parser, asked)
  const unsettled = Array.from(settlement.unsettled, ([position, entry]) => ({ entry, info: info(position) }))
  const { usage, hasBegun, responseId } = answer
  const { firstToken } = deadlines
  return { end, usage, hasBegun, firstToken, events: counted, responseId, elements, characters, unsettled }
}

/** The events of an answer, and its headers where the SDK tells them. */
async function open(
  sent: Sent,
): Promise<{ events: AsyncIterable<unknown>; headers: AnyHeaders | undefined }> {
  if (typeof sent.withResponse !== 'function') return { events: await sent, headers: undefined }
  const { data, response } = await sent.withResponse()
  return { events: data, headers: response?.headers }
}

/** Resolves when the signal aborts, and leaves no listener that outlives the signal. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener(
      'abort',
      () => {
        resolve(undefined)
      },
      { once: true },
    )
  })
}

/** A body without a single event: a page, or JSON, with status 200. */
function notAStream(headers: AnyHeaders | undefined): RequestEnd {
  const type = typeof headers?.get === 'function' ? headers.get('content-type') : undefined
  const got = /^[\w.+-]+\/[\w.+-]+/.exec(type ?? '')?.[0] ?? 'nothing'
  return failure('not_a_stream', `Expected a stream of events, got ${got}`)
}

/** What the client authorizes itself with: its key, and whatever its headers hold. */
function keysOf(client: unknown): string[] {
  const { apiKey, _options } = client as {
    apiKey?: unknown
    _options?: { defaultHeaders?: Record<string, unknown> }
  }
  const headers = Object.values(_options?.defaultHeaders ?? {})
  return [apiKey, ...headers].filter((key) => typeof key === 'string')
}
