import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import type { PackInfo } from '../record/outcome.ts'
import type { RequestEnd } from './request-end.ts'
import type { Verdict } from './settlement.ts'

/** One request that has ended, in whatever way. */
export interface PackRun<R> {
  readonly end: RequestEnd
  /** As the API counted; `undefined` where the answer broke off before it did. */
  readonly usage: Usage | undefined
  /** Whether the answer had begun, so that its prompt was paid for. */
  readonly hasBegun: boolean
  /** Milliseconds from sending to the first token of the answer; `undefined` where none came. */
  readonly firstToken: number | undefined
  /** Events that held text of the answer, or something else that the model had written: mostly one a token. */
  readonly events: { readonly text: number; readonly thought: number }
  /** The API's id of the answer. */
  readonly responseId: string | undefined
  /** Elements that closed. */
  readonly elements: number
  /** Characters of the answer, by what they were good for; `unfinished` stood in no closed element. Together: all of them. */
  readonly characters: Readonly<Record<Verdict<unknown, unknown>['kind'] | 'unfinished', number>>
  /** The records that were not settled, and where they stood. */
  readonly unsettled: readonly { readonly entry: Entry<R>; readonly info: PackInfo }[]
}
