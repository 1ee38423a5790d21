import { answersIn, armsOf } from '../../eval/index.ts'
import { offlineClient } from '../../engine/index.ts'
import { plannedExample, plannedRecords } from '../estimate/records.ts'
import { given } from '../flags/given.ts'
import { asUsageError } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import { hoistBy } from '../task/partition.ts'
import { wrap } from '../terminal/aligned.ts'
import { isConfirmed } from '../terminal/ask.ts'
import { dollarRange, durationRange, whole } from '../terminal/words.ts'
import { estimateArms, formatEstimate, sumOf, type ArmEstimate } from './estimate.ts'
import type { EvalFlags } from './flags.ts'
import type { Prepared } from './prepare.ts'
import { sampleNotes } from './sample.ts'
import { widthOf } from './show.ts'

/** Tokens a second of a simulator that takes no time. */
const FASTEST = 1e9

/** What the arms will take, as `plan` estimates it. */
export async function estimateOf({ job, sample, sizes }: Prepared, flags: EvalFlags): Promise<ArmEstimate[]> {
  const {
    model,
    instructions,
    api,
    request,
    examples,
    maxPackTokens,
    maxOutputTokens,
    maxInFlight,
    pricing,
  } = job.options
  const { timeToFirstToken, slowdown } = flags
  const [outputTokensPerSecond, promptTokensPerSecond] = [
    flags.outputTokensPerSecond,
    flags.promptTokensPerSecond,
  ].map((speed) => speed && Math.min(speed, FASTEST))
  const arms = armsOf({ ...job.options, client: offlineClient }, sizes, [])
  const records = sample.records.map(({ item }) => item)
  return estimateArms(plannedRecords(records, undefined, hoistBy(job.hoist)), arms, {
    ...{ model, instructions, schema: job.result.schema, price: job.price, hoist: job.hoist },
    ...given({ api, request, maxPackTokens, maxOutputTokens, maxInFlight, pricing }),
    ...given({ examples: examples?.map(plannedExample), encoding: flags.countTokens }),
    ...given({ requestsPerMinute: flags.rpm, tokensPerMinute: flags.tpm }),
    latency: given({ timeToFirstToken, outputTokensPerSecond, promptTokensPerSecond, slowdown }),
  }).catch((error: unknown) => {
    throw asUsageError(error)
  })
}

/** Says what is asked, what it will take, and what it can show. */
export function sayEstimate(
  arms: readonly ArmEstimate[],
  { job, sample, seed, journal }: Prepared,
  { quiet, overwrite }: EvalFlags,
  io: Pick<Io, 'stderr'>,
): void {
  const notes = sampleNotes(sample)
  if (quiet) return
  const { records, usable } = sample
  const drawn = records.length < usable ? ` of ${whole(usable)} records, drawn by seed ${seed},` : ' records'
  const { said } = job.price
  const asked = overwrite ? 0 : answersIn(journal)
  const kept =
    asked === 0 ? [] : [`${journal} has ${whole(asked)} answers. The same eval does not ask for them again.`]
  const width = widthOf(io.stderr)
  const head = `${whole(records.length)}${drawn} in ${arms.length} arms, for ${job.options.model}.`
  for (const text of [head, ...kept, ...notes, ...(said === '' ? [] : [`Costs: ${said}.`])]) {
    say(io, wrap(text, width).join('\n'))
  }
  say(io, `\n${formatEstimate(arms, width)}\n`)
}

/** Asks a person before anything is sent to a real server, unless a flag allows the cost. */
export async function mayStart(
  arms: readonly ArmEstimate[],
  { job }: Prepared,
  server: string,
  { simulate, yes, maxCost }: EvalFlags,
  io: Io,
): Promise<boolean> {
  if (simulate || yes || maxCost !== undefined) return true
  const { requests, cost, time } = sumOf(arms)
  const price = cost ? `about ${dollarRange(cost)}` : 'a price that is not known'
  const what = `${whole(requests)} requests to ${job.options.model} at ${server}, for ${price}, in about ${durationRange(time)}.`
  return isConfirmed(
    `${what} Send them?`,
    io,
    () => `${what}
Nothing was sent, because there is no terminal for a question.
--yes or --max-cost sends without it, and --simulate uses the built-in server.`,
  )
}
