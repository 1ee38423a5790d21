import { backoff, LONGEST_PAUSE_MS } from '../base/backoff.ts'
import type { Entry } from '../record/entry.ts'
import { RecordError, type RecordErrorCode, type RequestError } from '../record/errors.ts'
import type { PackInfo } from '../record/outcome.ts'
import type { RequestEnd } from '../answer/request-end.ts'

/**
 * Time for which the slot of a failed request rests before its records may be sent again, in ms.
 * After a rate limit the slot does not rest, because the limiter pauses all requests. No slot rests
 * for longer than the limiter would pause when the server is down.
 *
 * @param failures Number of requests in which the records have failed in this way.
 */
export function pauseAfter(end: RequestEnd, failures: number, random: () => number = Math.random): number {
  if (end.kind !== 'failure') return 0
  if (end.retryAfter !== undefined) return Math.min(end.retryAfter, LONGEST_PAUSE_MS)
  return backoff(failures, random)
}

/**
 * Decides about a record that a finished request did not settle. Returns the error that rejects the
 * record, or `undefined` if the record is sent again. Then the entry says how.
 *
 * No record is sent forever. Each time, the record loses an attempt, the request settles another
 * record, the pack becomes smaller, or a rate limit makes all requests wait. A record is sent once
 * with the largest cap. A record
 * gets no second cap that the stream made, after the first was refused.
 *
 * @param settled Number of records of the pack that the request settled.
 * @param raw The beginning of the answer.
 */
export function recover(
  entry: Entry<unknown>,
  end: RequestEnd,
  { request, size }: Pick<PackInfo, 'request' | 'size'>,
  settled: number,
  raw = '',
): RecordError | undefined {
  const isAlone = size === 1
  // The server accepted the request, so the search for a guilty record is over.
  if (end.kind === 'complete' || end.kind === 'length' || end.kind === 'stray') entry.group = undefined
  switch (end.kind) {
    // The model did not try the records. They are sent again together, without a cap that the
    // server refuses.
    case 'cap_refused':
      if (entry.needsNoCap) {
        entry.attemptsLeft -= 1
        break
      }
      entry.needsNoCap = true
      entry.attempts -= 1
      entry.group ??= request
      return undefined

    case 'rate_limit':
    case 'form_refused':
      entry.attempts -= 1
      entry.group ??= request
      return undefined

    // One of the records is guilty. The unsettled records are halved until that record is alone.
    case 'refusal':
    case 'content_filter':
    case 'context':
    case 'refused_request':
    case 'too_large':
      if (isAlone) return reasonFor(entry, end, raw)
      entry.group = request
      entry.maxCompany = Math.ceil((size - settled) / 2)
      return undefined

    case 'length':
      if (isAlone) {
        if ((end.isFinal && end.isChosen) || entry.needsMaxCap) return reasonFor(entry, end, raw)
        entry.needsMaxCap = true
        entry.maxCompany = 1
        return undefined
      }
      if (settled === 0) entry.attemptsLeft -= 1
      break

    case 'complete':
    case 'stray':
    case 'failure':
    case 'fatal':
      entry.attemptsLeft -= 1
  }
  if (entry.attemptsLeft <= 0) return reasonFor(entry, end, raw)

  // A first failure is probably not caused by the records. They may be sent together again.
  if (end.kind === 'failure' || end.kind === 'stray') {
    entry.failures += 1
    if (entry.failures === 1) return undefined
  }
  // The next pack is half as large. If there is no larger cap, it has at most as many records as
  // were settled under this cap. In its last attempt the record is alone, so that no other record
  // can spoil the attempt.
  entry.maxCompany = Math.ceil(size / 2)
  if (end.kind === 'length' && end.isFinal && settled > 0)
    entry.maxCompany = Math.min(entry.maxCompany, settled)
  if (entry.attemptsLeft === 1) entry.maxCompany = 1
  return undefined
}

function reasonFor(entry: Entry<unknown>, end: RequestEnd, raw: string): RecordError {
  const isQuoted = end.kind === 'complete' || end.kind === 'stray' || isNotJson(end)
  const reason = (code: RecordErrorCode, message: string, cause?: RequestError) =>
    new RecordError(code, message, { cause, ...(isQuoted ? { raw } : {}) })
  switch (end.kind) {
    case 'length':
      return reason(
        'answer_truncated',
        'The answer was cut at the output cap before this record had its result',
      )
    case 'refusal':
      return new RecordError('refused', 'The model refused to answer for this record alone', {
        ...(end.refusal === undefined ? {} : { refusal: end.refusal }),
      })
    case 'content_filter':
      return reason(
        'content_filtered',
        'The content filter stopped the answer for this record alone',
        end.error,
      )
    case 'context':
      return reason(
        'context_length_exceeded',
        'The record alone, with the instructions, is longer than the context of the model',
        end.error,
      )
    case 'refused_request':
      return reason('request_failed', 'The API refuses the request with this record alone', end.error)
    case 'too_large':
      return reason(
        'request_failed',
        'The record alone needs more tokens than the rate limit allows',
        end.error,
      )
    case 'complete':
    case 'stray': {
      const cause = 'error' in end ? end.error : undefined
      return (
        entry.invalid ??
        reason('missing_result', 'No answer had an element with the id of this record', cause)
      )
    }
    case 'rate_limit':
    case 'cap_refused':
    case 'form_refused':
    case 'failure':
    case 'fatal':
      return reason('request_failed', `The request failed on attempt ${entry.attempts}`, end.error)
  }
}

function isNotJson(end: RequestEnd): boolean {
  return end.kind === 'failure' && end.error.code === 'not_json'
}
