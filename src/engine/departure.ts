import type { Permit } from '../limits/rate-limiter.ts'
import type { Entry } from '../record/entry.ts'
import type { PackStreamErrorCode } from '../record/errors.ts'

/** A request that the stream has to send. */
export interface Departure<R> {
  /** Number of the request within the stream, from 1. */
  readonly request: number
  readonly pack: readonly Entry<R>[]
  /** The user message: the records in their tags. */
  readonly user: string
  /** Output cap of the request. `undefined` if the request has no cap. */
  readonly cap: number | undefined
  /** Whether its records were sent before. */
  readonly isRetry: boolean
  /** The rate limiter's permit. The engine ends it. */
  readonly permit: Permit
  /** Highest cost of the request, in US dollars. 0 without a spending cap. */
  readonly cost: number
}

/** The reason why the engine sends no more requests. */
export interface Stop {
  readonly code: PackStreamErrorCode
  readonly message: string
}
