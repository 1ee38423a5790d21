import { downgradeNotice, endEvent, publish, WRAPPED_NOTICE } from '../accounts/diagnostics.ts'
import type { Ledger } from '../accounts/ledger.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import { RequestForms } from '../api/request-form.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { Departure } from '../engine/departure.ts'
import type { PackEngine, Step } from '../engine/pack-engine.ts'
import type { Resolved } from '../options/options.ts'
import type { Entry } from '../record/entry.ts'
import { RequestError } from '../record/errors.ts'
import type { Outcome } from '../record/outcome.ts'
import { runRequest, type ClosedElement } from './run-request.ts'

/** Is told what happens to requests and their records. */
export interface DispatchListener<R, T> {
  /** The stream, for diagnostics. */
  readonly stream: object
  /**
   * A record has its outcome. `result` is the value of a fulfilled record as the model wrote it. If
   * the listener returns a promise, the request waits for it.
   */
  onSettled: (entry: Entry<R>, outcome: Outcome<R, T>, result?: unknown) => Promise<void> | undefined
  /** A request has ended, and the consumer has taken its outcomes. */
  onEnded: (request: number) => void
  /** No other request can succeed. */
  onFatal: (end: RequestEnd & { kind: 'fatal' }) => void
  /** A listener or another part of the stream threw. */
  onError: (error: unknown) => void
  /** A request has ended, so the engine may return a new step. */
  onChange: () => void
}

/** Sends the requests that the engine decides on, and tells the engine how they end. */
export class Dispatcher<R, T> {
  readonly #options: Resolved<R, T>
  readonly #engine: PackEngine<R>
  readonly #ledger: Ledger
  readonly #listener: DispatchListener<R, T>
  readonly #forms: RequestForms
  #hasSeenWrapped = false
  readonly #aborts = new Set<AbortController>()

  constructor(
    options: Resolved<R, T>,
    engine: PackEngine<R>,
    ledger: Ledger,
    listener: DispatchListener<R, T>,
  ) {
    this.#options = options
    this.#engine = engine
    this.#ledger = ledger
    this.#listener = listener
    this.#forms = new RequestForms(options.output, options.api.formFields, (downgrade) => {
      publish('notice', listener.stream, () => downgradeNotice(downgrade))
    })
  }

  /** Sends all requests that may leave now. Returns the engine's step after them. */
  send(now: number): Exclude<Step<R>, { kind: 'send' }> {
    for (;;) {
      const step = this.#engine.next(now)
      if (step.kind !== 'send') return step
      this.#run(step.departure).catch((error: unknown) => {
        step.departure.permit.cancel()
        this.#listener.onError(error)
      })
    }
  }

  /** Aborts all requests. */
  abortAll(): void {
    const reason = new RequestError('aborted', 'The stream ended while the request ran')
    for (const abort of this.#aborts) abort.abort(reason)
  }

  /** Runs one request, from its departure until the consumer has taken its outcomes. */
  async #run(departure: Departure<R>): Promise<void> {
    const { pack, request } = departure
    const startedAt = performance.now()
    const finished = await this.#follow(departure)
    const { end, rejected, fatal } = this.#engine.ended(departure, finished, performance.now())
    if (finished.isWrapped && !this.#hasSeenWrapped) {
      this.#hasSeenWrapped = true
      publish('notice', this.#listener.stream, () => ({ ...WRAPPED_NOTICE }))
    }
    publish('request:end', this.#listener.stream, () =>
      endEvent(request, { ...finished, end }, pack.length, performance.now() - startedAt),
    )
    if (fatal) {
      this.#listener.onFatal(fatal)
      return
    }
    // The other slots need not wait for the consumer.
    if (rejected.length > 0) this.#listener.onChange()
    for (const { entry, reason, info } of rejected) {
      const { index, record, attempts } = entry
      const outcome = { status: 'rejected' as const, index, record, reason, attempts, pack: info }
      const wait = this.#listener.onSettled(entry, outcome)
      if (wait) await wait
    }
    this.#engine.delivered(departure)
    this.#listener.onEnded(request)
    this.#listener.onChange()
  }

  /** Sends the request, and passes its events on until it has ended. */
  async #follow(departure: Departure<R>): Promise<FinishedRequest<R>> {
    const { request, pack, cap, isRetry, permit } = departure
    const { apiName, model } = this.#options
    const abort = new AbortController()
    this.#aborts.add(abort)
    publish('request:start', this.#listener.stream, () => ({
      ...{ request, api: apiName, model, records: pack.length, isRetry, maxOutputTokens: cap },
      isAudit: pack[0]?.isAudit === true,
      isEscalated: pack[0]?.isEscalated === true,
    }))
    try {
      for await (const event of runRequest(this.#options, departure, this.#forms, abort)) {
        if (event.kind === 'ended') return event.finished
        if (event.kind === 'accepted') {
          permit.report(event.headers, performance.now())
          continue
        }
        this.#engine.accepted()
        for (const element of event.elements) {
          const wait = this.#take(element, request)
          if (wait) {
            permit.rest(true)
            await wait
            permit.rest(false)
          }
          if (abort.signal.aborted) break
        }
      }
      throw new Error('The request reported no end')
    } catch (error) {
      abort.abort()
      throw error
    } finally {
      this.#aborts.delete(abort)
    }
  }

  /** Emits an element's outcome. Returns a promise if the request has to wait for the consumer. */
  #take(element: ClosedElement<R, T>, request: number): Promise<void> | undefined {
    const { stream, onSettled } = this.#listener
    const index = element.kind === 'fulfilled' && !element.entry.isAudit ? element.entry.index : undefined
    publish('element', stream, () => ({ request, kind: element.kind, index }))
    if (element.kind === 'fulfilled') return onSettled(element.entry, element.outcome, element.result)
    this.#ledger.element(element.kind)
    return undefined
  }
}
