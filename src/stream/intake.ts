import type { Dispatcher } from './dispatcher.ts'
import type { Entry } from '../record/entry.ts'
import { RecordError } from '../record/errors.ts'
import type { Ledger } from '../accounts/ledger.ts'
import type { Resolved } from '../options/options.ts'
import type { Outcome } from '../record/outcome.ts'
import type { Reuse } from '../cache/reuse.ts'
import { toEntry } from './to-entry.ts'

/** What becomes of the records that go no further. */
export interface IntakeListener<R, T> {
  onOutcome: (outcome: Outcome<R, T>) => void
  /** A record has been looked up: the next one may come. */
  onChange: () => void
  /** Something on this side went wrong. */
  onError: (error: unknown) => void
}

/** Takes records in, one at a time: spares those a request that cannot be sent or need not be, and hands on the others. */
export class Intake<R, T> {
  readonly #options: Resolved<R, T>
  readonly #ledger: Ledger
  readonly #reuse: Reuse<R, T>
  readonly #dispatcher: Dispatcher<R, T>
  readonly #listener: IntakeListener<R, T>
  /** Index before which `flush()` was called: records that Node still buffers have not come here yet. */
  #flushBefore = 0
  #isBusy = false
  #isClosed = false

  constructor(
    options: Resolved<R, T>,
    ledger: Ledger,
    reuse: Reuse<R, T>,
    dispatcher: Dispatcher<R, T>,
    listener: IntakeListener<R, T>,
  ) {
    this.#options = options
    this.#ledger = ledger
    this.#reuse = reuse
    this.#dispatcher = dispatcher
    this.#listener = listener
  }

  /** A record is being looked up in the cache: no other one may come until that is done. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Takes a record in; one that cannot be packed is rejected at once. */
  accept(record: R): void {
    const index = this.#ledger.read()
    const entry = toEntry(record, index, this.#options)
    if (entry instanceof RecordError) {
      this.#listener.onOutcome({ status: 'rejected', index, record, reason: entry, attempts: 0 })
    } else {
      this.#lookUp(entry)
    }
    if (!this.#isBusy) this.#flushBehind(index)
  }

  /** Lets what came leave without company, and so many that are still to come. */
  flush(buffered: number): void {
    const { recordsRead } = this.#ledger
    this.#flushBefore = recordsRead + buffered
    if (!this.#isBusy) this.#flushBehind(recordsRead - 1)
  }

  /** What is still being looked up goes nowhere. */
  close(): void {
    this.#isClosed = true
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
    this.#isBusy = true
    const goOn = (later: { value: T } | undefined): void => {
      this.#isBusy = false
      if (this.#isClosed) return
      this.#admit(entry, later)
      this.#flushBehind(entry.index)
      this.#listener.onChange()
    }
    found.then(goOn).catch((error: unknown) => {
      this.#listener.onError(error)
    })
  }

  #admit(entry: Entry<R>, found: { value: T } | undefined): void {
    if (found) {
      const { index, record } = entry
      this.#ledger.cached('hits')
      this.#listener.onOutcome({ status: 'fulfilled', index, record, value: found.value, attempts: 0 })
    } else {
      this.#reuse.lead(entry)
      this.#dispatcher.add(entry, performance.now())
    }
  }
}
