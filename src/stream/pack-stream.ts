import { addAbortSignal, type TransformCallback } from 'node:stream'
import { publish } from '../accounts/diagnostics.ts'
import { Ledger } from '../accounts/ledger.ts'
import type { Stats } from '../accounts/stats.ts'
import { Alarm } from '../base/alarm.ts'
import { ResultCache } from '../cache/result-cache.ts'
import { Reuse } from '../cache/reuse.ts'
import { PackEngine } from '../engine/pack-engine.ts'
import { RateLimiter } from '../limits/rate-limiter.ts'
import type { PackStreamOptions, Resolved } from '../options/options.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import type { Entry } from '../record/entry.ts'
import { PackStreamError, type PackStreamErrorCode } from '../record/errors.ts'
import type { Outcome } from '../record/outcome.ts'
import { Dispatcher } from './dispatcher.ts'
import { Intake } from './intake.ts'
import { isInputOver, nextStep, type StreamState } from './next-step.ts'
import { ObjectTransform } from './object-transform.ts'
import { Outlet } from './outlet.ts'

/** How long the end waits for the usage of answers whose records have all settled, in ms. */
const USAGE_WAIT_MS = 10_000
/** How often a stream that fails checks whether the consumer has taken all outcomes, in ms. */
const TAKEN_CHECK_MS = 20

/**
 * Packs records into requests, and emits each record's outcome as soon as the model has written it.
 *
 * An object-mode `Transform`: records in, `Outcome`s out, exactly one for each record.
 *
 * @typeParam R The record that is written.
 * @typeParam T The value of a fulfilled outcome, as `schema` has it.
 */
