import type { FinishedRequest } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'

/** Number of refused requests in a row after which the stream no longer blames a record. */
const MAX_REFUSED = 20

/** Decides whether a refused request is the fault of a record, or of the request itself. */
export class Suspicion {
  #hasAccepted = false
  /** Number of refused requests since the last complete answer. */
  #refusedInARow = 0

  /** Learns from a finished request. Returns its end: fatal if the request itself is refused. */
  judge<F extends Pick<FinishedRequest<unknown>, 'end' | 'elements'>>(finished: F): F {
    const { end } = finished
    if (end.kind === 'complete') {
      this.#hasAccepted = true
      this.#refusedInARow = 0
    }
    if (end.kind !== 'refused_request') return finished
    const isGuilty = this.#hasAccepted && this.#refusedInARow < MAX_REFUSED
    this.#refusedInARow += 1
    const fatal: RequestEnd = { ...end, kind: 'fatal' }
    return isGuilty ? finished : { ...finished, end: fatal }
  }
}
