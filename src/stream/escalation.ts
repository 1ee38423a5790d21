import type { Ledger } from '../accounts/ledger.ts'
import type { SecondStep } from '../options/options.ts'
import { Company } from '../panel/company.ts'
import { outcomeOfBoth, reasonToEscalate, storedStep } from '../panel/escalation.ts'
import type { OnAnswer } from '../panel/panel.ts'
import { questionOf, type Entry } from '../record/entry.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Line } from './lines.ts'

type Settle<R, T> = (
  entry: Entry<R>,
  outcome: Outcome<R, T>,
  /** What the cache stores. */
  stored: unknown,
) => Promise<void> | undefined

export interface EscalationListener<R, T> {
  /** Asks a question. It comes back to `add()`. */
  readonly ask: (question: Entry<R>, onAnswer: OnAnswer<R, T, Promise<void>>) => void
  /** The record has its outcome. */
  readonly settle: Settle<R, T>
}

/** Asks some records once more, with another engine. Makes one outcome of both answers. */
export class Escalation<R, T> {
  readonly #step: SecondStep<R, T>
  readonly #line: Line<R, T>
  readonly #ledger: Ledger
  readonly #listener: EscalationListener<R, T>
  readonly #waiting: Company<Entry<R>>

  constructor(step: SecondStep<R, T>, line: Line<R, T>, ledger: Ledger, listener: EscalationListener<R, T>) {
    this.#step = step
    this.#line = line
    this.#ledger = ledger
    this.#listener = listener
    const { maxPackRecords, maxInFlight } = step.options
    this.#waiting = new Company(maxPackRecords, maxInFlight)
  }

  /** Settles a record with its first answer, or asks it in the second step. */
  settle(entry: Entry<R>, first: Outcome<R, T>, result: unknown): ReturnType<Settle<R, T>> {
    const because = reasonToEscalate(entry.record, first, this.#step)
    if (!because) return this.#listener.settle(entry, first, storedStep(result, 1))
    const { maxPackRecords, maxAttempts } = this.#step.options
    const tokens = this.#line.engine.weigh(entry.text)
    const question = questionOf(entry, maxAttempts, maxPackRecords)
    this.#listener.ask({ ...question, tokens, isEscalated: true, needsNoCap: false }, (second, later) => {
      const { outcome, gain } = outcomeOfBoth(first, second, because)
      this.#ledger.escalated(gain)
      const stored = second.status === 'fulfilled' ? storedStep(later, 2) : storedStep(result, 1)
      return this.#listener.settle(entry, outcome, stored)
    })
    return undefined
  }

  /** Takes a question, which waits for others to share a request with. */
  add(question: Entry<R>): void {
    this.#waiting.add(question)
  }

  /**
   * Passes on the questions that have waited long enough. Returns whether there are any.
   *
   * @param ended Number of requests that have ended.
   * @param isNow Whether waiting brings no company.
   */
  release(ended: number, isNow: boolean, now: number): boolean {
    const questions = this.#waiting.take(ended, isNow)
    for (const question of questions) this.#line.engine.add(question, now)
    if (questions.length === 0) return false
    this.#line.engine.endOfInput(now)
    return true
  }
}
