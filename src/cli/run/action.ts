import { FileError, readRows, RowError } from '../../files/index.ts'
import type { Given } from '../flags/config.ts'
import { Items } from '../rows/items.ts'
import { isTable, loadEnvFile, readJob, type Job } from '../task/job.ts'
import { Opened, openJob } from '../task/open-job.ts'
import type { Io } from '../io.ts'
import { partitionBy, textWith } from '../task/partition.ts'
import { columnNames } from '../rows/item.ts'
import { resultColumns } from '../rows/result-columns.ts'
import { given } from '../flags/given.ts'
import { inFlags, UsageError } from '../flags/usage-error.ts'
import type { RunFlags } from './flags.ts'
import { Flow, haltIfThrows } from './flow.ts'
import { lock } from './resume/lock.ts'
import { openOutput } from './output/output.ts'
import { outputFiles, real } from './output-files.ts'
import { report } from './report.ts'
import { readBefore, removeBefore } from './resume/resume.ts'
import { stateOf } from './resume/settings.ts'
import { writeState } from './resume/state.ts'
import { summaryOf } from './summary.ts'
import { watch } from './watch.ts'
import { Observer } from '../measure/observer.ts'

/** Returns the exit code. */
export async function run({ patterns, flags }: Given<RunFlags>, io: Io): Promise<number> {
  const { force = false, overwrite = false } = flags
  if (force && overwrite) throw new UsageError('Expected --force or --overwrite, got both')
  loadEnvFile(flags.envFile, io)
  const job = withoutOurs(await readJob(patterns, flags, io), patterns, flags)
  const result = resultColumns(job.result.fields, flags.prefix ?? '')
  const targets = outputFiles(job.files, flags.output, flags.rejects, flags.outputFormat)
  const kept = targets.output?.canResume ? targets.output.path : undefined
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
    const { stream, server } = await openJob(own, flags, opened, io)
    const rows = inFlags(() => readRows(job.files, job.read))
    opened.add(() => rows.destroy())
    const items = new Items(rows, job.limit, textWith(job.textOf, flags.partition), new Set(result.names))
    const first = await items
      .first((file) => isTable(job, file))
      .catch((error: unknown) => {
        // Nothing was sent: the command must change.
        throw error instanceof RowError || error instanceof FileError ? new UsageError(error.message) : error
      })

    // From here on files are changed.
    const state = await stateOf(job, flags, server, targets)
    if (overwrite) removeBefore(targets)
    const before = await readBefore(targets, state, force)
    if (before.output.done.size > before.output.rejected.size) stream.assumeAccepted()
    // Before the output, because no run can continue an output without a state.
    if (kept !== undefined) writeState(kept, before.state)
    const output = await openOutput({ ...targets, own: first ? columnNames(first) : [], result, before }, io)
    const observer = new Observer(stream)
    opened.add(observer.close)
    const flow = new Flow(stream, items, before.output, output, {
      counter: observer.counter,
      isStrict: flags.strict ?? false,
      hasGaps: !ordered || kept === undefined,
    })
    const halt = (await watch(flow, stream, rows, job.limit, flags, io)) ?? haltIfThrows(output.close)
    const { measured, reasons } = observer
    const summary = summaryOf(flow, { stats: stream.stats, reasons, measured, server }, halt, flags)
    const isPiped = state.input.some(({ sha256 }) => sha256 === undefined)
    report(summary, halt, isPiped, flags, io)
    return summary.exitCode
  } finally {
    await opened.close()
  }
}

/** Leaves out the files of this run, which a glob may find: an earlier run wrote them. */
function withoutOurs(job: Job, patterns: readonly string[], { output, rejects, cache }: RunFlags): Job {
  const ours = [output, rejects, cache].filter((path) => path !== undefined).map(real)
  const isOurs = (file: string) =>
    ours.some((path) => file === path || file.startsWith(`${path}.run.`) || file.startsWith(`${path}-`))
  return { ...job, files: job.files.filter((file) => patterns.includes(file) || !isOurs(real(file))) }
}
