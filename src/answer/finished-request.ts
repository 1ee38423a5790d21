import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import type { PackInfo } from '../record/outcome.ts'
import type { RequestEnd } from './request-end.ts'
import type { Verdict } from './settlement.ts'

/** The result of one request. */
export interface FinishedRequest<R> {
  readonly end: RequestEnd
  /** Tokens as the API counted them. `undefined` if the API did not report them. */
  readonly usage: Usage | undefined
  /** Whether tokens of the answer came after that count. */
  readonly isUsageEarly: boolean
  /** Whether the answer had begun. Then the provider charges for the prompt. */
  readonly hasBegun: boolean
  /** Time from sending to the first token of the answer, in ms. `undefined` if no token came. */
  readonly firstToken: number | undefined
  /** Number of events with text of the answer, and with reasoning. Usually an event is a token. */
  readonly events: { readonly text: number; readonly thought: number }
  /** The API's id of the answer. */
  readonly responseId: string | undefined
  /** Number of elements that closed. */
  readonly elements: number
  /**
   * Number of characters of the answer, by the verdict on their element. `unfinished` counts the
   * characters outside closed elements. The sum is the whole answer.
   */
  readonly characters: Readonly<Record<Verdict<unknown, unknown>['kind'] | 'unfinished', number>>
  /** Whether an id came that was not asked, or that had come before. */
  readonly hasStrayId: boolean
  /** Whether elements came in another form than the request asked for. */
  readonly isWrapped: boolean
  /** The beginning of the answer's text. */
  readonly raw: string
  /** The records that the request did not settle, with their positions in it. */
  readonly unsettled: readonly Unsettled<R>[]
}

/** A record that a request carried and did not settle. */
export interface Unsettled<R> {
  readonly entry: Entry<R>
  readonly info: PackInfo
}

/** Whether an end shows that the server accepts requests like this one. */
export function isAccepted({ end, elements }: Pick<FinishedRequest<unknown>, 'end' | 'elements'>): boolean {
  if (elements > 0 || end.kind === 'complete' || end.kind === 'length' || end.kind === 'refusal') return true
  return end.kind === 'content_filter' && end.error === undefined
}
