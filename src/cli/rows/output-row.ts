import type { Outcome } from '../../index.ts'
import {
  csvHeader,
  csvLine,
  jsonlLine,
  outcomeRow,
  reasonOf,
  type Reason,
  type Rejection,
} from '../../files/index.ts'
import { withFlags } from '../flags/usage-error.ts'
import type { Item } from './item.ts'
import type { ResultColumns } from './result-columns.ts'

export type OutputFormat = 'jsonl' | 'csv' | 'tsv'

/** The output row of a record with its outcome. */
export function outputRow(outcome: Outcome<Item, unknown>, columns: ResultColumns): Record<string, unknown> {
  const { index, own } = outcome.record
  const { prefix } = columns
  if (outcome.status === 'fulfilled') {
    const value = columns.areFields ? outcome.value : { result: outcome.value }
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
}

/** @param columns The columns of a format with a header. */
export function lineFormat(format: OutputFormat, columns: readonly string[]): LineFormat {
  if (format === 'jsonl') return { header: '', line: jsonlLine }
  const delimiter = delimiterOf(format)
  return {
    header: csvHeader(columns, delimiter),
    line: (row) => csvLine(row, columns, delimiter),
  }
}

/** The delimiter of a table. */
export function delimiterOf(format: OutputFormat): string {
  return format === 'tsv' ? '\t' : ','
}
