import type { Outcome } from '../../index.ts'
import {
  csvHeader,
  csvLine,
  isFormula,
  jsonlLine,
  outcomeRow,
  reasonOf,
  type Reason,
  type Rejection,
} from '../../files/index.ts'
import { withFlags } from '../flags/usage-error.ts'
import type { Item } from './item.ts'
import { VOTES, type ResultColumns } from './result-columns.ts'

/** A format of rows one after the other, which a run can extend. */
export type RowFormat = 'jsonl' | 'csv' | 'tsv'

/** The other formats have an end: a run makes such a file of its rows at its own end. */
export type OutputFormat = RowFormat | 'json' | 'parquet'

/** How a table is written. */
export interface TableStyle {
  readonly delimiter: string
  /** Whether it begins with a byte order mark. */
  readonly bom: boolean
  readonly escapesFormulas: boolean
}

export function styleOf(format: RowFormat, style: Partial<TableStyle> = {}): TableStyle {
  return { delimiter: format === 'tsv' ? '\t' : ',', bom: false, escapesFormulas: false, ...style }
}

/** The output row of a record with its outcome. */
export function outputRow(outcome: Outcome<Item, unknown>, columns: ResultColumns): Record<string, unknown> {
  const { index, own } = outcome.record
  const { prefix } = columns
  if (outcome.status === 'fulfilled') {
    const { votes } = outcome
    const value = {
      ...(columns.areFields ? (outcome.value as object) : { result: outcome.value }),
      ...(columns.hasVotes && votes && { [VOTES]: `${votes.agreed} of ${votes.count}` }),
    }
    return outcomeRow({ status: 'fulfilled', index, record: own, value }, { prefix })
  }
  return outcomeRow({ status: 'rejected', index, record: own, reason: rejectedBy(outcome) }, { prefix })
}

type Rejected = Extract<Outcome<Item, unknown>, { status: 'rejected' }>

/** The reason of a rejection, in full. */
export function rejectionOf(outcome: Rejected): Reason {
  return reasonOf(rejectedBy(outcome))
}

/** The error of a rejection. This function knows more about a bad row than the stream does. */
function rejectedBy({ record: { text }, reason }: Rejected): Rejection {
  return typeof text === 'string' ? reason : text
}

/** The reason for a person: `tickets.csv:7: there is no text to ask about`. */
export function explain(outcome: Rejected): string {
  const { file, line, text } = outcome.record
  const message = withFlags(rejectionOf(outcome).message)
  return typeof text === 'string' ? `${file}:${line}: ${message}` : message
}

/** The header and the lines of a format. */
export interface LineFormat {
  readonly header: string
  readonly line: (row: Record<string, unknown>) => string
  /** The number of cells so far that a spreadsheet would take for formulas. */
  readonly formulas: () => number
}

/** @param columns The columns of a format with a header. */
export function lineFormat(format: RowFormat, columns: readonly string[], style: TableStyle): LineFormat {
  if (format === 'jsonl') return { header: '', line: jsonlLine, formulas: () => 0 }
  const { delimiter, bom, escapesFormulas } = style
  let formulas = 0
  return {
    header: (bom ? '\ufeff' : '') + csvHeader(columns, delimiter, escapesFormulas),
    line: (row) => {
      if (!escapesFormulas) formulas += columns.filter((name) => isFormulaText(row[name])).length
      return csvLine(row, columns, delimiter, escapesFormulas)
    },
    formulas: () => formulas,
  }
}

function isFormulaText(value: unknown): boolean {
  return typeof value === 'string' && isFormula(value)
}
