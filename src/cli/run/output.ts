import { statSync } from 'node:fs'
import type { Outcome } from '../../index.ts'
import type { Item } from '../records.ts'
import { isFile, type OutputFile } from './output-files.ts'
import { lineFormat, outputRow, type LineFormat, type ResultColumns } from './rows.ts'
import { fileSink, stdoutSink, type Sink } from './sink.ts'

/** Where outcomes are written. */
export interface Output {
  write: (outcome: Outcome<Item, unknown>) => Promise<void> | void
  close: () => void
}

export interface OutputPlan {
  /** Standard output if there is none. */
  readonly output: OutputFile | undefined
  readonly rejects: OutputFile | undefined
  /** The columns of the input, as its first record has them. */
  readonly own: readonly string[]
  readonly result: ResultColumns
  /** The columns that the output has already, if it is a table with a header. */
  readonly columns: readonly string[] | undefined
}

export function openOutput({ output, rejects, own, result, columns }: OutputPlan): Output {
  const ours = ['_index', '_error', '_more']
  const all = columns ?? [...own, ...result.names, ...ours]
  const main = openFile(output, all)
  // Without the result's columns, which would be in the way of those of a second run.
  const second = rejects && openFile(rejects, [...own, ...ours])
  return {
    write(outcome) {
      const row = outputRow(outcome, result)
      // First: what is in the rejects and not in the output is cut off when a run goes on.
      if (outcome.status === 'rejected') void second?.write(row)
      return main.write(row)
    },
    close() {
      second?.close()
      main.close()
    },
  }
}

interface RowSink {
  write: (row: Record<string, unknown>) => Promise<void> | void
  close: () => void
}

function openFile(file: OutputFile | undefined, columns: readonly string[]): RowSink {
  const format: LineFormat = lineFormat(file?.format ?? 'jsonl', columns)
  const sink: Sink = file ? fileSink(file.path) : stdoutSink()
  const hasHeader = file !== undefined && isFile(file.path) && statSync(file.path).size > 0
  if (!hasHeader && format.header !== '') void sink.write(format.header)
  return {
    write: (row) => sink.write(format.line(row)),
    close: () => {
      sink.close()
    },
  }
}
