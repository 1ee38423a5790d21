import type { Command } from 'commander'
import { readRows } from '../../readers/index.ts'
import { openCache } from '../cache-file.ts'
import { applyConfig } from '../config.ts'
import { openEndpoint } from '../endpoint.ts'
import { formatIn, loadEnvFile, openStream, readJob } from '../job.ts'
import { given } from '../usage-error.ts'
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
      ...given({ cache: cache?.store }),
    })
    const state = await stateOf(job, flags, endpoint.name)
    const before = await prepareOutput(targets, state, flags)
    const rows = readRows(job.files, job.read)
    const items = new Items(rows, job.limit, job.textOf, new Set(result.names))
    const first = await items.first()
    if (first) checkFirst(first, ['csv', 'tsv'].includes(formatIn(job, first.file) ?? ''))

    const output = openOutput({
      ...targets,
      own: Object.keys(first?.own ?? {}),
      result,
      columns: before.columns,
    })
    const keepState = (pid: { pid?: number }): void => {
      if (targets.output) writeState(targets.output.path, { ...state, ...pid })
    }
    keepState({ pid: process.pid })
    const flow = new Flow(stream, items, before.done, output, flags.strict ?? false)
    const halt = await watch(flow, stream, rows, before.done.size, flags)
    output.close()
    keepState({})
    const summary = summaryOf(flow, stream.stats, before, halt, flags)
    report(summary, halt, flags)
    return summary.exitCode
  } finally {
    letMemoryGo()
    cache?.close()
    await endpoint.close()
  }
}
