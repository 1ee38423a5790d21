import { backoff } from '../base/backoff.ts'
import type { Entry } from '../record/entry.ts'
import { RecordError, type RecordErrorCode } from '../record/errors.ts'
import type { PackInfo } from '../record/outcome.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import { LONGEST_TIMER_MS } from '../base/timer-limit.ts'

/**
 * How long the slot of a failed request rests before its records may be sent again, in ms. Rate limits pause all: see the
 * limiter.
 *
 * @param failures How many requests that carried the records have failed so.
 */
export function pauseAfter(end: RequestEnd, failures: number, random: () => number = Math.random): number {
  if (end.kind !== 'failure') return 0
  if (end.retryAfter !== undefined) return Math.min(end.retryAfter, LONGEST_TIMER_MS)
  return backoff(failures, random)
}

/**
 * What becomes of a record that a finished request did not settle: an error that rejects it, or `undefined` after
 * noting on the entry how it may travel next.
 *
 * Every re-send spends an attempt, follows a settled neighbour, shrinks the pack, or waits for a rate limit; what may be
 * sent with a larger cap, or without one, may be so once. So it ends.
 *
 * @param settled How many records of the pack the request settled.
 */
export function recover(
  entry: Entry<unknown>,
  end: RequestEnd,
  { request, size }: Pick<PackInfo, 'request' | 'size'>,
  settled: number,
): RecordError | undefined {
  const isAlone = size === 1
  // Where there was an answer, it was not refused.
  if (end.kind === 'complete' || end.kind === 'length') entry.group = undefined
  switch (end.kind) {
    // Nothing was tried: they go again as they were.
    case 'rate_limit':
    case 'cap_refused':
      entry.attempts -= 1
      entry.group ??= request
      return undefined

    // One of the records is guilty. Those that are left are halved, among themselves, until it stands alone.
    case 'refusal':
    case 'content_filter':
    case 'context':
    case 'bad_record':
    case 'too_large':
      if (isAlone) return reasonFor(entry, end)
      entry.group = request
      entry.maxCompany = Math.ceil((size - settled) / 2)
      return undefined

    case 'length':
      if (isAlone) {
        if ((end.isFinal && end.isChosen) || entry.needsMaxCap) return reasonFor(entry, end)
        entry.needsMaxCap = true
        entry.maxCompany = 1
        return undefined
      }
      if (settled === 0) entry.attemptsLeft -= 1
      break

    case 'complete':
    case 'failure':
    case 'fatal':
      entry.attemptsLeft -= 1
  }
  if (entry.attemptsLeft <= 0) return reasonFor(entry, end)

  // What fails for the first time is no fault of its records: together again.
  if (end.kind === 'failure') {
    entry.failures += 1
    if (entry.failures === 1) return undefined
  }
  // Otherwise half as many, and where there is no larger cap, no more than fitted under this one. The last attempt is
  // alone, so that no neighbour can spoil it.
  entry.maxCompany = Math.ceil(size / 2)
  if (end.kind === 'length' && end.isFinal && settled > 0)
    entry.maxCompany = Math.min(entry.maxCompany, settled)
  if (entry.attemptsLeft === 1) entry.maxCompany = 1
  return undefined
}

function reasonFor(entry: Entry<unknown>, end: RequestEnd): RecordError {
  const reason = (code: RecordErrorCode, message: string, cause?: unknown) =>
    new RecordError(code, message, { cause })
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
        'The record alone, with its instructions, is longer than the model can read',
        end.error,
      )
    case 'bad_record':
      return reason('request_failed', 'The API refuses the request with this record alone', end.error)
    case 'too_large':
      return reason('request_failed', 'The record alone needs more tokens than the rate limit has', end.error)
    case 'complete':
      return entry.invalid ?? reason('missing_result', 'No answer held an element with the id of this record')
    case 'rate_limit':
    case 'cap_refused':
    case 'failure':
    case 'fatal':
      return reason('request_failed', `The request failed, on attempt ${entry.attempts}`, end.error)
  }
}
