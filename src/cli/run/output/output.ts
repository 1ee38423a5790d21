import type { Outcome } from '../../../index.ts'
import {
  ERROR,
  INDEX,
  OUTCOME_COLUMNS,
  outcomeColumns,
  withoutIndex,
  type EarlierRow,
  type Reason,
} from '../../../files/index.ts'
import type { Item } from '../../rows/item.ts'
import { hasContent, type OutputFile, type OutputFiles, type RowFile } from '../output-files.ts'
import { readRowsOf, type FileEnd } from '../resume/read-back.ts'
import type { Meta } from './meta.ts'
import type { Before } from '../resume/resume.ts'
import type { ResultColumns } from '../../rows/result-columns.ts'
import { lineFormat, outputRow, styleOf } from '../../rows/output-row.ts'
import type { Io } from '../../io.ts'
import { fileSink, stdoutSink, type Sink } from './sink.ts'

/** Writes outcomes. */
export interface Output extends Sink<Outcome<Item, unknown>> {
  /** The number of cells so far that a spreadsheet would take for formulas. */
  readonly formulas: () => number
}

type RowSink = Sink<Record<string, unknown>> & Pick<Output, 'formulas'>

export interface OutputPlan extends OutputFiles {
  /** The columns of the first typical record. */
  readonly own: readonly string[]
  readonly result: ResultColumns
  readonly meta: Meta
  readonly before: Before
}

/** The columns of an output that is a table. */
export function columnsOf({ own, result, meta, before }: OutputPlan): readonly string[] {
  const { hasIndex, hasError } = meta
  // A table keeps its columns. `_more` has columns of records that come later.
  return (
    before.output.columns ?? [
      ...[...inHeader(own), ...result.names],
      ...OUTCOME_COLUMNS.filter((name) => (name === INDEX ? hasIndex : name !== ERROR || hasError)),
    ]
  )
}

/** `undefined`: the output is no table. */
export function tableColumns(plan: OutputPlan): readonly string[] | undefined {
  return isJsonl(plan.output) ? undefined : columnsOf(plan)
}

export async function openOutput(plan: OutputPlan, io: Io): Promise<Output> {
  const { output, rejects, own, result, meta, before } = plan
  const columns = columnsOf(plan)
  const main = openFile(output?.rows, columns, before.output.lineEnd, io)
  // Without the columns of the result, which the result of a second run needs.
  const ofRejects = before.rejects.columns ?? [...inHeader(own), ...OUTCOME_COLUMNS]
  const second = rejects && openFile(rejects.rows, ofRejects, before.rejects.lineEnd, io)
  if (output && second && before.output.end > 0) await copyMissing(output.rows, second, before, result)
  // A person may have taken the column out of a table.
  const hasIndex = meta.hasIndex && (isJsonl(output) || columns.includes(INDEX))
  return {
    write(outcome) {
      const row = outputRow(outcome, result)
      const isRejected = outcome.status === 'rejected'
      const written =
        isRejected && !meta.hasError ? undefined : main.write(hasIndex ? row : withoutIndex(row))
      // The output first: a later run copies missing rejects from it.
      if (isRejected) void second?.write(row)
      return written
    },
    close() {
      second?.close()
      main.close()
    },
    formulas: main.formulas,
  }
}

/**
 * Copies rejected rows of the output that the rejects lack: an earlier run had no rejects, or the
 * file is gone, or a kill came between the two writes.
 */
async function copyMissing(
  output: RowFile,
  rejects: Sink<Record<string, unknown>>,
  { missing, earlier: { rows, identifier } }: Before,
  result: ResultColumns,
): Promise<void> {
  if (rows.rejected === 0) return
  for await (const row of readRowsOf(output)) {
    if (!row.reason || !missing.take(identifier.ofRejection(row.own, row.reason))) continue
    await rejects.write(asRejected(row, row.reason, result))
  }
}

/** Leaves out names that a reader would refuse. Their values go to `_more`. */
function inHeader(names: readonly string[]): string[] {
  return names.filter((name) => name !== '' && !name.includes('\r'))
}

/** A row of an output as it goes to the rejects, in any two formats. */
function asRejected(
  { index, own }: EarlierRow,
  reason: Reason,
  { names }: ResultColumns,
): Record<string, unknown> {
  // A rejected row has no result, but in a table it has the result's columns: they are empty.
  const kept = Object.entries(own).filter(([name, value]) => !(names.includes(name) && value === ''))
  const row = { ...Object.fromEntries(kept), ...outcomeColumns(index ?? 0, reason) }
  return index === undefined ? withoutIndex(row) : row
}

const isJsonl = (file: OutputFile | undefined): boolean => (file?.rows.format ?? 'jsonl') === 'jsonl'

function openFile(
  file: RowFile | undefined,
  columns: readonly string[],
  lineEnd: FileEnd['lineEnd'],
  { stdout }: Io,
): RowSink {
  const { header, line, formulas } = lineFormat(
    file?.format ?? 'jsonl',
    columns,
    file?.style ?? styleOf('jsonl'),
  )
  const sink = file ? fileSink(file.path) : stdoutSink(stdout)
  const hasHeader = file !== undefined && hasContent(file.path)
  if (!hasHeader && header !== '') void sink.write(header)
  return {
    // As another program has saved the file.
    write: (row) => sink.write(lineEnd === '\n' ? line(row) : line(row).replace(/\n$/, lineEnd)),
    close: () => {
      sink.close()
    },
    formulas,
  }
}
