import { addAbortSignal, type TransformCallback } from 'node:stream'
import { auditNotice, publish } from '../accounts/diagnostics.ts'
import { Ledger } from '../accounts/ledger.ts'
import type { Stats } from '../accounts/stats.ts'
import { Audit } from '../audit/audit.ts'
import type { AuditRules } from '../audit/rules.ts'
import { Alarm } from '../base/alarm.ts'
import { ResultCache } from '../cache/result-cache.ts'
import { Reuse } from '../cache/reuse.ts'
import { PackEngine } from '../engine/pack-engine.ts'
import { Purse } from '../engine/spending.ts'
import { RateLimiter } from '../limits/rate-limiter.ts'
import { Window } from '../packing/window.ts'
import type { PackStreamOptions, Resolved } from '../options/options.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import { checkSteps } from '../panel/escalation.ts'
import { Panel } from '../panel/panel.ts'
import { checkBallots } from '../panel/tally.ts'
import type { Entry } from '../record/entry.ts'
import { PackStreamError, type PackStreamErrorCode } from '../record/errors.ts'
import type { Outcome } from '../record/outcome.ts'
import { Ask, Asks, destroyed } from './asks.ts'
import { Dispatcher, type DispatchListener } from './dispatcher.ts'
import { Escalation } from './escalation.ts'
import { HeldCallbacks } from './held-callbacks.ts'
import { Intake } from './intake.ts'
import { Lines, type Line } from './lines.ts'
import { isInputOver, nextStep, type StreamState } from './next-step.ts'
import { ObjectTransform, toError } from './object-transform.ts'
import { Outlet } from './outlet.ts'
import { Pauses } from './pauses.ts'

/** Longest wait for the usage of the last answers, after all records have settled. */
const USAGE_WAIT_MS = 10_000
/** Interval at which a failing stream checks whether the consumer has taken all outcomes. */
const TAKEN_CHECK_MS = 20

/**
 * Packs records into requests, and emits each record's outcome as soon as the model has written it.
 *
 * This is a `Transform` in object mode. You write records and read `Outcome`s, exactly one for each
 * record.
 *
 * @typeParam R The type of the records.
 * @typeParam T The type of the value of a fulfilled outcome, from `schema`.
 */
