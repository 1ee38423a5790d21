import { channel } from 'node:diagnostics_channel'
import type { PackRun } from '../answer/finished-request.ts'
import type { WasteCause } from './stats.ts'

/** A request leaves. */
export interface RequestStartEvent {
  /** The stream, to tell several apart. Not enumerable, as in all of these: it buffers records, which no logger should print. */
  readonly stream: object
  /** Number of the request within the stream, from 1. */
  readonly request: number
  readonly api: 'chat' | 'responses'
  readonly model: string
  /** Records in it. */
  readonly records: number
  readonly isRetry: boolean
  readonly maxOutputTokens: number | undefined
}

/** A request has ended, in whatever way. */
export interface RequestEndEvent {
  readonly stream: object
  readonly request: number
  readonly responseId: string | undefined
  /** `complete`, or what was wrong: `length`, `refusal`, `content_filter`, `context`, `rate_limit`, `failure`, `fatal`, … */
  readonly end: string
  /** Code of the `RequestError`, where there was one, and what it says of the server's answer. */
  readonly error: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** Records it settled, and records it left. */
  readonly settled: number
  readonly unsettled: number
  /** As the API counted; `undefined` where it did not. */
  readonly usage:
    | { readonly input: number; readonly cached: number; readonly output: number; readonly reasoning: number }
    | undefined
  /** Milliseconds from sending to the first token of the answer, be it only of a thought; `undefined` where none came. */
  readonly firstToken: number | undefined
  /** Milliseconds. */
  readonly duration: number
}

/** An element of an answer has closed. */
export interface ElementEvent {
  readonly stream: object
  readonly request: number
  readonly kind: 'fulfilled' | Extract<WasteCause, 'invalid' | 'repeated' | 'unknown'>
  /** Of the record that it settled: its position in the input, from 0. */
  readonly index: number | undefined
}

/** A record has its outcome. */
export interface OutcomeEvent {
  readonly stream: object
  readonly index: number
  readonly status: 'fulfilled' | 'rejected'
  /** Code of the `RecordError` of a rejected one. */
  readonly code: string | undefined
  readonly attempts: number
}

interface Events {
  'request:start': RequestStartEvent
  'request:end': RequestEndEvent
  element: ElementEvent
  outcome: OutcomeEvent
}

const channels = {
  'request:start': channel('llm-pack-stream:request:start'),
  'request:end': channel('llm-pack-stream:request:end'),
  element: channel('llm-pack-stream:element'),
  outcome: channel('llm-pack-stream:outcome'),
}

/** Tells `node:diagnostics_channel`: ids, codes and counts, never a text. Costs nothing while nobody listens. */
export function publish<K extends keyof Events>(
  name: K,
  stream: object,
  event: () => Omit<Events[K], 'stream'>,
): void {
  if (!channels[name].hasSubscribers) return
  channels[name].publish(Object.defineProperty(event(), 'stream', { value: stream }))
}

/** What is told of a request that has ended. `records` and `duration` (in ms) are the request's. */
export function endEvent(
  request: number,
  { end, usage, unsettled, responseId, firstToken }: PackRun<unknown>,
  records: number,
  duration: number,
): Omit<RequestEndEvent, 'stream'> {
  const error = 'error' in end ? end.error : undefined
  return {
    ...{ request, responseId, end: end.kind, usage },
    ...{ error: error?.code, status: error?.status, requestId: error?.requestId },
    ...{ settled: records - unsettled.length, unsettled: unsettled.length, firstToken, duration },
  }
}
