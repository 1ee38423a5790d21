import { type FaultName, noFaults } from './faults/kinds.ts'

/** What a simulator has done since it started. */
export type SimulatorStats = {
  /** Requests to either API that arrived whole, whatever became of them. */
  requests: number
  /** Requests that were answered as a stream; part of `requests`. */
  streamed: number
  /** Answers written to their end: to a finish reason, whichever it is. */
  completed: number
  /** Requests refused with status 429. */
  rateLimited: number
  /** Tokens charged against the limit per minute by the requests that passed, whether or not there is a limit. */
  chargedTokens: number
  /** Answers not finished because the client went away. */
  aborted: number
  /** Prompt tokens of all answers, cached ones included. */
  inputTokens: number
  /** Prompt tokens that were in the prompt cache. */
  cachedTokens: number
  /** Tokens written, those of aborted answers included. */
  outputTokens: number
  /** Answers being written now. */
  inFlight: number
  /** The most answers that were written at the same time. */
  maxInFlight: number
  /** Faults by kind, counted when their answer begins: only those that show in what is sent. */
  faults: Record<FaultName, number>
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
  }
}
