import { chatRequest, readChat, type Usage } from './chat.ts'
import { ElementParser } from './elements.ts'
import type { Entry } from './entry.ts'
import type { Resolved } from './options.ts'
import type { Fulfilled, PackInfo } from './outcome.ts'
import { userMessage } from './prompt.ts'
import { endOfAnswer, endOfError, type RequestEnd } from './recovery.ts'
import { Settlement, type Verdict } from './settlement.ts'

/** One request that has ended, in whatever way. */
export interface PackRun<R> {
  readonly end: RequestEnd
  /** As the API counted; `undefined` where the answer broke off before it did. */
  readonly usage: Usage | undefined
  /** Whether the answer had begun, so that its prompt was paid for. */
  readonly hasBegun: boolean
  /** UTF-8 bytes of the user message. */
  readonly promptBytes: number
  /** Characters of the answer's text. */
  readonly answerLength: number
  /** Elements that closed. */
  readonly elements: number
  /** Characters of the answer by what they were good for; `unfinished` stood in no closed element. */
  readonly characters: Readonly<Record<Verdict<unknown, unknown>['kind'] | 'unfinished', number>>
  /** The records that were not settled, and where they stood. */
  readonly unsettled: readonly { readonly entry: Entry<R>; readonly info: PackInfo }[]
}

/** What is done with the elements of an answer while it is still being written. */
export interface PackListener<R, T> {
  /** A record was settled. Reading waits for the promise, if there is one. */
  onFulfilled: (outcome: Fulfilled<R, T>) => Promise<void> | undefined
  /** An element settled nothing. */
  onFault: (kind: 'invalid' | 'repeated' | 'unknown') => void
}

/** Sends a pack and settles its records one by one, as their elements close. Never throws. */
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
  let answerLength = 0
  let elements = 0
  let hasBegun = false
  let responseId: string | undefined
  const info = (position: number): PackInfo => ({ request, responseId, position, size: pack.length })

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
  let usage: Usage | undefined
  try {
    const body = chatRequest(model, system, user, format.jsonSchema, maxOutputTokens, options.request)
    // Retries are decided by the recovery table: the SDK's own cannot know what is settled already.
    const stream = await client.chat.completions.create(body, { signal, maxRetries: 0 })
    const answer = await readChat(stream, {
      onStart: (id) => {
        hasBegun = true
        responseId = id
      },
      onText: (text) => {
        answerLength += text.length
        characters.unfinished += text.length
        const closed = parser.write(text)
        return closed.length > 0 ? settle(closed) : undefined
      },
    })
    usage = answer.usage
    end = endOfAnswer(answer, !parser.failed)
  } catch (error) {
    end = endOfError(error)
  }
  const unsettled = Array.from(settlement.unsettled, ([position, entry]) => ({ entry, info: info(position) }))
  const promptBytes = Buffer.byteLength(user)
  return { end, usage, hasBegun, promptBytes, answerLength, elements, characters, unsettled }
}