export class PackStream<R = unknown, T = unknown> extends ObjectTransform<R, Outcome<R, T>> {
  readonly #options: Resolved<R, T>
  readonly #ledger: Ledger
  readonly #engine: PackEngine<R>
  readonly #audit: Audit<R, T> | undefined
  readonly #escalation: Escalation<R, T> | undefined
  readonly #lines: Lines<R, T>
  readonly #outlet: Outlet<Outcome<R, T>>
  readonly #reuse: Reuse<R, T>
  readonly #intake: Intake<R, T>
  readonly #panel: Panel<R, T, Promise<void>>
  /** The request whose answer is being taken. */
  #answering: number | undefined
  /** Number of records that were written before the last call of `flush()`. */
  #flushedTo = 0
  readonly #held = new HeldCallbacks()
  readonly #asks = new Asks<R, T>()
  readonly #window: Window
  readonly #pauses = new Pauses(this)
  /** Rings for the next pack and at the end of a pause. */
  readonly #alarm = new Alarm(() => {
    this.#pump()
  })
  /** Rings if the usage of the last answers has not come in time. */
  readonly #lastCall = new Alarm(() => {
    this.#lines.abortAll()
  })
  #lastCallAt: number | undefined
  /** Rings for `linger: 0`, at the end of the turn of the event loop in which records came. */
  readonly #turnEnd = new Alarm(() => {
    this.#pump(() => {
      this.#engine.endOfInput(performance.now())
    })
  })

  /**
   * @throws {TypeError | RangeError} For a bad option. The message names the option, the expected
   *   value and the given value.
   */
  constructor(options: PackStreamOptions<R, T>) {
    const resolved = resolveOptions(options)
    const { signal, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options
    super({ objectMode: true, highWaterMark, readableHighWaterMark, writableHighWaterMark })
    this.#options = resolved
    this.#ledger = new Ledger(resolved.pricing, resolved.escalate?.options)
    this.#window = new Window(resolved.window)
    const pump = (): void => {
      this.#pump()
    }
    const onError = (error: unknown): void => {
      this.destroy(toError(error))
    }
    const isAtOnce = resolved.linger === 0
    const purse = new Purse(resolved.maxCost, this.#ledger)
    const lineOf = (of: Resolved<R, T>, linger: number, limiter = new RateLimiter()): Line<R, T> => {
      const engine = new PackEngine<R>({ ...of, linger, purse }, this.#ledger, limiter, pump)
      return { engine, dispatcher: new Dispatcher(of, engine, this.#ledger, listener) }
    }
    const listener: DispatchListener<R, T> = {
      stream: this,
      onSettled: (entry, outcome, result) => {
        this.#answering = outcome.pack?.request
        const wait = this.#panel.take(entry, outcome, result)
        this.#answering = undefined
        return wait
      },
      onEnded: (request) => this.#audit?.ended(request),
      onFatal: ({ code, message, error }) => {
        this.#fail(code, message, error)
      },
      onError,
      onChange: pump,
    }
    const { escalate, limiter = new RateLimiter() } = resolved
    const first = lineOf(resolved, isAtOnce ? Infinity : resolved.linger, limiter)
    this.#engine = first.engine
    this.assumeAccepted(() => resolved.accepted)
    // The questions of the second step wait for company before they come to its engine.
    const second =
      escalate &&
      lineOf(
        escalate.options,
        Infinity,
        escalate.options.limiter ?? (escalate.sharesQuota ? limiter : undefined),
      )
    this.#lines = new Lines(second ? [first, second] : [first])
    this.#audit = resolved.audit && this.#auditBy(resolved.audit)
    this.#outlet = new Outlet(
      resolved.preserveOrder,
      (outcome) => this.#asks.settle(outcome) || this.push(outcome),
    )
    this.#escalation =
      escalate &&
      second &&
      new Escalation(escalate, second, this.#ledger, {
        ask: (question, onAnswer) => {
          this.#panel.ask(question, onAnswer)
        },
        settle: (entry, outcome, stored) => this.#settle(entry, outcome, stored),
      })
    this.#panel = new Panel(resolved, this.#ledger, {
      add: (entry) => {
        if (entry.isEscalated) {
          this.#escalation?.add(entry)
          return
        }
        this.#engine.add(entry, performance.now())
        if (isAtOnce) this.#turnEnd.set(0, 0)
      },
      settle: (entry, outcome, result) => {
        this.#audit?.settled(entry, outcome, this.#answering)
        if (this.#escalation) return this.#escalation.settle(entry, outcome, result)
        return this.#settle(entry, outcome, result)
      },
    })
    const { cache: store, identity, format, votes } = resolved
    const check = votes ? checkBallots(format.check, votes) : format.check
    const found = escalate ? checkSteps(check, format.check) : check
    const cache = store && new ResultCache<T>(store, identity, found)
    this.#reuse = new Reuse(cache, pump, (entry) => {
      this.#intake.send(entry)
    })
    const rules = {
      ...resolved,
      weigh: (text: string) => this.#engine.weigh(text),
      cacheKey: (text: string, partition: string | undefined) => cache?.key(text, partition),
    }
    this.#intake = new Intake(rules, this.#ledger, this.#reuse, {
      onOutcome: (outcome) => void this.#emit(outcome),
      onEntry: (entry) => {
        this.#panel.start(entry)
      },
      onChange: pump,
      onError,
    })
    // This comes last, because an aborted signal destroys the stream at once.
    if (signal) addAbortSignal(signal, this)
  }

  /** A frozen snapshot of records, requests, tokens and cost so far. */
  get stats(): Stats {
    const { inFlight } = this.#lines
    return this.#ledger.snapshot(inFlight, this.#reuse.failures, this.#pauses.waiting, this.#audit?.findings)
  }

  /**
   * Says that the server has accepted such requests before, like the option `accepted`. For a
   * program that learns it after it has made the stream.
   *
   * @param when Returns whether the server has. Called when the server refuses a request.
   */
  assumeAccepted(when: () => boolean = () => true): void {
    this.#engine.assumeAccepted(when)
  }

  /**
   * Writes a record and returns its outcome. The outcome does not go to the readable side. So a
   * stream that is only asked needs no consumer. The records of all callers share packs.
   *
   * @param options.signal Rejects the promise. If the stream has not read the record yet, the
   *   record is not sent.
   * @throws The stream's error if the stream fails, or an error if it was destroyed or ended.
   */
  async ask(record: R, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Outcome<R, T>> {
    if (record === null) throw new TypeError('A record cannot be null')
    if (this.destroyed) throw this.errored ?? destroyed()
    if (this.writableEnded) throw new Error('`ask()` was called after the end of the stream')
    // The callers get the stream's error. Without a listener it would also end the process.
    if (this.listenerCount('error') === 0) this.on('error', () => undefined)
    return this.#asks.outcomeOf(record, signal, (ask) => super.write(ask as never))
  }

  /** Sends all records written so far, without waiting for more. Does not end the stream. */
  flush(): void {
    this.#flushedTo = this.#ledger.recordsRead + this.#buffered
    this.#pump()
  }

  /**
   * Sends no more requests. Running requests continue to their ends, and all their outcomes leave.
   * With `preserveOrder` the outcomes leave in order, at the end also outcomes that wait for a
   * record without an outcome. When the consumer has taken all outcomes, the stream is destroyed
   * with a `PackStreamError` of code `stopped`. Its `unsettled` is the number of records that were
   * read and have no outcome. If the input has ended and every record has its outcome, the stream
   * ends normally.
   *
   * The stream does not wait for pauses, and sends no record again. A second call has no effect,
   * and neither has a call after `maxCost` was reached or after the stream was destroyed. The first
   * reason counts.
   */
  stop(): void {
    this.#lines.stop('stopped', 'The stream was stopped by `stop()`.')
    // The pump runs later, because a listener may call `stop()` while an outcome leaves.
    queueMicrotask(() => {
      this.#pump()
    })
  }

  /** Overrides `_write`, because Node's `_write` has a rule of its own for the callback. */
  override _write(record: R | Ask<R>, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#held.holdWrite(callback)
    this.#pump(() => {
      if (!(record instanceof Ask)) this.#intake.accept(record)
      else if (this.#asks.read(record, this.#ledger.recordsRead)) this.#intake.accept(record.record)
      else if (this.#flushedTo > this.#ledger.recordsRead) this.#flushedTo -= 1
    })
  }

  override _flush(callback: TransformCallback): void {
    this.#held.holdFlush(callback)
    this.#pump()
  }

  override _read(): void {
    this.#pump(() => {
      this.#outlet.resume()
    })
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    for (const alarm of [this.#alarm, this.#lastCall, this.#turnEnd]) alarm.set(Infinity, 0)
    this.#pauses.set(undefined)
    this.#intake.close()
    this.#lines.close()
    this.#outlet.close()
    this.#held.close(error)
    this.#asks.close(error ?? destroyed())
    callback(error)
  }

  /** Number of records that Node buffers, without the record whose callback is held back. */
  get #buffered(): number {
    return this.writableLength - (this.#held.hasWrite ? 1 : 0)
  }

  /**
   * Does all that is possible now: sends packs, sets the timer, ends, or reads the next record.
   *
   * An error of this stream's code destroys this stream and does not reach the caller. The caller
   * may be Node, or the request of another stream that makes room in the limiter.
   *
   * @param first The work that comes before.
   */
  #pump(first?: () => void): void {
    try {
      first?.()
      if (!this.destroyed) this.#goOn(performance.now())
    } catch (error) {
      this.destroy(toError(error))
    }
  }

  #goOn(now: number): void {
    const state = this.#state
    const ended = this.#ledger.requests - state.inFlight
    const isNow = () => this.#engine.inFlight === 0 || state.isWindowFull
    this.#panel.release(ended, isNow())
    if (isInputOver(state)) this.#engine.endOfInput(now)
    let step = this.#lines.send(now)
    // After the first step, because its next answers may bring company.
    if (this.#escalation?.release(ended, isNow(), now)) step = this.#lines.send(now)
    this.#pauses.set(step.kind === 'wait' ? step.pause : undefined)
    if (this.destroyed) return
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
        this.#held.end()
        // Without a consumer, only a read ends a readable side whose outcomes all went to `ask()`.
        if (this.#asks.wereUsed && this.readableLength === 0) this.read(0)
        break
      case 'read':
        this.#held.read()
        break
      case 'wait':
    }
  }

  /** Whether questions are open that hold back no record. */
  get #isAsking(): boolean {
    return this.#panel.open > 0 || this.#audit?.isOpen === true
  }

  get #state(): StreamState {
    const { recordsRead } = this.#ledger
    const { preserveOrder, window } = this.#options
    const isStopped = this.#lines.stopped !== undefined
    return {
      // With `preserveOrder`: records that have not left. Otherwise: records that wait for a record
      // with the same text.
      isWindowFull: this.#window.isFull(
        preserveOrder ? recordsRead - this.#outlet.left : this.#reuse.waiting,
      ),
      isFlushed: recordsRead === this.#flushedTo,
      isEnding: this.#held.hasFlush,
      hasEnded: this.writableEnded && this.#buffered === 0,
      isSettled: this.#outlet.left === recordsRead && (isStopped || !this.#isAsking),
      isLookingUp: this.#intake.isBusy,
      unstored: this.#reuse.pending,
      mostUnstored: window,
      hasWriter: this.#held.hasWrite,
      isBlocked: this.#outlet.isBlocked,
      engineWantsMore: this.#lines.wantsMore,
      isStopped,
      isIdle: this.#lines.isIdle,
      inFlight: this.#lines.inFlight,
    }
  }

  #auditBy(rules: AuditRules<T>): Audit<R, T> {
    const { maxPackRecords, maxAttempts } = this.#options
    return new Audit(rules, maxPackRecords, maxAttempts, {
      ask: (question, onAnswer) => {
        this.#panel.ask(question, (outcome) => {
          onAnswer(outcome)
          return undefined
        })
      },
      onFinding: ({ stage, margin, packRecords }) => {
        if (packRecords !== undefined) this.#engine.limitRecords(packRecords, performance.now())
        publish('notice', this, () => auditNotice(stage, margin, packRecords))
      },
    })
  }

  /** Emits the outcomes of a record and of the records with the same text, as `#emit()` does. */
  #settle(entry: Entry<R>, outcome: Outcome<R, T>, result: unknown): Promise<void> | undefined {
    let wait = this.#emit(outcome)
    for (const twin of this.#reuse.settle(entry, outcome, result)) {
      this.#ledger.cached('shared')
      wait = this.#emit(twin) ?? wait
    }
    return wait
  }

  /** Emits an outcome. Returns a promise if the caller has to wait for the consumer. */
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
    // Outcomes that the consumer has not taken are lost with the stream.
    const lost = this.#ledger.recordsRead - this.#outlet.left + this.readableLength
    this.destroy(new PackStreamError(code, message, lost, cause))
  }

  /** Fails when the consumer has taken all outcomes, because they were paid for. */
  #failWhenTaken(now: number): void {
    this.#outlet.closeGaps()
    if (this.destroyed) return
    if (this.#outlet.isBlocked || this.readableLength > 0 || this.#reuse.pending > 0) {
      this.#alarm.set(now + TAKEN_CHECK_MS, now)
      return
    }
    const { stopped } = this.#lines
    if (stopped) this.#fail(stopped.code, stopped.message)
  }
}
