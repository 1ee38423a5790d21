import { FileError, findFiles, readBackRow, readRows, RowError } from '../../files/index.ts'
import { given } from '../flags/given.ts'
import { exitCodes, UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { rowsFileOf } from '../rows/journal.ts'
import type { ErrorsFlags } from './flags.ts'
import { formatErrors } from './format.ts'
import { Groups, type ErrorReport } from './groups.ts'

/** Returns the exit code. */
export async function errors(patterns: readonly string[], flags: ErrorsFlags, io: Io): Promise<number> {
  const { stdout } = io
  const report = await reportOf(patterns, flags, io).catch((error: unknown) => {
    const isOfFile = error instanceof RowError || error instanceof FileError
    throw isOfFile ? new UsageError(error.message, { cause: error }) : error
  })
  stdout.write(flags.json ? `${JSON.stringify(report)}\n` : formatErrors(report))
  return exitCodes.fulfilled
}

async function reportOf(
  patterns: readonly string[],
  { format }: ErrorsFlags,
  { stdin }: Io,
): Promise<ErrorReport> {
  const files = await findFiles(
    format === undefined ? patterns.map((pattern) => rowsFileOf(pattern).path) : patterns,
  )
  const groups = new Groups()
  const ofStdin = files.includes('-') ? { stdin, format: format ?? 'jsonl' } : given({ format })
  const options = { ...ofStdin, maxRecordBytes: Number.MAX_SAFE_INTEGER, exactNumbers: true }
  for await (const row of readRows(files, options)) {
    const earlier = row.error ? undefined : readBackRow((row.record ?? {}) as Record<string, unknown>)
    groups.add(`${row.file === '-' ? 'stdin' : row.file}:${row.line}`, earlier)
  }
  return groups.report(files)
}
