import type { Ledger } from '../accounts/ledger.ts'
import type { Entry } from '../record/entry.ts'
import type { Outcome } from '../record/outcome.ts'
import { Company } from './company.ts'
import { decide, FIRST_BALLOTS, storedBallots, type VoteRules } from './tally.ts'

export interface PanelRules<T> {
  /** `undefined`: each record has one question. */
  readonly votes: VoteRules<T> | undefined
  readonly maxPackRecords: number
  readonly maxInFlight: number
}

/**
 * Is told the answer to a question.
 *
 * @typeParam W What the request has to wait for, if it has to wait for the consumer.
 */
export type OnAnswer<R, T, W> = (outcome: Outcome<R, T>, result: unknown) => W | undefined

export interface PanelListener<R, T, W> {
  /** The question has to be sent. */
  readonly add: (entry: Entry<R>) => void
  /** The record has its outcome. */
  readonly settle: (
    entry: Entry<R>,
    ...answer: Parameters<OnAnswer<R, T, W>>
  ) => ReturnType<OnAnswer<R, T, W>>
}

/**
 * The questions about records. A record is one question, unless an option asks more about it. Each
 * question has an entry of its own, and the outcome follows from the answers.
 */
export class Panel<R, T, W> {
  readonly #rules: PanelRules<T>
  readonly #ledger: Ledger
  readonly #listener: PanelListener<R, T, W>
  /** The questions that are no whole record. An entry that is not among them is a record. */
  readonly #asked = new Map<Entry<R>, OnAnswer<R, T, W>>()
  readonly #later: Company<Entry<R>>

  constructor(rules: PanelRules<T>, ledger: Ledger, listener: PanelListener<R, T, W>) {
    this.#rules = rules
    this.#ledger = ledger
    this.#listener = listener
    this.#later = new Company(rules.maxPackRecords, rules.maxInFlight)
  }

  /** Number of questions without an answer. A record that is one question does not count. */
  get open(): number {
    return this.#asked.size
  }

  /** Asks about a record. */
  start(entry: Entry<R>): void {
    const { votes } = this.#rules
    if (votes) this.#vote(entry, votes)
    else this.#listener.add(entry)
  }

  /** Asks one more question about a record. The stream does not end before its answer. */
  ask(question: Entry<R>, onAnswer: OnAnswer<R, T, W>): void {
    this.#asked.set(question, onAnswer)
    this.#listener.add(question)
  }

  /** Like `ask()`, for a question that follows from an answer. It waits for company. */
  askLater(question: Entry<R>, onAnswer: OnAnswer<R, T, W>): void {
    this.#asked.set(question, onAnswer)
    this.#later.add(question)
  }

  /**
   * Asks the questions that have waited for company.
   *
   * @param ended Number of requests that have ended.
   * @param isNow Whether waiting brings no company.
   */
  release(ended: number, isNow: boolean): void {
    for (const question of this.#later.take(ended, isNow)) this.#listener.add(question)
  }

  /** Takes the answer to a question. */
  take(entry: Entry<R>, ...answer: Parameters<OnAnswer<R, T, W>>): ReturnType<OnAnswer<R, T, W>> {
    const onAnswer = this.#asked.get(entry)
    if (!onAnswer) return this.#listener.settle(entry, ...answer)
    this.#asked.delete(entry)
    return onAnswer(...answer)
  }

  #vote(entry: Entry<R>, rules: VoteRules<T>): void {
    const answers: { outcome: Outcome<R, T>; result: unknown }[] = []
    let answered = 0
    const ballot = (number: number): [Entry<R>, OnAnswer<R, T, W>] => [
      // A key of its own, so that two ballots of a record never share a pack.
      { ...entry, partition: `${number}:${entry.partition ?? ''}` },
      (outcome, result) => {
        answers[number] = { outcome, result }
        answered += 1
        return answered < Math.max(FIRST_BALLOTS, answers.length) ? undefined : count()
      },
    ]
    const count = (): W | undefined => {
      const decision = decide(answers, rules)
      if (!decision) {
        this.askLater(...ballot(answers.length))
        return undefined
      }
      const { elected, winner } = decision
      const attempts = answers.reduce((sum, { outcome }) => sum + outcome.attempts, 0)
      this.#ledger.voted(answers.length, elected?.votes)
      const outcome = { ...winner.outcome, attempts, ...elected }
      return this.#listener.settle(entry, outcome, storedBallots(answers))
    }
    for (let number = 0; number < FIRST_BALLOTS; number++) this.ask(...ballot(number))
  }
}
