import type { Encoding } from '../../exact-tokens.ts'
import type { Pricing } from '../../index.ts'
import type { Price } from '../task/price.ts'
import type { Ways } from '../ways/ways.ts'
import type { InFlight } from './in-flight.ts'
import type { Records } from '../estimate/input.ts'
import type { Checks } from './checks.ts'
import type { FixedPrompt } from '../estimate/plain-request.ts'
import type { ResultTokens } from '../estimate/results.ts'
import type { PlanRow } from '../estimate/row.ts'
import type { Pace } from '../estimate/server-model.ts'

/** The requests, tokens, cost and time of a run. JSON. */
export interface Plan {
  readonly model: string
  readonly encoding: Encoding
  /**
   * Whether the stream counts by `encoding` as well. Otherwise it packs by an estimate that
   * corrects itself.
   */
  readonly isCounted: boolean
  readonly records: Records
  /** Whether each text is asked only once. */
  readonly keepsResults: boolean
  /** Input tokens of all records, in packs and alone. */
  readonly tokens: { readonly packed: number; readonly plain: number }
  /** The fields that stand once in each packed request. */
  readonly hoist: readonly string[]
  /** The part of the prompt that is the same in each request. */
  readonly prompts: { readonly packed: FixedPrompt; readonly plain: FixedPrompt }
  readonly results: ResultTokens
  readonly pace: Pace
  readonly pricing: Pricing | undefined
  /** Where `pricing` comes from, or why there is none. */
  readonly price: Price | undefined
  /** Number of requests behind the figures of an earlier run. */
  readonly measuredRequests: number | undefined
  /** Records in each of them, on average. */
  readonly measuredPackRecords: number | undefined
  readonly limits: {
    readonly maxInFlight: number
    readonly maxPackTokens: number
    readonly maxPackRecords: number
    readonly maxOutputTokens: number | undefined
    /** Number of records whose results fit under `maxOutputTokens`. `undefined`: any number. */
    readonly recordsUnderCap: number | undefined
    readonly requestsPerMinute: number | undefined
    readonly tokensPerMinute: number | undefined
    readonly contextTokens: number | undefined
    /**
     * The smallest pack size with a pack that does not fit into the context. `undefined`: all packs
     * fit.
     */
    readonly overContextFrom: number | undefined
  }
  /** The sizes that the plan shows, the chosen size among them. Empty: there is no record. */
  readonly rows: readonly PlanRow[]
  /**
   * `undefined`: there is no record, or `tokensPerMinute` or `contextTokens` leaves no possible
   * size.
   */
  readonly chosen: Chosen | undefined
  /** What votes and an audit take. `undefined`: there are none, or there is no choice. */
  readonly checks: Checks | undefined
  /** The same job in other ways. `undefined`: there is no choice. */
  readonly ways: Ways | undefined
}

export interface Chosen {
  /** The value for `maxPackRecords`. 1: do not pack. */
  readonly size: number
  readonly boundBy: PlanRow['boundBy']
  readonly why: string
  /** `undefined`: plain requests are chosen. */
  readonly inFlight: InFlight | undefined
}
