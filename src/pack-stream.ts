import { addAbortSignal, type TransformCallback } from 'node:stream'
import { Alarm } from './alarm.ts'
import { publish } from './diagnostics.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Entry } from './entry.ts'
import { PackStreamError, RecordError, type PackStreamErrorCode } from './errors.ts'
import { Ledger } from './ledger.ts'
import type { PackStreamOptions, Resolved } from './options.ts'
import { ObjectTransform } from './object-transform.ts'
import { Outlet } from './outlet.ts'
import type { Outcome } from './outcome.ts'
import { resolveOptions } from './resolve-options.ts'
import { Reuse } from './reuse.ts'
import type { Stats } from './stats.ts'
import { toEntry } from './to-entry.ts'

/** How long the end waits for the usage of an answer whose records are all settled, in ms. */
const USAGE_WAIT = 10_000
/** How often it is looked whether all outcomes have been taken, before the stream fails for lack of money, in ms. */
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
  /** Index before which `flush()` was called: records that Node still buffers have not come here yet. */
  #flushBefore = 0
  /** The write callback that is held back until there is room. */
  #writer: TransformCallback | undefined
  /** A record is being looked up in the cache: its write callback is held until that is done. */
  #isLookingUp = false
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
    // Last, since a signal that has been aborted already destroys at once.
    if (signal) addAbortSignal(signal, this)
  }

  /** A frozen snapshot of records, requests, tokens and cost so far. */
  get stats(): Stats {
    return this.#ledger.snapshot(this.#dispatcher.inFlight, this.#reuse.failures)
  }

  /** Sends every record written so far without waiting for company. Does not end the stream. */
  flush(): void {
    // Node still buffers some; the one whose callback is held counts there, but has been read.
    const buffered = this.writableLength - (this.#writer ? 1 : 0)
    this.#flushBefore = this.#ledger.recordsRead + buffered
    if (!this.#isLookingUp) this.#flushBehind(this.#ledger.recordsRead - 1)
    this.#pump()
  }

  /** Not `_transform`, whose caller has a rule of its own for holding the callback. */
  override _write(record: R, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#writer = callback
    this.#accept(record)
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
    this.#dispatcher.stop()
    this.#outlet.close()
    const writer = this.#writer
    this.#writer = undefined
    // Without an error it is not called, as in Node's own streams: it would look as if there had been one.
    if (error) writer?.(error)
    callback(error)
  }

  /** Takes a record in; one that cannot be packed is rejected at once. */
  #accept(record: R): void {
    const index = this.#ledger.read()
    const entry = toEntry(record, index, this.#options)
    if (entry instanceof RecordError) {
      void this.#emit({ status: 'rejected', index, record, reason: entry, attempts: 0 })
    } else {
      this.#lookUp(entry)
    }
    if (!this.#isLookingUp) this.#flushBehind(index)
  }

  /** `flush()` was called when this was the last record. */
  #flushBehind(index: number): void {
    if (index + 1 === this.#flushBefore) this.#dispatcher.flush()
  }

  /** Finds a record's value without a request, or hands the record on. */
  #lookUp(entry: Entry<R>): void {
    if (this.#reuse.join(entry)) return
    const found = this.#reuse.find(entry)
    if (!(found instanceof Promise)) {
      this.#admit(entry, found)
      return
    }
    this.#isLookingUp = true
    const goOn = (later: { value: T } | undefined): void => {
      this.#isLookingUp = false
      if (this.destroyed) return
      this.#admit(entry, later)
      this.#flushBehind(entry.index)
      this.#pump()
    }
    found.then(goOn).catch((error: unknown) => {
      this.#failOwn(error)
    })
  }

  #admit(entry: Entry<R>, found: { value: T } | undefined): void {
    if (found) {
      const { index, record } = entry
      this.#ledger.cached('hits')
      void this.#emit({ status: 'fulfilled', index, record, value: found.value, attempts: 0 })
    } else {
      this.#reuse.lead(entry)
      this.#dispatcher.add(entry, performance.now())
    }
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
    const held = this.#dispatcher.send(now)
    if (this.#isGone()) return
    this.#alarm.set(held.until, now)
    if (held.isOutOfMoney) {
      this.#failForMoney(now)
      return
    }
    // A cache that is slower than the model: it has as many values to write as records may wait.
    const isStoring = this.#reuse.pending >= this.#options.window
    const isHeld = isWindowFull || this.#dispatcher.hasReserve || this.#outlet.isBlocked || isStoring
    const isSettled = this.#outlet.left === read && !this.#isLookingUp
    if (this.#ending && isSettled && this.#dispatcher.inFlight > 0) {
      // What the last answers cost is worth waiting for, but not for ever.
      this.#lastCallAt ??= now + USAGE_WAIT
      this.#lastCall.set(this.#lastCallAt, now)
    } else if (this.#ending && isSettled && this.#reuse.pending === 0) {
      const end = this.#ending
      this.#ending = undefined
      end()
    } else if (this.#writer && !isHeld && !this.#isLookingUp) {
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
  #failForMoney(now: number): void {
    this.#outlet.closeGaps()
    if (this.#outlet.isBlocked || this.readableLength > 0 || this.#reuse.pending > 0) {
      this.#alarm.set(now + TAKEN_CHECK, now)
      return
    }
    const { maxCost } = this.#options
    const spent = this.#ledger.cost.toFixed(4)
    this.#fail(
      'max_cost_reached',
      `The next request might cost more than is left of \`maxCost\`: $${spent} of $${maxCost} are spent.`,
    )
  }
}