export class PackStream<R = unknown, T = unknown> extends ObjectTransform<R, Outcome<R, T>> {
  readonly #options: Resolved<R, T>
  readonly #ledger: Ledger
  readonly #engine: PackEngine<R>
  readonly #dispatcher: Dispatcher<R, T>
  readonly #outlet: Outlet<Outcome<R, T>>
  readonly #reuse: Reuse<R, T>
  readonly #intake: Intake<R, T>
  /** How many records had been written when `flush()` was called last. */
  #flushedTo = 0
  /** The write callback that is held back until there is room. */
  #writer: TransformCallback | undefined
  /** The callback of `_flush`: the input has ended. */
  #ending: TransformCallback | undefined
  /** For the next pack or the end of a pause. */
  readonly #alarm = new Alarm(() => {
    this.#pump()
  })
  /** For answers that stay open although nothing is missing but their usage. */
  readonly #lastCall = new Alarm(() => {
    this.#dispatcher.abortAll()
  })
  #lastCallAt: number | undefined
  /** For `linger: 0`: what is written in one turn of the event loop leaves at its end. */
  readonly #turnEnd = new Alarm(() => {
    this.flush()
  })

  /**
   * @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is.
   */
  constructor(options: PackStreamOptions<R, T>) {
    const resolved = resolveOptions(options)
    const { signal, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options
    super({ objectMode: true, highWaterMark, readableHighWaterMark, writableHighWaterMark })
    this.#options = resolved
    this.#ledger = new Ledger(resolved.pricing)
    const pump = (): void => {
      this.#pump()
    }
    const onError = (error: unknown): void => {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    const isAtOnce = resolved.linger === 0
    const engineRules = { ...resolved, linger: isAtOnce ? Infinity : resolved.linger }
    this.#engine = new PackEngine(engineRules, this.#ledger, resolved.limiter ?? new RateLimiter(), pump)
    this.#dispatcher = new Dispatcher(resolved, this.#engine, this.#ledger, {
      stream: this,
      onSettled: (entry, outcome, result) => this.#settle(entry, outcome, result),
      onFatal: ({ code, message, error }) => {
        this.#fail(code, message, error)
      },
      onError,
      onChange: pump,
    })
    this.#outlet = new Outlet(resolved.preserveOrder, (outcome) => this.push(outcome))
    const { cache: store, identity, format } = resolved
    const cache = store && new ResultCache(store, identity, format.check)
    this.#reuse = new Reuse(cache, pump)
    const rules = {
      ...resolved,
      weigh: (text: string) => this.#engine.weigh(text),
      cacheKey: (text: string, partition: string | undefined) => cache?.key(text, partition),
    }
    this.#intake = new Intake(rules, this.#ledger, this.#reuse, {
      onOutcome: (outcome) => void this.#emit(outcome),
      onEntry: (entry) => {
        this.#engine.add(entry, performance.now())
        if (isAtOnce) this.#turnEnd.set(0, 0)
      },
      onChange: pump,
      onError,
    })
    // Last, since a signal that has been aborted already destroys at once.
    if (signal) addAbortSignal(signal, this)
  }

  /** A frozen snapshot of records, requests, tokens and cost so far. */
  get stats(): Stats {
    return this.#ledger.snapshot(this.#engine.inFlight, this.#reuse.failures)
  }

  /** Sends every record written so far without waiting for company. Does not end the stream. */
  flush(): void {
    this.#flushedTo = this.#ledger.recordsRead + this.#buffered
    this.#pump()
  }

  /**
   * Sends nothing more. Requests that run go on to their end, and every outcome that they bring leaves: with
   * `preserveOrder` in order, at the end also those that wait behind a record without one. Once they have been taken, the
   * stream is destroyed with a `PackStreamError` of code `stopped`, whose `unsettled` counts the records that were read and
   * have no outcome. If the input has ended and there is none, the stream ends as ever.
   *
   * No pause is waited for, of whatever kind, and what would have been asked again is not. Calling it twice does nothing more,
   * nor does calling it when `maxCost` has been reached or the stream destroyed: the first reason counts.
   */
  stop(): void {
    this.#engine.stop('stopped', 'The stream was stopped by `stop()`.')
    // Later, since it may be called in the middle of something, such as by a listener while an outcome leaves.
    queueMicrotask(() => {
      this.#pump()
    })
  }

  /** Not `_transform`, whose caller has a rule of its own for holding the callback. */
  override _write(record: R, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#writer = callback
    this.#intake.accept(record)
    this.#pump()
  }

  override _flush(callback: TransformCallback): void {
    this.#ending = callback
    this.#pump()
  }

  override _read(): void {
    this.#outlet.resume()
    this.#pump()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    for (const alarm of [this.#alarm, this.#lastCall, this.#turnEnd]) alarm.set(Infinity, 0)
    this.#intake.close()
    this.#engine.close()
    this.#dispatcher.abortAll()
    this.#outlet.close()
    const writer = this.#writer
    this.#writer = undefined
    // Without an error it is not called, as in Node's own streams: it would look as if there had been one.
    if (error) writer?.(error)
    callback(error)
  }

  /** How many records Node buffers. The one whose callback is held counts there, but has been read. */
  get #buffered(): number {
    return this.writableLength - (this.#writer ? 1 : 0)
  }

  /** Does what can be done now: sends packs, sets the timer, ends, or lets the next record in. */
  #pump(): void {
    if (this.destroyed) return
    const now = performance.now()
    if (isInputOver(this.#state)) this.#engine.endOfInput(now)
    const step = this.#dispatcher.send(now)
    if (this.#isGone()) return
    this.#alarm.set(step.kind === 'wait' ? step.until : Infinity, now)
    switch (nextStep(this.#state)) {
      case 'fail':
        this.#failWhenTaken(now)
        break
      case 'await usage':
        this.#lastCallAt ??= now + USAGE_WAIT_MS
        this.#lastCall.set(this.#lastCallAt, now)
        break
      case 'end':
        this.#end()
        break
      case 'read':
        this.#readOn()
        break
      case 'wait':
    }
  }

  #end(): void {
    const end = this.#ending
    this.#ending = undefined
    end?.()
  }

  #readOn(): void {
    const writer = this.#writer
    this.#writer = undefined
    writer?.()
  }

  get #state(): StreamState {
    const { recordsRead } = this.#ledger
    const { preserveOrder, window } = this.#options
    return {
      // In order: the records that have not left. Otherwise: the records that wait for a twin.
      inWindow: preserveOrder ? recordsRead - this.#outlet.left : this.#reuse.waiting,
      window,
      isFlushed: recordsRead === this.#flushedTo,
      isEnding: this.#ending !== undefined,
      hasEnded: this.writableEnded && this.#buffered === 0,
      isSettled: this.#outlet.left === recordsRead,
      isLookingUp: this.#intake.isBusy,
      unstored: this.#reuse.pending,
      hasWriter: this.#writer !== undefined,
      isBlocked: this.#outlet.isBlocked,
      engineWantsMore: this.#engine.wantsMore,
      isStopped: this.#engine.stopped !== undefined,
      isIdle: this.#engine.isIdle,
      inFlight: this.#engine.inFlight,
    }
  }

  /** A method, not a field: TypeScript would think that it cannot change. */
  #isGone(): boolean {
    return this.destroyed
  }

  /** Lets a record's outcome leave, and with it those of its twins. Returns a promise as `#emit()` does. */
  #settle(entry: Entry<R>, outcome: Outcome<R, T>, result: unknown): Promise<void> | undefined {
    let wait = this.#emit(outcome)
    for (const twin of this.#reuse.settle(entry, outcome, result)) {
      this.#ledger.cached('shared')
      wait = this.#emit(twin) ?? wait
    }
    return wait
  }

  /** Lets an outcome leave. Returns a promise for as long as the readable side is full. */
  #emit(outcome: Outcome<R, T>): Promise<void> | undefined {
    if (this.destroyed) return undefined
    this.#ledger.settled(outcome.status)
    publish('outcome', this, () => ({
      ...{ index: outcome.index, status: outcome.status, attempts: outcome.attempts },
      code: outcome.status === 'rejected' ? outcome.reason.code : undefined,
    }))
    return this.#outlet.emit(outcome)
  }

  #fail(code: PackStreamErrorCode, message: string, cause?: unknown): void {
    // Outcomes that nobody has taken are lost with the stream.
    const lost = this.#ledger.recordsRead - this.#outlet.left + this.readableLength
    this.destroy(new PackStreamError(code, message, lost, cause))
  }

  /** Fails once the consumer has taken every outcome, since each was paid for. Node does not tell when. */
  #failWhenTaken(now: number): void {
    this.#outlet.closeGaps()
    if (this.#isGone()) return
    if (this.#outlet.isBlocked || this.readableLength > 0 || this.#reuse.pending > 0) {
      this.#alarm.set(now + TAKEN_CHECK_MS, now)
      return
    }
    const { stopped } = this.#engine
    if (stopped) this.#fail(stopped.code, stopped.message)
  }
}
