import { pipeline } from 'node:stream/promises'
import { PackStreamError, type PackStream, type RecordError, type RequestError } from '../../index.ts'
import { exitCodes, withFlags } from '../flags/usage-error.ts'
import { isHopeless, isOfServer, withCause } from '../terminal/failure.ts'
import type { Item } from '../rows/item.ts'
import type { Items } from '../rows/items.ts'
import type { Output } from './output/output.ts'
import type { ReadBack } from './resume/read-back.ts'
import { explain } from '../rows/output-row.ts'

/** Why a run ends before its input does. */
export interface Halt {
  readonly status: 'interrupted' | 'failed'
  readonly exitCode: number
  /** Empty where nobody needs to be told. */
  readonly message: string
  /** What has to be mended before it is of use to go on. */
  readonly blame?: 'server' | 'input' | undefined
}

/** Takes records through the stream and writes their outcomes, until the input ends or something stops it. */
export class Flow {
  readonly #stream: PackStream<Item>
  readonly #items: Items
  /** What earlier runs have written. */
  readonly before: ReadBack
  readonly #output: Output
  readonly #isStrict: boolean
  readonly #hasGaps: boolean
  /** The record that is to be written next, where there may be no gaps. */
  #next = 0
  #halt: Halt | undefined
  /** Records that have been read, those of earlier runs too. */
  read = 0
  /** All of them have been. */
  isAllRead = false
  /** Outcomes that have been written. */
  fulfilled = 0
  rejected = 0
  /** Which was rejected first, and why. */
  firstRejection: string | undefined
  /** When the first record was asked, as of `performance.now()`. */
  startedAt: number | undefined

  /**
   * @param isStrict Whether it ends at the first row that cannot be asked.
   * @param hasGaps Whether a record may be written although one before it has no outcome, so that a later run has to put that
   *   one behind it.
   */
  constructor(
    stream: PackStream<Item>,
    items: Items,
    before: ReadBack,
    output: Output,
    { isStrict, hasGaps }: { isStrict: boolean; hasGaps: boolean },
  ) {
    this.#stream = stream
    this.#items = items
    this.before = before
    this.#output = output
    this.#isStrict = isStrict
    this.#hasGaps = hasGaps
  }

  /** Sends nothing more, and lets what runs come to its end. The first reason counts. */
  stop(halt: Halt): void {
    this.#halt ??= halt
    this.#stream.stop()
    this.#items.close()
  }

  /** Returns why it ended before its time, if it did. */
  async run(): Promise<Halt | undefined> {
    const [reading] = await Promise.allSettled([pipeline(() => this.#unasked(), this.#stream), this.#write()])
    return this.#halt ?? (reading.status === 'rejected' ? haltBy(reading.reason) : undefined)
  }

  /** The records that no earlier run has written, up to where the input breaks off. */
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
      // Not thrown: what came before it is to be finished, and some of it has been paid for.
      this.#halt ??= { ...haltBy(error), blame: 'input' }
    }
  }

  async #write(): Promise<void> {
    try {
      for await (const outcome of this.#stream) {
        if (!this.#hasGaps && !this.#isNext(outcome.record.index)) continue
        if (outcome.status === 'rejected') {
          if (this.#isHopeless(outcome.reason)) throw outcome.reason
          this.firstRejection ??= explain(outcome)
        }
        await this.#output.write(outcome)
        this[outcome.status] += 1
      }
    } catch (error) {
      // Before the input is closed: to the one that reads, that is an error of its own.
      this.#halt ??= haltBy(error)
    } finally {
      this.#items.close()
    }
  }

  /** A stream that is stopped gives out what it has, also behind a record that has no outcome. */
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
    // The last records of a small job may be what it always fails of.
    return code === 'connection' || !this.isAllRead
  }
}

/** What goes wrong at the end, when all is done, ends it as well. */
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
  // Whoever read standard output has had enough, as `head` has: 128 and the number of SIGPIPE.
  if (code === 'EPIPE') return { status: 'interrupted', exitCode: 141, message: '' }
  return {
    status: 'failed',
    exitCode: exitCodes.fatal,
    message: error instanceof PackStreamError ? withFlags(error.message) : withCause(error as Error),
    blame: isOfServer({ code }) ? 'server' : undefined,
  }
}
