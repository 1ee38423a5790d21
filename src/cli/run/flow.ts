import { pipeline } from 'node:stream/promises'
import {
  PackStreamError,
  type Outcome,
  type PackStream,
  type RecordError,
  type RequestError,
} from '../../index.ts'
import { exitCodeOf, withFlags } from '../flags/usage-error.ts'
import { isHopeless, isOfServer, withCause } from '../terminal/failure.ts'
import type { Item } from '../rows/item.ts'
import type { Items } from '../rows/items.ts'
import type { Output } from './output/output.ts'
import type { Identity } from '../rows/identity.ts'
import type { Earlier } from './resume/earlier.ts'
import { explain, rejectionOf } from '../rows/output-row.ts'
import type { ReasonCounter } from '../measure/reasons.ts'

/** Why a run ends before its input. */
export interface Halt {
  readonly status: 'interrupted' | 'failed'
  readonly exitCode: number
  /** Empty if there is nothing to say. */
  readonly message: string
  /** The part that must change before it makes sense to continue. */
  readonly blame?: 'server' | 'input' | undefined
}

export interface FlowRules {
  /** Counts the rejected records by reason. */
  readonly counter: ReasonCounter
  /** Whether the run ends at the first row that cannot be sent. */
  readonly isStrict: boolean
  /**
   * Whether the output may have a record while an earlier record has no outcome. A later run then
   * writes the earlier record behind it.
   */
  readonly hasGaps: boolean
  /** Is called before a row is written that replaces an earlier row. */
  readonly beforeReplacing: (outcome: Outcome<Item, unknown>) => void
}

/**
 * Sends records through the stream and writes their outcomes, until the input ends or the run
 * stops.
 */
export class Flow {
  readonly #stream: PackStream<Item>
  readonly #items: Items
  /** The rows that earlier runs wrote. */
  readonly before: Earlier
  readonly #output: Output
  readonly #rules: FlowRules
  /** Records in the stream whose row will replace an earlier row. */
  readonly #replacing = new WeakMap<Item, Identity>()
  /** Records that were asked, and outcomes that were written. */
  #asked = 0
  #written = 0
  #halt: Halt | undefined
  /** Records that were read, including the records of earlier runs. */
  read = 0
  /** Whether all records were read. */
  isAllRead = false
  /** Whether a new record stood before a record of an earlier run. */
  isMixed = false
  /** Outcomes that this run wrote. */
  fulfilled = 0
  rejected = 0
  /** The first rejected record, and why. */
  firstRejection: string | undefined
  /** Time of the first record that was sent, from `performance.now()`. */
  startedAt: number | undefined

  constructor(stream: PackStream<Item>, items: Items, before: Earlier, output: Output, rules: FlowRules) {
    this.#stream = stream
    this.#items = items
    this.before = before
    this.#output = output
    this.#rules = rules
  }

  /** Sends no more requests, and lets the running requests end. The first reason counts. */
  stop(halt: Halt): void {
    this.#halt ??= halt
    this.#stream.stop()
    this.#items.close()
  }

  /** Returns why the run ended before its input, if it did. */
  async run(): Promise<Halt | undefined> {
    const [reading] = await Promise.allSettled([pipeline(() => this.#unasked(), this.#stream), this.#write()])
    return this.#halt ?? (reading.status === 'rejected' ? haltBy(reading.reason) : undefined)
  }

  /** The records that no earlier run wrote, until the input ends or breaks off. */
  async *#unasked(): AsyncGenerator<Item> {
    try {
      for await (const item of this.#items) {
        this.read += 1
        if (this.#isDone(item)) continue
        if (this.#rules.isStrict && typeof item.text !== 'string') {
          this.#halt ??= { ...haltBy(item.text), blame: 'input' }
          return
        }
        this.startedAt ??= performance.now()
        this.#asked += 1
        yield item
      }
      this.isAllRead = true
    } catch (error) {
      // No error is thrown: the run finishes the records before it, and some of them are paid for.
      this.#halt ??= { ...haltBy(error), blame: 'input' }
    }
  }

  async #write(): Promise<void> {
    try {
      for await (const outcome of this.#stream) {
        // A stopped stream returns all its outcomes, even behind a gap.
        if (!this.#rules.hasGaps && outcome.index !== this.#written) continue
        if (outcome.status === 'rejected') {
          if (this.#isHopeless(outcome.reason)) throw outcome.reason
          this.#rules.counter.rejected(rejectionOf(outcome))
          this.firstRejection ??= explain(outcome)
        }
        const replacing = this.#replacing.get(outcome.record)
        if (replacing) {
          this.#rules.beforeReplacing(outcome)
          this.before.note(replacing)
        }
        await this.#output.write(outcome)
        this.#written += 1
        this[outcome.status] += 1
      }
    } catch (error) {
      // Before the input is closed, because the reader takes that for an error of its own.
      this.#halt ??= haltBy(error)
    } finally {
      this.#items.close()
    }
  }

  /** Whether an earlier run wrote the row of a record. */
  #isDone(item: Item): boolean {
    if (this.before.isEmpty) return false
    const identity = this.before.identify(item)
    if (this.before.take(identity)) {
      this.isMixed ||= this.#asked > 0
      return true
    }
    if (this.before.isReplacing(identity)) this.#replacing.set(item, identity)
    return false
  }

  #isHopeless(reason: RecordError): boolean {
    const hasAnswered = this.fulfilled > 0 || this.before.rows.fulfilled > 0
    if (!isHopeless(reason, hasAnswered)) return false
    const { code } = reason.cause as Partial<RequestError>
    // The last records of a small job may be the reason of the failure.
    return code === 'connection' || !this.isAllRead
  }
}

/** Makes a halt of an error at the very end of a run. */
export async function haltIfThrows(end: () => Promise<void>): Promise<Halt | undefined> {
  try {
    await end()
    return undefined
  } catch (error) {
    return haltBy(error)
  }
}

function haltBy(error: unknown): Halt {
  const { code } = error as NodeJS.ErrnoException
  // The reader of standard output stopped early, as `head` does: 128 and the number of SIGPIPE.
  if (code === 'EPIPE') return { status: 'interrupted', exitCode: 141, message: '' }
  return {
    status: 'failed',
    exitCode: exitCodeOf(error as Error),
    message: error instanceof PackStreamError ? withFlags(error.message) : withCause(error as Error),
    blame: isOfServer({ code }) ? 'server' : undefined,
  }
}
