import type { Outcome } from '../../../index.ts'
import { OUTCOME_COLUMNS, outcomeColumns, type EarlierRow } from '../../../files/index.ts'
import type { Item } from '../../rows/item.ts'
import { hasContent, type OutputFile, type OutputFiles } from '../output-files.ts'
import { rejectedRows } from '../resume/read-back.ts'
import type { Before } from '../resume/resume.ts'
import type { ResultColumns } from '../../rows/result-columns.ts'
import { lineFormat, outputRow } from '../../rows/output-row.ts'
import type { Io } from '../../io.ts'
import { fileSink, stdoutSink, type Sink } from './sink.ts'

/** Writes outcomes. */
export type Output = Sink<Outcome<Item, unknown>>

export interface OutputPlan extends OutputFiles {
  /** The columns of the first typical record. */
  readonly own: readonly string[]
  readonly result: ResultColumns
  readonly before: Before
}

export async function openOutput(
  { output, rejects, own, result, before }: OutputPlan,
  io: Io,
): Promise<Output> {
  const columns = [...inHeader(own), ...result.names, ...OUTCOME_COLUMNS]
  // A table keeps its columns.
  const main = openFile(output, before.output.columns ?? columns, io)
  // Without the columns of the result, which the result of a second run needs.
  const ofRejects = [...inHeader(own), ...OUTCOME_COLUMNS]
  const second = rejects && openFile(rejects, before.rejects.columns ?? ofRejects, io)
  if (output && second && before.rejects.done.size < before.output.rejected.size) {
    // An earlier run had no rejects file, or the file is gone, or a kill came between the two
    // writes.
    for await (const row of rejectedRows(output, before.rejects.done))
      await second.write(asRejected(row, result))
  }
  return {
    write(outcome) {
      const row = outputRow(outcome, result)
      const written = main.write(row)
      // The output first: a later run copies missing rejects from it.
      if (outcome.status === 'rejected') void second?.write(row)
      return written
    },
    close() {
      second?.close()
      main.close()
    },
  }
}

/** Leaves out names that a reader would refuse. Their values go to `_more`. */
function inHeader(names: readonly string[]): string[] {
  return names.filter((name) => name !== '' && !name.includes('\r'))
}

/** A row of an output as it goes to the rejects, in any two formats. */
function asRejected({ index, reason, own }: EarlierRow, { names }: ResultColumns): Record<string, unknown> {
  // A rejected row has no result, but in a table it has the result's columns: they are empty.
  const kept = Object.entries(own).filter(([name, value]) => !(names.includes(name) && value === ''))
  return { ...Object.fromEntries(kept), ...outcomeColumns(index, reason) }
}

function openFile(
  file: OutputFile | undefined,
  columns: readonly string[],
  { stdout }: Io,
): Sink<Record<string, unknown>> {
  const { header, line } = lineFormat(file?.format ?? 'jsonl', columns)
  const sink = file ? fileSink(file.path) : stdoutSink(stdout)
  const hasHeader = file !== undefined && hasContent(file)
  if (!hasHeader && header !== '') void sink.write(header)
  return {
    write: (row) => sink.write(line(row)),
    close: () => {
      sink.close()
    },
  }
}
