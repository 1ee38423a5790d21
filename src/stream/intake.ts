import type { Ledger } from '../accounts/ledger.ts'
import type { Found } from '../cache/result-cache.ts'
import type { Reuse } from '../cache/reuse.ts'
import type { Entry } from '../record/entry.ts'
import { RecordError } from '../record/errors.ts'
import type { Outcome } from '../record/outcome.ts'
import { reasonToEscalate, type EscalationRules } from '../panel/escalation.ts'
import { toEntry, type EntryRules } from './to-entry.ts'

/** Is told what happens to each record that comes in. */
export interface IntakeListener<R, T> {
  /** The record has its outcome, because it needs no request or cannot be sent. */
  onOutcome: (outcome: Outcome<R, T>) => void
  /** The record has to be sent. */
  onEntry: (entry: Entry<R>) => void
  /** The cache has answered, so the next record may come. */
  onChange: () => void
  /** A part of the stream threw. */
  onError: (error: unknown) => void
}

export interface IntakeRules<R, T> extends EntryRules<R> {
  readonly escalate: EscalationRules<R, T> | undefined
}

/** Takes in one record at a time. Settles records that need no request, and passes others on. */
export class Intake<R, T> {
  readonly #rules: IntakeRules<R, T>
  readonly #ledger: Ledger
  readonly #reuse: Reuse<R, T>
  readonly #listener: IntakeListener<R, T>
  #isBusy = false
  #isClosed = false

  constructor(rules: IntakeRules<R, T>, ledger: Ledger, reuse: Reuse<R, T>, listener: IntakeListener<R, T>) {
    this.#rules = rules
    this.#ledger = ledger
    this.#reuse = reuse
    this.#listener = listener
  }

  /** Whether the cache is looking a record up. The next record must wait for the cache. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Takes a record in. A record that cannot be packed is rejected at once. */
  accept(record: R): void {
    const index = this.#ledger.read()
    const entry = toEntry(record, index, this.#rules)
    if (entry instanceof RecordError) {
      this.#listener.onOutcome({ status: 'rejected', index, record, reason: entry, attempts: 0 })
    } else {
      this.#lookUp(entry)
    }
  }

  /** Ignores a record that the cache is still looking up. */
  close(): void {
    this.#isClosed = true
  }

  /** Passes on a record that needs a request. */
  send(entry: Entry<R>): void {
    this.#reuse.lead(entry)
    this.#listener.onEntry(entry)
  }

  /** Finds a record's value without a request, or passes the record on. */
  #lookUp(entry: Entry<R>): void {
    if (this.#reuse.join(entry)) return
    const found = this.#reuse.find(entry)
    if (!(found instanceof Promise)) {
      this.#admit(entry, found)
      return
    }
    this.#isBusy = true
    const goOn = (later: Found<T> | undefined): void => {
      this.#isBusy = false
      if (this.#isClosed) return
      this.#admit(entry, later)
      this.#listener.onChange()
    }
    found.then(goOn).catch((error: unknown) => {
      this.#listener.onError(error)
    })
  }

  /** A stored value of the first step may need the second step now. */
  #isFinal({ record }: Entry<R>, found: Found<T>): boolean {
    const { escalate } = this.#rules
    return !escalate || found.isEscalated === true || !reasonToEscalate(record, found, escalate)
  }

  #admit(entry: Entry<R>, found: Found<T> | undefined): void {
    if (found && !entry.issuesOf?.(found.value) && this.#isFinal(entry, found)) {
      const { index, record } = entry
      this.#ledger.cached('hits')
      const { value, votes } = found
      const given = { value, ...(votes && { votes }) }
      this.#listener.onOutcome({ status: 'fulfilled', index, record, ...given, attempts: 0 })
    } else {
      this.send(entry)
    }
  }
}
