import { channel } from 'node:diagnostics_channel'
import type { Downgrade } from '../api/request-form.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import type { AuditStage, Waiting, WasteCause } from './stats.ts'

/** The stream has sent a request. */
export interface RequestStartEvent {
  /**
   * The stream that published the event. Not enumerable in all events: the stream buffers records,
   * and no logger should print them.
   */
  readonly stream: object
  /** Number of the request within the stream, from 1. */
  readonly request: number
  readonly api: 'chat' | 'responses'
  readonly model: string
  /** Number of records in the request. */
  readonly records: number
  readonly isRetry: boolean
  /** Whether this is a question of the audit. */
  readonly isAudit: boolean
  /** Whether this is a question of the second step, from `escalate`. */
  readonly isEscalated: boolean
  readonly maxOutputTokens: number | undefined
}

/** A request has ended, with or without success. */
export interface RequestEndEvent {
  readonly stream: object
  readonly request: number
  readonly responseId: string | undefined
  /**
   * `complete`, or the kind of problem: `length`, `refusal`, `content_filter`, `context`,
   * `rate_limit`, `failure`, `fatal`, and others.
   */
  readonly end: string
  /**
   * Code of the `RequestError`, and the HTTP status and request id of the server's answer.
   * `undefined` without an error.
   */
  readonly error: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** Records that the request settled, and records that it left unsettled. */
  readonly settled: number
  readonly unsettled: number
  /** Usage that the API reported; `undefined` if it reported none. */
  readonly usage:
    | { readonly input: number; readonly cached: number; readonly output: number; readonly reasoning: number }
    | undefined
  /**
   * Time from sending to the first token of the answer, in ms. A reasoning token counts too.
   * `undefined` if no token came.
   */
  readonly firstToken: number | undefined
  /** Time from sending to the end, in ms. */
  readonly duration: number
}

/** An element of an answer has closed. */
export interface ElementEvent {
  readonly stream: object
  readonly request: number
  readonly kind: 'fulfilled' | Extract<WasteCause, 'invalid' | 'repeated' | 'unknown'>
  /**
   * Position in the input, from 0, of the record that the element settled. An answer for the audit
   * settles no record.
   */
  readonly index: number | undefined
}

/** A record has got its outcome. */
export interface OutcomeEvent {
  readonly stream: object
  readonly index: number
  readonly status: 'fulfilled' | 'rejected'
  /** Code of the `RecordError` if the record was rejected. */
  readonly code: string | undefined
  readonly attempts: number
}

/**
 * A pause has begun, or lasts longer than an earlier event said. The stream sends no request until
 * its end, although records wait to be sent.
 */
export interface WaitingEvent extends Waiting {
  readonly stream: object
}

/**
 * The server behaves in another way than the stream asked for, or packing changes too many answers.
 * The stream goes on; each notice comes once.
 */
export interface NoticeEvent {
  readonly stream: object
  /**
   * `downgrade`: the server refuses a field of the request, and takes a weaker form. `wrapped`: an
   * answer has another form than the request asked for, and is read nevertheless. `audit`: packing
   * changes more answers than `audit.margin`; with `audit.guard`, packs become smaller.
   */
  readonly kind: 'downgrade' | 'wrapped' | 'audit'
  /** What happened, and what the stream does about it. */
  readonly message: string
}

interface Events {
  'request:start': RequestStartEvent
  'request:end': RequestEndEvent
  element: ElementEvent
  outcome: OutcomeEvent
  waiting: WaitingEvent
  notice: NoticeEvent
}

const channels = {
  'request:start': channel('llm-pack-stream:request:start'),
  'request:end': channel('llm-pack-stream:request:end'),
  element: channel('llm-pack-stream:element'),
  outcome: channel('llm-pack-stream:outcome'),
  waiting: channel('llm-pack-stream:waiting'),
  notice: channel('llm-pack-stream:notice'),
}

/**
 * Publishes an event on `node:diagnostics_channel`. Events hold ids, codes and counts, and never
 * text. Without a subscriber, the event is not made.
 */
export function publish<K extends keyof Events>(
  name: K,
  stream: object,
  event: () => Omit<Events[K], 'stream'>,
): void {
  if (!channels[name].hasSubscribers) return
  channels[name].publish(Object.defineProperty(event(), 'stream', { value: stream }))
}

/** What a stream does from now on, by the field in its weaker form. */
const INSTEAD: Readonly<Record<string, string>> = {
  json_object: 'The stream asks for `json_object`, and its schema stands in the prompt.',
  text: 'The stream asks for text, and its schema stands in the prompt.',
  max_tokens: 'The stream sends `max_tokens`.',
  none: 'The stream does not ask for the usage, so tokens may be estimates.',
}

export function downgradeNotice({ from, to }: Downgrade): Omit<NoticeEvent, 'stream'> {
  return { kind: 'downgrade', message: `The server refuses \`${from}\`. ${INSTEAD[to]}` }
}

export const WRAPPED_NOTICE: Omit<NoticeEvent, 'stream'> = {
  kind: 'wrapped',
  message:
    'The server does not keep its answers to the schema. The stream reads the results in them nevertheless.',
}

/** @param packRecords Number of records in a pack from now on. `undefined`: as before. */
export function auditNotice(
  { records, disagreement = 0, noise = 0, interval }: AuditStage,
  margin: number,
  packRecords: number | undefined,
): Omit<NoticeEvent, 'stream'> {
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`
  const found = `Packing changes ${percent(disagreement - noise)} of the answers beyond noise, and at least ${percent(interval.low)}`
  const than = `in ${records} audited records. \`audit.margin\` is ${percent(margin)}.`
  const then =
    packRecords === undefined
      ? 'Make the packs smaller (`maxPackRecords`), or set `audit.guard`.'
      : `From now on, a pack has at most ${packRecords} ${packRecords === 1 ? 'record' : 'records'}.`
  return { kind: 'audit', message: `${found}, ${than} ${then}` }
}

/**
 * Makes the event for the end of a request. `records` is the number of records in it; `duration` is
 * in ms.
 */
export function endEvent(
  request: number,
  { end, usage, unsettled, responseId, firstToken }: FinishedRequest<unknown>,
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
