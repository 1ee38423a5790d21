import { pipeline } from 'node:stream/promises'
import { PackStreamError, type PackStream, type RecordError, type RequestError } from '../../index.ts'
import { exitCodeOf, withFlags } from '../flags/usage-error.ts'
import { isHopeless, isOfServer, withCause } from '../terminal/failure.ts'
import type { Item } from '../rows/item.ts'
import type { Items } from '../rows/items.ts'
import type { Output } from './output/output.ts'
import type { ReadBack } from './resume/read-back.ts'
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

/**
 * Sends records through the stream and writes their outcomes, until the input ends or the run
 * stops.
 */
export class Flow {
  readonly #stream: PackStream<Item>
  readonly #items: Items
  /** The rows that earlier runs wrote. */
  readonly before: ReadBack
  readonly #output: Output
  readonly #counter: ReasonCounter
  readonly #isStrict: boolean
  readonly #hasGaps: boolean
  /** Index of the next record to write, if the output has no gaps. */
  #next = 0
  #halt: Halt | undefined
  /** Records that were read, including the records of earlier runs. */
  read = 0
  /** Whether all records were read. */
  isAllRead = false
  /** Outcomes that this run wrote. */
  fulfilled = 0
  rejected = 0
  /** The first rejected record, and why. */
  firstRejection: string | undefined
  /** Time of the first record that was sent, from `performance.now()`. */
  startedAt: number | undefined

  /**
   * @param counter Counts the rejected records by reason.
   * @param isStrict Whether the run ends at the first row that cannot be sent.
   * @param hasGaps Whether the output may have a record while an earlier record has no outcome. A
   *   later run then writes the earlier record behind it.
   */
  constructor(
    stream: PackStream<Item>,
    items: Items,
    before: ReadBack,
    output: Output,
    { counter, isStrict, hasGaps }: { counter: ReasonCounter; isStrict: boolean; hasGaps: boolean },
  ) {
    this.#stream = stream
    this.#items = items
    this.before = before
    this.#output = output
    this.#counter = counter
    this.#isStrict = isStrict
    this.#hasGaps = hasGaps
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
        if (this.before.done.has(item.index)) continue
        if (this.#isStrict && typeof item.text !== 'string') {
          this.#halt ??= { ...haltBy(item.text), blame: 'input' }
          return
        }
        this.startedAt ??= performance.now()
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
        if (!this.#hasGaps && !this.#isNext(outcome.record.index)) continue
        if (outcome.status === 'rejected') {
          if (this.#isHopeless(outcome.reason)) throw outcome.reason
          this.#counter.rejected(rejectionOf(outcome))
          this.firstRejection ??= explain(outcome)
        }
        await this.#output.write(outcome)
        this[outcome.status] += 1
      }
    } catch (error) {
      // Before the input is closed, because the reader takes that for an error of its own.
      this.#halt ??= haltBy(error)
    } finally {
      this.#items.close()
    }
  }

  /**
   * Whether a record is the next one. A stopped stream returns all its outcomes, even behind a gap.
   */
  #isNext(index: number): boolean {
    while (this.before.done.has(this.#next)) this.#next += 1
    if (index !== this.#next) return false
    this.#next += 1
    return true
  }

  #isHopeless(reason: RecordError): boolean {
    const hasAnswered = this.fulfilled > 0 || this.before.done.size > this.before.rejected.size
    if (!isHopeless(reason, hasAnswered)) return false
    const { code } = reason.cause as Partial<RequestError>
    // The last records of a small job may be the reason of the failure.
    return code === 'connection' || !this.isAllRead
  }
}

/** Makes a halt of an error at the very end of a run. */
export function haltIfThrows(close: () => void): Halt | undefined {
  try {
    close()
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
