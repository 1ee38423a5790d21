import { AnswerReader } from '../answer/answer-reader.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import { endOfError, wordsOf } from '../answer/error-end.ts'
import { endOfAnswer, failure, type RequestEnd } from '../answer/request-end.ts'
import { scrub } from '../answer/scrub.ts'
import type { Verdict } from '../answer/settlement.ts'
import { emptyAnswer } from '../api/answer.ts'
import { hintOf, opened, secretsOf } from '../api/client.ts'
import type { OpenedAnswer } from '../api/events.ts'
import type { RequestForms } from '../api/request-form.ts'
import { LONGEST_TIMER_MS } from '../base/timer-limit.ts'
import type { Departure } from '../engine/departure.ts'
import type { AnyHeaders } from '../limits/rate-headers.ts'
import type { Resolved } from '../options/options.ts'
import { textsOf, type Entry } from '../record/entry.ts'
import type { Fulfilled, PackInfo } from '../record/outcome.ts'
import { withSchema } from '../request/prompt.ts'
import { Deadlines } from './deadlines.ts'
import { Interruptible } from './interruptible.ts'

/** Time by which the SDK's deadline is later. The stream's own deadline names the option. */
const SDK_MARGIN_MS = 1_000

/** Statuses of a failure that may be the refusal of a field. */
const REFUSING = new Set<number | undefined>([400, 422, 500, 501])

/** The events of a request, in this order: accepted, elements (any number of times), ended. */
export type RequestEvent<R, T> =
  /** The server has accepted the request. `headers` is present if the client passes them on. */
  | { readonly kind: 'accepted'; readonly headers: AnyHeaders | undefined }
  /** Elements have closed. Each settles its record when the caller takes it, not earlier. */
  | { readonly kind: 'elements'; readonly elements: Iterable<ClosedElement<R, T>> }
  | { readonly kind: 'ended'; readonly finished: FinishedRequest<R> }

/** The result of one element. */
export type ClosedElement<R, T> =
  /** The element has settled a record. */
  | {
      readonly kind: 'fulfilled'
      readonly entry: Entry<R>
      readonly outcome: Fulfilled<R, T>
      /** The value as the model wrote it, before the schema's transforms. */
      readonly result: unknown
    }
  /** The element has settled no record. */
  | { readonly kind: 'invalid' | 'repeated' | 'unknown' }

/**
 * Sends a request and yields its events, each element as soon as it closes. The caller's time
 * between two events counts against no deadline.
 *
 * The last event holds the failures of the API and the network; the function does not throw them.
 * When `abort` is aborted, the function ends, even if the client does not.
 */
