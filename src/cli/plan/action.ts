import { readRows, type RowStream } from '../../files/index.ts'
import { plannedExample, plannedRecords } from '../estimate/records.ts'
import type { Given } from '../flags/config.ts'
import { checksOf } from '../task/checks.ts'
import { asInputError, Items } from '../rows/items.ts'
import { isTable, loadEnvFile, readJob, tokenCounter, type Job } from '../task/job.ts'
import type { Io } from '../io.ts'
import { hoistBy, partitionBy, textWith } from '../task/partition.ts'
import { readLanes } from '../task/price.ts'
import { given } from '../flags/given.ts'
import { resultColumns } from '../rows/result-columns.ts'
import { asUsageError, exitCodes, inFlags } from '../flags/usage-error.ts'
import { LARGEST, type PlanFlags } from './flags.ts'
import { formatPlan } from './format.ts'
import { readMeasured } from '../measure/measured-file.ts'
import { makePlan } from './make-plan.ts'

/** Returns the exit code. */
export async function plan({ patterns, flags }: Given<PlanFlags>, io: Io): Promise<number> {
  loadEnvFile(flags.envFile, io)
  // A plan always counts tokens. Without the counter, the command stops before it reads.
  await tokenCounter('plan')
  const job = await readJob(patterns, flags, io)
  const rows = inFlags(() => readRows(job.files, job.read))
  try {
    io.stdout.write(await planOf(rows, job, flags, io))
    return exitCodes.fulfilled
  } catch (error) {
    throw asInputError(error)
  } finally {
    // An input that is still open would keep the process alive.
    rows.destroy()
  }
}

async function planOf(rows: RowStream, job: Job, flags: PlanFlags, { stdout, env }: Io): Promise<string> {
  const { names } = resultColumns(job.result.fields, flags.prefix ?? '', flags)
  const items = new Items(rows, job.limit, textWith(job.textOf, flags.partition), new Set(names))
  await items.first((file) => isTable(job, file))
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
    mix,
    pricing,
  } = job.options
  const made = await makePlan(plannedRecords(items, partitionBy(flags.partition), hoistBy(job.hoist)), {
    ...{ model, instructions, schema: job.result.schema },
    ...given({ api, request, maxPackTokens, maxOutputTokens, maxInFlight, mix, pricing }),
    ...{ price: job.price, lanes: readLanes(flags, model, env) },
    ...given({ examples: examples?.map(plannedExample) }),
    hoist: job.hoist,
    ...given({ votes: flags.votes, audit: checksOf(flags, job.result.fields).audit }),
    maxPackRecords: flags.maxPackRecords ?? LARGEST,
    keepsResults: flags.cache !== undefined,
    latency: given({ timeToFirstToken, outputTokensPerSecond, promptTokensPerSecond, slowdown }),
    ...given({
      requestsPerMinute: flags.rpm,
      tokensPerMinute: flags.tpm,
      encoding: flags.countTokens,
    }),
    ...given({ contextTokens: flags.contextTokens, outputTokens: flags.outputTokens }),
    ...(flags.measured === undefined ? {} : { measured: readMeasured(flags.measured) }),
  }).catch((error: unknown) => {
    throw asUsageError(error)
  })
  return flags.json ? `${JSON.stringify(made)}\n` : formatPlan(made, stdout.columns)
}
