import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import type { PackInfo } from '../record/outcome.ts'
import type { RequestEnd } from './request-end.ts'
import type { Verdict } from './settlement.ts'

/** What one request came to. */
export interface FinishedRequest<R> {
  readonly end: RequestEnd
  /** Tokens as the API counted them. `undefined`: the answer broke off before the API told. */
  readonly usage: Usage | undefined
  /** Whether the answer had begun, so that its prompt was paid for. */
  readonly hasBegun: boolean
  /** Milliseconds from sending to the first token of the answer. `undefined`: no token came. */
  readonly firstToken: number | undefined
  /** Events with text of the answer, and events with other tokens. Mostly an event is a token. */
  readonly events: { readonly text: number; readonly thought: number }
  /** The API's id of the answer. */
  readonly responseId: string | undefined
  /** Elements that closed. */
  readonly elements: number
  /** Characters of the answer by their use. `unfinished`: in no closed element. The sum is all. */
  readonly characters: Readonly<Record<Verdict<unknown, unknown>['kind'] | 'unfinished', number>>
  /** The records that the request did not settle, and where they stood. */
  readonly unsettled: readonly Unsettled<R>[]
}

/** A record that a request carried and did not settle. */
export interface Unsettled<R> {
  readonly entry: Entry<R>
  readonly info: PackInfo
}
