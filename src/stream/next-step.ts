/** What the stream weighs at each step. */
export interface StreamState {
  /** Records that were read and hold a place in the window. */
  readonly inWindow: number
  /** Places in the window. */
  readonly window: number
  /** The last record before a call of `flush()` has been read, and no record after it. */
  readonly isFlushed: boolean
  /** `_flush` has been called: its callback ends the stream. */
  readonly isEnding: boolean
  /** The input has ended and Node buffers nothing of it, whether or not it has called `_flush`. */
  readonly hasEnded: boolean
  /** Every record that was read has left. */
  readonly isSettled: boolean
  /** The cache is looking a record up, so that no other record may come. */
  readonly isLookingUp: boolean
  /** Values that the cache has not stored yet. */
  readonly unstored: number
  /** A write callback is held back. */
  readonly hasWriter: boolean
  /** An outcome waits for the consumer. */
  readonly isBlocked: boolean
  /** The engine has room for another record. */
  readonly engineWantsMore: boolean
  /** The engine sends nothing more. */
  readonly isStopped: boolean
  /** No request runs, and none keeps a slot. */
  readonly isIdle: boolean
  /** Requests that run. */
  readonly inFlight: number
}

/** What the stream does next, once the engine has sent all that may leave. */
export type NextStep =
  /** Fail, as soon as the consumer has taken every outcome. */
  | 'fail'
  /** Wait for the usage of the last answers, but not for ever. */
  | 'await usage'
  /** Call `_flush` back. */
  | 'end'
  /** Call the held write back, so that the next record comes. */
  | 'read'
  | 'wait'

/** No record comes, at least for now, to keep the records company that wait. */
export function isInputOver(state: StreamState): boolean {
  return state.isEnding || isWindowFull(state) || (state.isFlushed && !state.isLookingUp)
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
  // A store that is slower than the model holds as many values as records may wait.
  const isStoreBehind = state.unstored >= state.window
  return state.engineWantsMore && !state.isBlocked && !isStoreBehind && !isWindowFull(state)
}

function isWindowFull({ inWindow, window }: StreamState): boolean {
  return inWindow >= window
}
