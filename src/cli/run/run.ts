import type { Command } from 'commander'
import { readRows } from '../../readers/index.ts'
import { openCache } from '../cache-file.ts'
import { applyConfig } from '../config.ts'
import { openEndpoint } from '../endpoint.ts'
import { isTable, loadEnvFile, openStream, readJob } from '../job.ts'
import { columnNames, columnOf, type Item } from '../records.ts'
import { given, inFlags } from '../usage-error.ts'
import type { RunFlags } from './command.ts'
import { Flow } from './flow.ts'
import { checkFirst, Items } from './items.ts'
import { keepMemoryLow } from './memory.ts'
import { openOutput } from './output.ts'
import { outputFiles } from './output-files.ts'
import { report } from './report.ts'
import { prepareOutput } from './resume.ts'
import { resultColumns } from './rows.ts'
import { stateOf } from './settings.ts'
import { writeState } from './state.ts'
import { summaryOf } from './summary.ts'
import { watch } from './watch.ts'
import { meterOf } from './meter.ts'

export async function run(patterns: string[], flags: RunFlags, command: Command): Promise<void> {
  const files = flags.config === undefined ? [] : applyConfig(command, flags.config)
  // Read again: the config file has set some.
  process.exitCode = await runJob(patterns.length > 0 ? patterns : files, command.opts<RunFlags>())
}

/** Returns the exit code. */
async function runJob(patterns: readonly string[], flags: RunFlags): Promise<number> {
  loadEnvFile(flags.envFile)
  const job = await readJob(patterns, flags)
  const result = resultColumns(job.result.fields, flags.prefix ?? '')
  const targets = outputFiles(job.files, flags.output, flags.rejects, flags.outputFormat)
  const endpoint = await openEndpoint(flags)
  const cache = flags.cache === undefined ? undefined : await openCache(flags.cache)
  const letMemoryGo = keepMemoryLow()
  try {
    const { maxAttempts, linger, firstTokenTimeout, idleTimeout, requestTimeout, maxCost } = flags
    const { highWaterMark, readableHighWaterMark, writableHighWaterMark, ordered } = flags
    const stream = openStream({
      ...{ ...job.options, client: endpoint.client },
      ...given({ maxAttempts, linger, firstTokenTimeout, idleTimeout, requestTimeout, maxCost }),
      ...given({ highWaterMark, readableHighWaterMark, writableHighWaterMark, preserveOrder: ordered }),
      ...given({ cache: cache?.store, partition: partitionBy(flags.partition) }),
    })
    const state = await stateOf(job, flags, endpoint.name)
    const before = await prepareOutput(targets, state, flags)
    const rows = inFlags(() => readRows(job.files, job.read))
    const items = new Items(rows, job.limit, job.textOf, new Set(result.names))
    const first = await items.first()
    if (first) checkFirst(first, isTable(job, first.file))

    const keepState = (pid: { pid?: number }): void => {
      if (targets.output?.canResume) writeState(targets.output.path, { ...state, ...pid })
    }
    // Before the output: one that nobody knows whose it is cannot be gone on with.
    keepState({ pid: process.pid })
    const output = await openOutput({ ...targets, own: first ? columnNames(first) : [], result, before })
    const flow = new Flow(stream, items, before.output.done, output, flags.strict ?? false)
    const meter = meterOf(stream)
    const halt = await watch(flow, stream, rows, before.output.done.size, flags)
    output.close()
    keepState({})
    const summary = summaryOf(flow, stream.stats, meter.measured, before.output, halt, flags)
    report(summary, halt, flags)
    return summary.exitCode
  } finally {
    letMemoryGo()
    cache?.close()
    await endpoint.close()
  }
}

function partitionBy(column: string | undefined): ((item: Item) => string) | undefined {
  if (column === undefined) return undefined
  return ({ own }) => {
    const value = columnOf(own, column)
    // Not by `String`, which takes no number that was kept as it is.
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
}
