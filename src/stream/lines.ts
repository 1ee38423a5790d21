import type { Stop } from '../engine/departure.ts'
import type { PackEngine, Step } from '../engine/pack-engine.ts'
import type { PackStreamErrorCode } from '../record/errors.ts'
import type { Dispatcher } from './dispatcher.ts'

/** An engine with the dispatcher that sends its requests. */
export interface Line<R, T> {
  readonly engine: PackEngine<R>
  readonly dispatcher: Dispatcher<R, T>
}

/** The steps of a stream: one line, or with `escalate` two. They stop together. */
export class Lines<R, T> {
  readonly #lines: readonly Line<R, T>[]

  constructor(lines: readonly Line<R, T>[]) {
    this.#lines = lines
  }

  /** Sends all requests that may leave now. Returns what comes after them. */
  send(now: number): Exclude<Step<R>, { kind: 'send' }> {
    const steps = this.#lines.map(({ dispatcher }) => dispatcher.send(now))
    const { stopped } = this
    if (stopped && this.#lines.some(({ engine }) => !engine.stopped)) {
      this.stop(stopped.code, stopped.message)
      return this.send(now)
    }
    const waits = steps.filter((step) => step.kind === 'wait')
    if (waits.length === 0) return { kind: 'stop' }
    const until = Math.min(...waits.map((step) => step.until))
    return { kind: 'wait', until, pause: waits.find((step) => step.pause)?.pause }
  }

  /** Sends no more requests. The first reason counts. */
  stop(code: PackStreamErrorCode, message: string): void {
    for (const { engine } of this.#lines) engine.stop(code, message)
  }

  /** Ends all requests. */
  close(): void {
    for (const { engine } of this.#lines) engine.close()
    this.abortAll()
  }

  abortAll(): void {
    for (const { dispatcher } of this.#lines) dispatcher.abortAll()
  }

  get stopped(): Stop | undefined {
    return this.#lines.map(({ engine }) => engine.stopped).find((stop) => stop !== undefined)
  }

  get inFlight(): number {
    return this.#lines.reduce((sum, { engine }) => sum + engine.inFlight, 0)
  }

  get isIdle(): boolean {
    return this.#lines.every(({ engine }) => engine.isIdle)
  }

  get wantsMore(): boolean {
    return this.#lines.every(({ engine }) => engine.wantsMore)
  }
}
