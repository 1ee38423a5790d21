import { isExactNumber, type Reason } from '../../files/index.ts'
import { RejectedReasons } from '../measure/rejected-reasons.ts'
import { Reservoir } from '../measure/reservoir.ts'
import { Tally } from './tally.ts'
import { nested, valueText } from './value-text.ts'

const SAMPLE_ROWS = 50
/** Columns of results that are counted: a nested result may have very many. */
const MOST_COLUMNS = 40

/** A row of an output. */
export interface ResultRow {
  /** The columns of the record and of its result. */
  readonly columns: Readonly<Record<string, unknown>>
  /** Why the record was rejected. */
  readonly reason: Reason | undefined
}

/** A row that the page shows. */
export interface ShownRow {
  /** Its place in the output, from 1. */
  readonly at: number
  readonly cells: ReadonlyMap<string, string>
  readonly error: string | undefined
  /** What the model wrote instead of a result. */
  readonly raw: string | undefined
}

/** Reads the rows of an output for a page, in a bounded amount of memory. */
export class Contents {
  readonly #resultColumns: ReadonlySet<string> | undefined
  readonly sample = new Reservoir<ShownRow>(SAMPLE_ROWS)
  /** The values of the results, by column. */
  readonly tallies = new Map<string, Tally>()
  readonly rejects = new RejectedReasons<ShownRow>()
  rows = 0
  /** Rows that are broken. */
  unreadable = 0
  /** Whether a run has not made the output of these rows. */
  isJournal = false

  /** @param resultColumns `undefined`: the result may be in any column. */
  constructor(resultColumns: readonly string[] | undefined) {
    this.#resultColumns = resultColumns && new Set(resultColumns)
  }

  add(row: ResultRow): void {
    this.rows += 1
    const at = this.rows
    this.sample.offer(() => shownRow(row, at))
    if (row.reason) {
      this.rejects.add(row.reason, () => shownRow(row, at))
      return
    }
    for (const [name, value] of Object.entries(row.columns)) {
      if (this.#resultColumns?.has(name) ?? true) this.#count(name, nested(value))
    }
  }

  get rejected(): number {
    return this.rejects.count
  }

  /** An object has a tally for each of its fields. Each item of a list counts. */
  #count(name: string, value: unknown): void {
    if (Array.isArray(value)) {
      for (const item of value) this.#count(`${name}[]`, item)
    } else if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) this.#count(`${name}.${key}`, inner)
    } else {
      const tally = this.tallies.get(name) ?? new Tally()
      if (this.tallies.size < MOST_COLUMNS) this.tallies.set(name, tally)
      tally.add(value)
    }
  }
}

/** Whether it has fields to count. */
function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isExactNumber(value) && Object.keys(value).length > 0
}

function shownRow({ columns, reason }: ResultRow, at: number): ShownRow {
  const cells = Object.entries(columns).map(([name, value]) => [name, valueText(value)] as const)
  const error = reason && `${reason.code}: ${reason.message}`
  return { at, cells: new Map(cells), error, raw: reason?.raw }
}
