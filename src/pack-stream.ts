import { addAbortSignal, type TransformCallback } from 'node:stream'
import { Alarm } from './alarm.ts'
import type { Usage } from './chat.ts'
import type { Entry } from './entry.ts'
import { PackStreamError, RecordError } from './errors.ts'
import type { PackStreamOptions, Resolved } from './options.ts'
import { ObjectTransform } from './object-transform.ts'
import { Outlet } from './outlet.ts'
import type { Outcome } from './outcome.ts'
import { OutputSize } from './output-size.ts'
import { Packer } from './packer.ts'
import { pauseAfter, recover, type RequestEnd } from './recovery.ts'
import { resolveOptions } from './resolve-options.ts'
import { RetryQueue } from './retry-queue.ts'
import { runPack } from './run-pack.ts'
import { sleep } from './sleep.ts'
import { Ledger, type PackRun, type Stats } from './stats.ts'
import { toEntry } from './to-entry.ts'

/** How long the end waits for the usage of an answer whose records are all settled, in ms. */
const USAGE_WAIT = 10_000

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
  readonly #packer: Packer<Entry<R>>
  readonly #retries = new RetryQueue<R>()
  readonly #outlet: Outlet<Outcome<R, T>>
  readonly #outputSize = new OutputSize()
  /** One for each request that runs. */
  readonly #running = new Set<AbortController>()
  /** Requests that have ended and hold their slot until what they left unsettled is seen to. */
  readonly #resting = new Set<AbortController>()
  /** Records that may have been read and not have left yet, where order is kept. */
  readonly #orderWindow: number
  /** Index before which `flush()` was called: records that Node still buffers have not come here yet. */
  #flushBefore = 0
  /** The write callback that is held back until there is room. */
  #writer: TransformCallback | undefined
  /** The callback of `_flush`: the input has ended. */
  #ending: TransformCallback | undefined
  /** The API asked for a pause: no request is sent before this time. */
  #pausedUntil = 0
  /** For the next pack or the end of a pause. */
  readonly #alarm = new Alarm(() => {
    this.#pump()
  })
  /** For answers that stay open although nothing is missing but their usage. */
  readonly #lastCall = new Alarm(() => {
    for (const request of this.#running) request.abort()
  })

  /**
   * @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is.
   */
  constructor(options: PackStreamOptions<R, T>) {
    const resolved = resolveOptions(options)
    const { signal, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options
    super({ objectMode: true, highWaterMark, readableHighWaterMark, writableHighWaterMark })
    this.#options = resolved
    const { maxPackTokens, maxPackRecords, maxInFlight } = resolved
    this.#ledger = new Ledger(resolved.pricing)
    // Timers have a grain of 1 ms. Less would send what is written in one go record by record.
    const linger = Math.max(resolved.linger, 1)
    this.#packer = new Packer({ maxTokens: maxPackTokens, maxItems: maxPackRecords }, linger)
    this.#outlet = new Outlet(resolved.preserveOrder, (outcome) => this.push(outcome))
    this.#orderWindow = resolved.preserveOrder ? 2 * (maxInFlight + 2) * maxPackRecords : Infinity
    // Last, since a signal that has been aborted already destroys at once.
    if (signal) addAbortSignal(signal, this)
  }

  /** A frozen snapshot of records, requests, tokens and cost so far. */
  get stats(): Stats {
    return this.#ledger.snapshot(this.#running.size)
  }

  /** Sends every record written so far without waiting for company. Does not end the stream. */
  flush(): void {
    // Node still buffers some; the one whose callback is held counts there, but has been read.
    const buffered = this.writableLength - (this.#writer ? 1 : 0)
    this.#flushBefore = this.#ledger.recordsRead + buffered
    if (buffered === 0) this.#packer.flush()
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
    this.#packer.flush()
    this.#pump()
  }

  override _read(): void {
    this.#outlet.resume()
    this.#pump()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    for (const alarm of [this.#alarm, this.#lastCall]) alarm.set(Infinity, 0)
    for (const request of [...this.#running, ...this.#resting]) request.abort()
    this.#outlet.close()
    const writer = this.#writer
    this.#writer = undefined
    // Without an error it is not called, as in Node's own streams: it would look as if there had been one.
    if (error) writer?.(error)
    callback(error)
  }

  /** Gives a record to the packer; one that cannot be packed is rejected at once. */
  #accept(record: R): void {
    const index = this.#ledger.read()
    const entry = toEntry(record, index, this.#options)
    if (entry instanceof RecordError) {
      void this.#emit({ status: 'rejected', index, record, reason: entry, attempts: 0 })
    } else {
      this.#packer.add(entry, performance.now())
    }
    if (index + 1 === this.#flushBefore) this.#packer.flush()
  }

  /** Does whatever can be done now: send packs, set the timer, end, or let the next record in. */
  #pump(): void {
    if (this.destroyed) return
    const now = performance.now()
    const read = this.#ledger.recordsRead
    const isWindowFull = read - this.#outlet.left >= this.#orderWindow
    // No record will come to keep those company that wait.
    if (isWindowFull) this.#packer.flush()
    // A client may destroy the stream while it is given a request.
    while (!this.#isGone() && this.#hasSlot && now >= this.#pausedUntil) {
      const { maxTokens, maxItems } = this.#packer.limits
      const again = this.#retries.take(maxTokens, maxItems)
      const pack = again ?? this.#packer.take(now)
      if (!pack) break
      this.#run(pack, again !== undefined).catch((error: unknown) => {
        this.destroy(error instanceof Error ? error : new Error(String(error)))
      })
    }
    if (this.#isGone()) return
    this.#alarm.set(this.#nextDue(now), now)

    const isHeld = isWindowFull || this.#packer.hasReserve || this.#outlet.isBlocked
    const isSettled = this.#outlet.left === read
    if (this.#ending && isSettled && this.#running.size > 0) {
      // What the last answers cost is worth waiting for, but not for ever.
      this.#lastCall.set(now + USAGE_WAIT, now)
    } else if (this.#ending && isSettled) {
      const end = this.#ending
      this.#ending = undefined
      end()
    } else if (this.#writer && !isHeld) {
      const writer = this.#writer
      this.#writer = undefined
      writer()
    }
  }

  /** A method, not a field: TypeScript would think that it cannot change. */
  #isGone(): boolean {
    return this.destroyed
  }

  get #hasSlot(): boolean {
    return this.#running.size + this.#resting.size < this.#options.maxInFlight
  }

  /** When to come back: a pause ends, or the next pack has waited enough. Where no slot is free, a request ends first. */
  #nextDue(now: number): number {
    if (!this.#hasSlot) return Infinity
    return now < this.#pausedUntil ? this.#pausedUntil : this.#packer.nextDue
  }

  /** One request, and what becomes of the records that it leaves unsettled. */
  async #run(pack: readonly Entry<R>[], isRetry: boolean): Promise<void> {
    const request = new AbortController()
    this.#running.add(request)
    for (const entry of pack) {
      entry.attempts += 1
      entry.invalid = undefined
    }
    const run = await runPack(this.#options, pack, this.#ledger.sent(isRetry), request.signal, {
      onFulfilled: (outcome) => this.#emit(outcome),
      onFault: (kind) => {
        this.#ledger.element(kind)
      },
    })
    this.#running.delete(request)
    this.#learn(pack, run)
    if (this.destroyed) return
    this.#resting.add(request)

    const { end, unsettled } = run
    if (end.kind === 'fatal') {
      // Outcomes that nobody has taken are lost with the stream.
      const lost = this.#ledger.recordsRead - this.#outlet.left + this.readableLength
      this.destroy(new PackStreamError(end.code, end.message, lost, end.error))
      return
    }
    const again: Entry<R>[] = []
    for (const { entry, info } of unsettled) {
      const reason = recover(entry, end, pack.length, pack.length - unsettled.length)
      if (reason) {
        const { index, record, attempts } = entry
        const wait = this.#emit({ status: 'rejected', index, record, reason, attempts, pack: info })
        if (wait) await wait
      } else {
        again.push(entry)
      }
    }
    if (again.length > 0) await this.#rest(request.signal, end, again)
    if (this.#isGone()) return
    this.#resting.delete(request)
    this.#retries.add(again)
    this.#pump()
  }

  /** Lets a slot rest after a failed request, and all of them after a rate limit. */
  async #rest(signal: AbortSignal, end: RequestEnd, again: readonly Entry<R>[]): Promise<void> {
    const pause = pauseAfter(end, again[0]?.attempts ?? 1)
    if (pause === 0) return
    if (end.kind === 'rate_limit') this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + pause)
    await sleep(pause, signal)
  }

  /** Books a finished request, and learns from it how long prompts and answers are. */
  #learn(pack: readonly Entry<R>[], run: PackRun<R>): void {
    const { estimator, maxPackRecords, maxPackTokens, maxOutputTokens } = this.#options
    const { usage, hasBegun, elements, characters } = run
    const bytes = pack.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    const estimate: Usage = {
      input: hasBegun ? estimator.prompt(pack.length, bytes) : 0,
      output: estimator.text(answerLength),
      cached: 0,
      reasoning: 0,
    }
    this.#ledger.finished(pack, run, usage ?? estimate)
    if (!usage) return
    estimator.observe(pack.length, bytes, usage.input)
    if (maxOutputTokens === undefined) return
    this.#outputSize.observe(usage.output, elements)
    const maxItems = Math.min(maxPackRecords, this.#outputSize.recordsWithin(maxOutputTokens))
    this.#packer.setLimits({ maxTokens: maxPackTokens, maxItems }, performance.now())
  }

  /** Lets an outcome leave. Returns a promise for as long as the readable side is full. */
  #emit(outcome: Outcome<R, T>): Promise<void> | undefined {
    if (this.destroyed) return undefined
    this.#ledger.settled(outcome.status)
    return this.#outlet.emit(outcome)
  }
}
