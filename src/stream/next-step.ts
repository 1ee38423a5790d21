/** The facts that decide the stream's next step. */
export interface StreamState {
  /** No more records may come before others have left. See `Window`. */
  readonly isWindowFull: boolean
  /** The last record before a call of `flush()` has been read, and no later record. */
  readonly isFlushed: boolean
  /** `_flush` has been called. Its callback ends the stream. */
  readonly isEnding: boolean
  /** The input has ended and Node buffers no record. Node may not have called `_flush` yet. */
  readonly hasEnded: boolean
  /** The outcome of every record that was read has left. */
  readonly isSettled: boolean
  /** The cache is looking a record up, so no other record may come. */
  readonly isLookingUp: boolean
  /** Number of values that the cache has not stored yet. */
  readonly unstored: number
  /** Number of such values from which on no more records come. */
  readonly mostUnstored: number
  /** A write callback is held back. */
  readonly hasWriter: boolean
  /** An outcome waits for the consumer. */
  readonly isBlocked: boolean
  /** The engine has room for another record. */
  readonly engineWantsMore: boolean
  /** The engine sends no more requests. */
  readonly isStopped: boolean
  /** No request runs or takes a slot. */
  readonly isIdle: boolean
  /** Number of running requests. */
  readonly inFlight: number
}

/** The stream's next step, after the engine has sent all requests that may leave. */
export type NextStep =
  /** Fail when the consumer has taken every outcome. */
  | 'fail'
  /** Wait for the usage of the last answers, for a limited time. */
  | 'await usage'
  /** Call the callback of `_flush`. */
  | 'end'
  /** Call the write callback that is held back, so that the next record comes. */
  | 'read'
  | 'wait'

/** Whether no more records come, at least for now. Then the waiting records leave. */
export function isInputOver(state: StreamState): boolean {
  return state.isEnding || state.isWindowFull || (state.isFlushed && !state.isLookingUp)
}

export function nextStep(state: StreamState): NextStep {
  const isDone = state.isSettled && !state.isLookingUp
  if (state.isStopped && !(isDone && state.hasEnded)) {
    return state.isIdle && !state.isLookingUp ? 'fail' : 'wait'
  }
  if (state.isEnding && isDone && state.inFlight > 0) return 'await usage'
  if (state.isEnding && isDone && state.unstored === 0) return 'end'
  return state.hasWriter && !state.isLookingUp && hasRoom(state) ? 'read' : 'wait'
}

function hasRoom(state: StreamState): boolean {
  // If the store is slower than the model, the number of unstored values stays limited.
  const isStoreBehind = state.unstored >= state.mostUnstored
  return state.engineWantsMore && !state.isBlocked && !isStoreBehind && !state.isWindowFull
}
