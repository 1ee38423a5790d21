import { addAbortSignal, type TransformCallback } from 'node:stream'
import { Alarm } from '../base/alarm.ts'
import { publish } from '../accounts/diagnostics.ts'
import { Dispatcher, type Stop } from './dispatcher.ts'
import type { Entry } from '../record/entry.ts'
import { PackStreamError, type PackStreamErrorCode } from '../record/errors.ts'
import { Intake } from './intake.ts'
import { Ledger } from '../accounts/ledger.ts'
import type { PackStreamOptions, Resolved } from '../options/options.ts'
import { ObjectTransform } from './object-transform.ts'
import { Outlet } from './outlet.ts'
import type { Outcome } from '../record/outcome.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import { Reuse } from '../cache/reuse.ts'
import type { Stats } from '../accounts/stats.ts'

/** How long the end waits for the usage of an answer whose records are all settled, in ms. */
const USAGE_WAIT = 10_000
/** How often it is looked whether all outcomes have been taken, before a stream that sends no more fails, in ms. */
const TAKEN_CHECK = 20

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
  readonly #dispatcher: Dispatcher<R, T>
  readonly #outlet: Outlet<Outcome<R, T>>
  readonly #reuse: Reuse<R, T>
  readonly #intake: Intake<R, T>
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

  /**
   * @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is.
   */
  constructor(options: PackStreamOptions<R, T>) {
    const resolved = resolveOptions(options)
    const { signal, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options
    super({ objectMode: true, highWaterMark, readableHighWaterMark, writableHighWaterMark })
    this.#options = resolved
    this.#ledger = new Ledger(resolved.pricing)
    this.#dispatcher = new Dispatcher(resolved, this.#ledger, {
      stream: this,
      onSettled: (entry, outcome, result) => this.#settle(entry, outcome, result),
      onFatal: ({ code, message, error }) => {
        this.#fail(code, message, error)
      },
      onError: (error) => {
        this.#failOwn(error)
      },
      onChange: () => {
        this.#pump()
      },
    })
    this.#outlet = new Outlet(resolved.preserveOrder, (outcome) => this.push(outcome))
    this.#reuse = new Reuse(resolved.cache, () => {
      this.#pump()
    })
    this.#intake = new Intake(resolved, this.#ledger, this.#reuse, this.#dispatcher, {
      onOutcome: (outcome) => void this.#emit(outcome),
      onChange: () => {
        this.#pump()
      },
      onError: (error) => {
        this.#failOwn(error)
      },
    })
    // Last, since a signal that has been aborted already destroys at once.
    if (signal) addAbortSignal(signal, this)
  }

  /** A frozen snapshot of records, requests, tokens and cost so far. */
  get stats(): Stats {
    return this.#ledger.snapshot(this.#dispatcher.inFlight, this.#reuse.failures)
  }

  /** Sends every record written so far without waiting for company. Does not end the stream. */
  flush(): void {
    this.#intake.flush(this.#buffered)
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
    this.#dispatcher.stop('stopped', 'The stream was stopped by `stop()`.')
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
    this.#dispatcher.flush()
    this.#pump()
  }

  override _read(): void {
    this.#outlet.resume()
    this.#pump()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    for (const alarm of [this.#alarm, this.#lastCall]) alarm.set(Infinity, 0)
    this.#intake.close()
    this.#dispatcher.close()
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

  /** Does whatever can be done now: send packs, set the timer, end, or let the next record in. */
  #pump(): void {
    if (this.destroyed) return
    const now = performance.now()
    const read = this.#ledger.recordsRead
    // Records that have been read and not left, where order is kept; those that wait for a twin, otherwise.
    const inWindow = this.#options.preserveOrder ? read - this.#outlet.left : this.#reuse.waiting
    const isWindowFull = inWindow >= this.#options.window
    // No record will come to keep those company that wait.
    if (isWindowFull) this.#dispatcher.flush()
    const { until, stop } = this.#dispatcher.send(now)
    if (this.#isGone()) return
    this.#alarm.set(until, now)
    const isSettled = this.#outlet.left === read && !this.#intake.isBusy
    // `_flush` may still be to come, once the last write has been called back.
    const hasEnded = this.writableEnded && this.#buffered === 0
    if (stop && !(isSettled && hasEnded)) {
      if (this.#dispatcher.isIdle && !this.#intake.isBusy) this.#failWhenTaken(stop, now)
      return
    }
    // A cache that is slower than the model: it has as many values to write as records may wait.
    const isStoring = this.#reuse.pending >= this.#options.window
    const isHeld = isWindowFull || this.#dispatcher.hasReserve || this.#outlet.isBlocked || isStoring
    if (this.#ending && isSettled && this.#dispatcher.inFlight > 0) {
      // What the last answers cost is worth waiting for, but not for ever.
      this.#lastCallAt ??= now + USAGE_WAIT
      this.#lastCall.set(this.#lastCallAt, now)
    } else if (this.#ending && isSettled && this.#reuse.pending === 0) {
      const end = this.#ending
      this.#ending = undefined
      end()
    } else if (this.#writer && !isHeld && !this.#intake.isBusy) {
      const writer = this.#writer
      this.#writer = undefined
      writer()
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

  /** Something on this side went wrong, such as a listener. */
  #failOwn(error: unknown): void {
    this.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  #fail(code: PackStreamErrorCode, message: string, cause?: unknown): void {
    // Outcomes that nobody has taken are lost with the stream.
    const lost = this.#ledger.recordsRead - this.#outlet.left + this.readableLength
    this.destroy(new PackStreamError(code, message, lost, cause))
  }

  /** Fails once all outcomes that can leave have been taken: they were paid for. Node does not tell when, so it is looked. */
  #failWhenTaken({ code, message }: Stop, now: number): void {
    this.#outlet.closeGaps()
    if (this.#isGone()) return
    if (this.#outlet.isBlocked || this.readableLength > 0 || this.#reuse.pending > 0) {
      this.#alarm.set(now + TAKEN_CHECK, now)
      return
    }
    this.#fail(code, message)
  }
}
