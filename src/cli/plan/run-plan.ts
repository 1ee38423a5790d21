import type { Command } from 'commander'
import type { Encoding } from '../../index.ts'
import { readRows } from '../../readers/index.ts'
import { applyConfig, readText } from '../config.ts'
import { checkFirst, Items } from '../run/items.ts'
import { isTable, loadEnvFile, readJob } from '../job.ts'
import type { Item } from '../records.ts'
import { asUsageError, given, inFlags, UsageError } from '../usage-error.ts'
import type { PlanFlags } from './command.ts'
import { formatPlan, makePlan, type Measured } from './index.ts'

/** The largest pack that is chosen unless another is stated: nobody knows what larger ones do to a model's accuracy. */
const LARGEST = 50

export async function plan(patterns: string[], flags: PlanFlags, command: Command): Promise<void> {
  const files = flags.config === undefined ? [] : applyConfig(command, flags.config)
  // Read again: the config file has set some.
  await makeAndPrint(patterns.length > 0 ? patterns : files, command.opts<PlanFlags>())
}

async function makeAndPrint(patterns: readonly string[], flags: PlanFlags): Promise<void> {
  loadEnvFile(flags.envFile)
  const job = await readJob(patterns, flags)
  const items = new Items(
    inFlags(() => readRows(job.files, job.read)),
    job.limit,
    job.textOf,
    new Set(),
  )
  const first = await items.first()
  if (first) checkFirst(first, isTable(job, first.file))
  const { timeToFirstToken, outputTokensPerSecond, promptTokensPerSecond, slowdown } = flags
  const {
    api,
    model,
    instructions,
    request,
    examples,
    maxPackTokens,
    maxOutputTokens,
    maxInFlight,
    pricing,
  } = job.options
  const made = await makePlan(textsOf(items), {
    ...{ model, instructions, schema: job.result.schema },
    ...given({ api, request, maxPackTokens, maxOutputTokens, maxInFlight, pricing }),
    ...given({ examples: examples?.map(({ record, value }) => ({ record: record.text as string, value })) }),
    maxPackRecords: flags.maxPackRecords ?? LARGEST,
    latency: given({ timeToFirstToken, outputTokensPerSecond, promptTokensPerSecond, slowdown }),
    ...given({
      requestsPerMinute: flags.rpm,
      tokensPerMinute: flags.tpm,
      encoding: flags.countTokens as Encoding | undefined,
    }),
    ...given({ contextTokens: flags.contextTokens, outputTokens: flags.outputTokens }),
    ...(flags.measured === undefined ? {} : { measured: readMeasured(flags.measured) }),
  }).catch((error: unknown) => {
    throw asUsageError(error)
  })
  process.stdout.write(flags.json ? `${JSON.stringify(made)}\n` : formatPlan(made))
}

async function* textsOf(items: AsyncIterable<Item>): AsyncGenerator<string | undefined> {
  for await (const { text } of items) yield typeof text === 'string' ? text : undefined
}

/** What a run's summary says of its requests. */
function readMeasured(file: string): Measured {
  let summary: { measured?: Measured }
  try {
    summary = JSON.parse(readText(file, '--measured')) as { measured?: Measured }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw new UsageError(
      `--measured: ${file}: expected what run --json printed: ${(cause as Error).message}`,
      { cause },
    )
  }
  if (summary.measured) return summary.measured
  throw new UsageError(`--measured: ${file}: expected what run --json printed, of a run that asked something`)
}
