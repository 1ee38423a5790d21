import { readBackRow, readRows } from '../../files/index.ts'
import type { Given } from '../flags/config.ts'
import { asInputError, Items } from '../rows/items.ts'
import { lock } from '../rows/lock.ts'
import { isTable, loadEnvFile, readJob, type Job } from '../task/job.ts'
import { Opened, openJob } from '../task/open-job.ts'
import type { Io } from '../io.ts'
import { partitionBy, textWith } from '../task/partition.ts'
import { columnNames } from '../rows/item.ts'
import { outputRow } from '../rows/output-row.ts'
import { resultColumns, type ResultColumns } from '../rows/result-columns.ts'
import { given } from '../flags/given.ts'
import { inFlags, UsageError } from '../flags/usage-error.ts'
import type { RunFlags } from './flags.ts'
import { Flow, haltIfThrows } from './flow.ts'
import { metaOf } from './output/meta.ts'
import { finishFile, openJournal } from './output/finished.ts'
import { columnsOf, openOutput, tableColumns } from './output/output.ts'
import { outputFiles, real } from './output-files.ts'
import { report } from './report.ts'
import { moveToBackup } from './resume/aside.ts'
import { noteReplacing } from './resume/notes.ts'
import { endReplacing, finishReplacing, readBefore } from './resume/resume.ts'
import { keyOf, stateOf } from './resume/settings.ts'
import { readState, writeState, type RunState } from './resume/state.ts'
import { summaryOf } from './summary.ts'
import { watch } from './watch.ts'
import { Observer } from '../measure/observer.ts'
import { recorderOf } from '../measure/recorder.ts'
import { commandLine, withoutTexts } from '../page/command-line.ts'
import { Contents } from '../page/contents.ts'
import { alsoIn, checkReport, writeReport } from './run-page.ts'
import { recordOf } from './run-record.ts'

/** Runs of an output that are kept for a report. */
const MOST_RUNS = 20

/** Returns the exit code. */
export async function run(
  { patterns, flags }: Given<RunFlags>,
  io: Io,
  argv: readonly string[],
): Promise<number> {
  const { force = false, overwrite = false, retryRejected: isRetry = false } = flags
  if (force && overwrite) throw new UsageError('Expected --force or --overwrite, got both')
  if (isRetry && overwrite) throw new UsageError('Expected --retry-rejected or --overwrite, got both')
  const meta = metaOf(flags.meta)
  loadEnvFile(flags.envFile, io)
  const job = withoutOurs(await readJob(patterns, flags, io), patterns, flags)
  const result = resultColumns(job.result.fields, flags.prefix ?? '', flags)
  const targets = outputFiles(job.files, flags)
  const kept = targets.output?.canResume ? targets.output.path : undefined
  checkReport(flags)
  const opened = new Opened()
  try {
    for (const file of [targets.output, targets.rejects]) {
      if (file?.canResume) opened.add(lock(file.path))
    }
    const { highWaterMark, readableHighWaterMark, writableHighWaterMark, ordered } = flags
    const own = {
      ...job.options,
      ...given({ highWaterMark, readableHighWaterMark, writableHighWaterMark, preserveOrder: ordered }),
      ...given({ partition: partitionBy(flags.partition) }),
    }
    const { stream, server } = await openJob(own, flags, opened, io, job.result.fields)
    const rows = inFlags(() => readRows(job.files, job.read))
    opened.add(() => rows.destroy())
    const last = kept === undefined || overwrite ? undefined : readState(kept)
    const key = keyOf(flags.key) ?? last?.key ?? []
    checkKey(key, result)
    const needed = [flags.partition ?? [], key].flat()
    const items = new Items(rows, job.limit, textWith(job.textOf, needed), new Set(result.names))
    const first = await items
      .first((file) => isTable(job, file))
      .catch((error: unknown) => {
        throw asInputError(error)
      })

    // From here on files are changed.
    if (overwrite) moveToBackup(targets)
    const now = stateOf(job, flags, server, result.names, targets)
    const again = { last: endReplacing(targets.output, last), force, isRetry, hasErrors: meta.hasError }
    const journal = await openJournal(targets.output)
    const before = await readBefore(targets, now, again).catch((error: unknown) => {
      throw journal.giveUp(error as Error)
    })
    const { earlier } = before
    if (earlier.rows.fulfilled > 0) stream.assumeAccepted()
    const plan = { ...targets, own: first ? columnNames(first) : (rows.columns ?? []), result, meta, before }
    let state = { ...before.state, ...given({ columns: tableColumns(plan) }) }
    const keep = (next: RunState) => {
      state = next
      if (kept !== undefined) writeState(kept, state)
    }
    // Before the output, because no run can continue an output without a state.
    keep(state)
    const output = await openOutput(plan, io)
    const observer = new Observer(stream)
    opened.add(observer.close)
    const recorder = recorderOf(stream, observer.firstToken)
    opened.add(recorder.stop)
    const contents = flags.report === undefined || kept !== undefined ? undefined : new Contents(result.names)
    const written = contents ? alsoIn(contents, output, result) : output
    const flow = new Flow(stream, items, earlier, written, {
      counter: observer.counter,
      isStrict: flags.strict ?? false,
      hasGaps: !ordered || kept === undefined,
      beforeReplacing(outcome) {
        const row = readBackRow(outputRow(outcome, result))
        if (row && kept !== undefined) noteReplacing(kept, row)
      },
    })
    const ended = await watch(flow, stream, rows, job, observer, flags, io)
    const closed = await haltIfThrows(async () => {
      output.close()
      state = await finishReplacing(targets, state, earlier)
      await finishFile(targets.output, columnsOf(plan), journal.finished)
    })
    const halt = ended ?? closed
    const { measured, reasons } = observer
    const accounts = {
      stats: stream.stats,
      price: job.price,
      reasons,
      measured,
      server,
      formulas: output.formulas(),
    }
    const summary = summaryOf(flow, job.limit, accounts, halt, flags)
    report(summary, halt, flags, io)
    const record = recordOf(summary, recorder.stop(), { job, flags, argv, resultColumns: result.names }, io)
    const quiet = { ...record, command: commandLine(withoutTexts(argv), io.env) }
    keep({ ...state, runs: [...(state.runs ?? []).slice(1 - MOST_RUNS), quiet] })
    if (flags.report !== undefined) await writeReport(flags.report, record, targets.output, contents, io)
    return summary.exitCode
  } finally {
    await opened.close()
  }
}

function checkKey(key: readonly string[], { names }: ResultColumns): void {
  const taken = key.find((name) => names.includes(name))
  if (taken !== undefined)
    throw new UsageError(`--key: ${taken} is a column of the result, not of the records`)
}

/** Leaves out the files of this run, which a glob may find: an earlier run wrote them. */
function withoutOurs(
  job: Job,
  patterns: readonly string[],
  { output, rejects, cache, report }: RunFlags,
): Job {
  const ours = [output, rejects, cache, report].filter((path) => path !== undefined).map(real)
  const isOurs = (file: string) =>
    ours.some((path) => file === path || /^(?:\.(?:run|bak|replaced|torn)\b|-)/.test(after(path, file)))
  return { ...job, files: job.files.filter((file) => patterns.includes(file) || !isOurs(real(file))) }
}

/** The end of a name that begins with another name. */
function after(begin: string, name: string): string {
  return name.startsWith(begin) ? name.slice(begin.length) : ''
}
