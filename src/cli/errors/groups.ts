import type { EarlierRow } from '../../files/index.ts'
import { RejectedReasons, type RejectedReason } from '../measure/rejected-reasons.ts'
import { cut } from '../terminal/account.ts'

/** Longest text of a record or of a model in an example, in characters. */
const TEXT_LENGTH = 500

export interface RejectedExample {
  /** The row, as `file:line`. */
  readonly row: string
  /** Position of the record in the input. `undefined`: the file does not have it. */
  readonly index: number | undefined
  /** The message with the parts that are different in each record. */
  readonly message: string
  /** The beginning of the record, as JSON. */
  readonly record: string
  /** The beginning of what the model wrote instead of a result. */
  readonly raw: string | undefined
}

export type RejectedGroup = RejectedReason<RejectedExample>

/** The rejected rows of files by reason, the most frequent reason first. */
export interface ErrorReport {
  readonly files: readonly string[]
  readonly rows: number
  readonly rejected: number
  /** Rows that no run wrote, such as an unfinished row at the end. */
  readonly foreign: number
  readonly groups: readonly RejectedGroup[]
}

/** Groups rejected rows by reason, in bounded memory. */
export class Groups {
  readonly #groups = new RejectedReasons<RejectedExample>()
  #rows = 0
  #foreign = 0

  /** @param earlier What a run wrote. `undefined`: no run wrote the row. */
  add(row: string, earlier: EarlierRow | undefined): void {
    this.#rows += 1
    if (!earlier) this.#foreign += 1
    if (!earlier?.reason) return
    const { index, own, reason } = earlier
    this.#groups.add(reason, () => ({
      ...{ row, index, message: reason.message },
      record: cut(textOf(own), TEXT_LENGTH),
      raw: reason.raw === undefined ? undefined : cut(reason.raw, TEXT_LENGTH),
    }))
  }

  report(files: readonly string[]): ErrorReport {
    const { count: rejected, list: groups } = this.#groups
    return { files, rows: this.#rows, rejected, foreign: this.#foreign, groups }
  }
}

/** A record as its row has it. Empty cells are those of a result that did not come. */
function textOf(own: Readonly<Record<string, unknown>>): string {
  const filled = Object.entries(own).filter(([, value]) => value !== '')
  const [first] = filled
  if (filled.length === 1 && typeof first?.[1] === 'string') return first[1]
  return JSON.stringify(Object.fromEntries(filled))
}
