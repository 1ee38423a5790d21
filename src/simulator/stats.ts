import { type FaultName, noFaults } from './faults/kinds.ts'
import { emptyQuality, type QualityStats } from './quality/stats.ts'

/** Counts of a simulator since its start. */
export type SimulatorStats = {
  /** Requests to either API that arrived completely, with any result. */
  requests: number
  /** Requests that were answered as a stream. Included in `requests`. */
  streamed: number
  /** Answers that were written up to a finish reason of any kind. */
  completed: number
  /** Requests that were refused with status 429. */
  rateLimited: number
  /**
   * Tokens that accepted requests were charged against the limit per minute, also without a limit.
   */
  chargedTokens: number
  /** Answers that were not finished because the client closed the connection. */
  aborted: number
  /** Prompt tokens of all answers, including cached tokens. */
  inputTokens: number
  /** Prompt tokens that were in the prompt cache. */
  cachedTokens: number
  /** Tokens that were written, including tokens of aborted answers. */
  outputTokens: number
  /** Answers that are being written now. */
  inFlight: number
  /** Largest number of answers that were written at the same time. */
  maxInFlight: number
  /**
   * Faults by kind. A fault counts when its answer begins, and only if the sent answer shows it.
   */
  faults: Record<FaultName, number>
  /** Answers by the option `quality`. An answer counts when it is made. */
  quality: QualityStats
}

export function emptyStats(): SimulatorStats {
  return {
    requests: 0,
    streamed: 0,
    completed: 0,
    rateLimited: 0,
    chargedTokens: 0,
    aborted: 0,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    inFlight: 0,
    maxInFlight: 0,
    faults: noFaults(),
    quality: emptyQuality(),
  }
}
