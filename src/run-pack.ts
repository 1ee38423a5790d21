import { chatRequest, emptyAnswer, readChat } from './chat.ts'
import { ElementParser } from './elements.ts'
import type { Entry } from './entry.ts'
import type { Resolved } from './options.ts'
import type { Fulfilled, PackInfo } from './outcome.ts'
import { userMessage } from './prompt.ts'
import { endOfAnswer, endOfError, type RequestEnd } from './recovery.ts'
import { Settlement } from './settlement.ts'
import type { PackRun } from './stats.ts'

/** What is done with the elements of an answer while it is still being written. */
export interface PackListener<R, T> {
  /** A record was settled. Reading waits for the promise, if there is one. */
  onFulfilled: (outcome: Fulfilled<R, T>) => Promise<void> | undefined
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
  pack: readonly Entry<R>[],
  request: number,
  signal: AbortSignal,
  listener: PackListener<R, T>,
): Promise<PackRun<R>> {
  const { client, model, system, format, maxOutputTokens } = options
  const user = userMessage(pack.map((entry) => entry.text))
  const settlement = new Settlement(pack, format.decode)
  const parser = new ElementParser()
  const characters = { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 }
  const answer = emptyAnswer()
  let elements = 0
  const info = (position: number): PackInfo => {
    return { request, responseId: answer.responseId, position, size: pack.length }
  }

  /** Errors of this side, such as a listener's, which are no failure of the request. */
  const own: unknown[] = []
  const settle = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) {
      if (signal.aborted) return
      const verdict = settlement.settle(text)
      elements += 1
      characters[verdict.kind] += text.length
      characters.unfinished -= text.length
      if (verdict.kind === 'fulfilled') {
        const { entry, value, position } = verdict
        const { index, record, attempts } = entry
        const pack = info(position)
        const wait = listener.onFulfilled({ status: 'fulfilled', index, record, value, attempts, pack })
        if (wait) await wait
      } else {
        listener.onFault(verdict.kind)
      }
    }
  }

  let end: RequestEnd
  try {
    const body = chatRequest(model, system, user, format.jsonSchema, maxOutputTokens, options.request)
    // Retries are decided by the recovery table: the SDK's own cannot know what is settled already.
    const stream = await client.chat.completions.create(body, { signal, maxRetries: 0 })
    await readChat(stream, signal, answer, (text) => {
      characters.unfinished += text.length
      const closed = parser.write(text)
      if (closed.length === 0) return undefined
      return settle(closed).catch((error: unknown) => {
        own.push(error)
        throw error
      })
    })
    end = endOfAnswer(answer, !parser.failed)
  } catch (error) {
    if (own.includes(error)) throw error
    // What breaks off after the answer had said how it ended changes nothing.
    const hadEnded = answer.finishReason !== undefined || answer.refused
    end = hadEnded ? endOfAnswer(answer, !parser.failed) : endOfError(error)
  }
  const unsettled = Array.from(settlement.unsettled, ([position, entry]) => ({ entry, info: info(position) }))
  return { end, usage: answer.usage, hasBegun: answer.hasBegun, elements, characters, unsettled }
}
