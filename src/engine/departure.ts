import type { Permit } from '../limits/rate-limiter.ts'
import type { Entry } from '../record/entry.ts'
import type { PackStreamErrorCode } from '../record/errors.ts'

/** One request that leaves. */
export interface Departure<R> {
  /** Number of the request within the stream, from 1. */
  readonly request: number
  readonly pack: readonly Entry<R>[]
  /** The user message: the records in their tags. */
  readonly user: string
  /** Cap on the answer's tokens. `undefined`: the request sends no cap. */
  readonly cap: number | undefined
  /** Whether the server has accepted such requests before. */
  readonly isProven: boolean
  /** Whether its records were sent before. */
  readonly isRetry: boolean
  /** The rate limiter's leave. The engine ends it. */
  readonly permit: Permit
  /** The most that the request may cost, in US dollars. 0 without a spending cap. */
  readonly cost: number
}

/** Why the engine sends nothing more. */
export interface Stop {
  readonly code: PackStreamErrorCode
  readonly message: string
}