export async function* runRequest<R, T>(
  options: Resolved<R, T>,
  { request, pack, user, cap }: Departure<R>,
  forms: RequestForms,
  abort: AbortController,
): AsyncGenerator<RequestEvent<R, T>> {
  const { api, client, model, system, format, timeouts, maxOutputTokens, examples } = options
  const { signal } = abort
  const form = forms.now
  const asked = { cap, maxCap: maxOutputTokens, hint: hintOf(client) }
  const answer = emptyAnswer()
  const reader = new AnswerReader<R, T>(pack, examples, format)
  const events = { text: 0, thought: 0 }
  /** Number of events with a token, up to the last usage. */
  let tokensAtUsage = 0
  const infoAt = (position: number): PackInfo => {
    return { request, responseId: answer.responseId, position, size: pack.length }
  }
  const interruptible = new Interruptible(signal)
  const deadlines = new Deadlines(timeouts, (error) => {
    abort.abort(error)
  })
  let opening: Promise<OpenedAnswer> | undefined
  let end: RequestEnd
  try {
    // A subscriber of `request:start` may have destroyed the stream.
    signal.throwIfAborted()
    const { firstTokenTimeout, requestTimeout } = timeouts
    const timeout =
      Math.min(firstTokenTimeout, requestTimeout, LONGEST_TIMER_MS - SDK_MARGIN_MS) + SDK_MARGIN_MS
    const { jsonSchema } = format
    const prompt = {
      ...{ model, user, jsonSchema, maxOutputTokens: cap, form },
      system: form.output === 'json_schema' ? system : withSchema(system, jsonSchema),
    }
    // No retries by the SDK, because the SDK does not know which records have settled.
    const sent = api.send(client, prompt, options.request, { signal, maxRetries: 0, timeout })
    opening = opened(sent)
    const open = await interruptible.wait(opening)
    const close = (): void => {
      open.close()
    }
    // Then no step needs a race with the signal, which costs as much as reading a small event.
    if (open.endsWhenClosed) signal.addEventListener('abort', close)
    deadlines.pause()
    yield { kind: 'accepted', headers: open.headers }
    deadlines.resume()
    for (;;) {
      const came = await (open.endsWhenClosed ? open.next() : interruptible.wait(open.next()))
      signal.throwIfAborted()
      if (!came) break
      for (const event of came) {
        if (!answer.hasBegun) forms.accepted(form)
        answer.hasBegun = true
        const { usage } = answer
        const text = api.read(event, answer)
        if (answer.hasToken) {
          events[text === '' ? 'thought' : 'text'] += 1
          deadlines.progress()
        }
        if (answer.usage !== usage) tokensAtUsage = events.text + events.thought
        const isUsageLast = answer.usage && tokensAtUsage === events.text + events.thought
        if (isUsageLast && answer.finishReason !== undefined) deadlines.finish()
        if (reader.write(text)) {
          deadlines.pause()
          yield { kind: 'elements', elements: closedElements(reader.settle(), infoAt) }
          deadlines.resume()
          if (signal.aborted) throw signal.reason
        }
        if (reader.useless) throw reader.useless
      }
    }
    end = answer.hasBegun
      ? endOfAnswer(answer, reader.json, asked, events.thought > 0)
      : failure('not_a_stream', `Expected a stream of events, got ${open.got}${asked.hint}`)
  } catch (error) {
    // Each text is a secret of its own too, because `scrub` finds a short secret only as a whole.
    const secrets = () => [user, system, ...secretsOf(client), ...textsOf(pack)]
    const thrown: unknown = signal.aborted ? signal.reason : error
    end = endOfError(thrown, asked, (message) => scrub(message, secrets()))
    const words = wordsOf(thrown)
    if (end.kind === 'refused_request' || end.kind === 'cap_refused') {
      if (forms.refused(form, words, cap !== undefined)) end = { kind: 'form_refused', error: end.error }
    } else if (end.kind === 'failure' && !answer.hasBegun && words !== undefined) {
      // Some servers refuse a field as if they had failed, or inside the answer.
      const { error } = end
      if (REFUSING.has(error.status) && forms.refused(form, words, cap !== undefined)) {
        end = { kind: 'form_refused', error }
      }
    }
  } finally {
    deadlines.stop()
    // Also an answer that comes too late is closed. The request does not wait for it.
    opening?.then(
      (open) => {
        open.close()
      },
      () => undefined,
    )
  }
  // An answer with a finish reason or a refusal keeps that end, also if the connection fails later.
  if (answer.finishReason !== undefined || answer.refusal !== undefined) {
    end = endOfAnswer(answer, reader.json, asked, events.thought > 0)
  }
  const last = [...reader.end(end.kind === 'complete' && !signal.aborted)]
  if (last.length > 0) yield { kind: 'elements', elements: closedElements(last, infoAt) }
  if (reader.useless?.code === 'stray_id') end = { kind: 'stray', error: reader.useless }
  const { usage, hasBegun, responseId } = answer
  const { elements, characters, hasStrayId, isWrapped, raw } = reader
  const unsettled = Array.from(reader.unsettled, ([position, entry]) => ({ entry, info: infoAt(position) }))
  const finished = {
    isUsageEarly: tokensAtUsage < events.text + events.thought,
    ...{ end, usage, hasBegun, responseId, firstToken: deadlines.firstToken },
    ...{ events, elements, characters, hasStrayId, isWrapped, raw, unsettled },
  }
  yield { kind: 'ended', finished }
}

function* closedElements<R, T>(
  verdicts: Iterable<Verdict<R, T>>,
  infoAt: (position: number) => PackInfo,
): Generator<ClosedElement<R, T>> {
  for (const verdict of verdicts) {
    if (verdict.kind === 'fulfilled') {
      const { kind, entry, position, value, result } = verdict
      const { index, record, attempts } = entry
      const outcome = { status: kind, index, record, value, attempts, pack: infoAt(position) }
      yield { kind, entry, outcome, result }
    } else {
      yield verdict
    }
  }
}
