import { PackStreamError, type RecordError } from '../../index.ts'
import { exitCodes, withFlags } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import { onStopSignal } from '../process/signals.ts'
import { openEndpoint } from '../task/endpoint.ts'
import type { HttpClient } from '../task/http-client.ts'
import { readPrice, type Price } from '../task/price.ts'
import { withCause } from '../terminal/failure.ts'
import { whole } from '../terminal/words.ts'
import { mayStart } from './ask.ts'
import { estimateOf } from './estimate.ts'
import type { DemoFlags } from './flags.ts'
import { labelInPacks, type LabelOutcome } from './in-packs.ts'
import { MAX_IN_FLIGHT, MAX_PACK_RECORDS, type Measured, type Sample } from './labelled.ts'
import { labelOneByOne } from './one-by-one.ts'
import { Screen, table } from './show.ts'

/** Pace of the simulator. */
const PACE = { timeToFirstToken: 100, outputTokensPerSecond: 400 }
const NO_MODEL = `It is no model: it picks the label that shares words with a message, so its labels
say nothing about accuracy. It answers after ${PACE.timeToFirstToken} ms, and writes ${PACE.outputTokensPerSecond} tokens a second.`
const IN_PACKS = `packs of up to ${MAX_PACK_RECORDS}`
const ONE_BY_ONE = 'one record a request'

/**
 * Labels a sample in packs and shows each result as it comes. Then labels it with one record in
 * each request and the same number of requests at once. Prints both side by side. Returns the exit
 * code.
 */
export async function compare(sample: Sample, flags: DemoFlags, io: Io): Promise<number> {
  const { env } = io
  const model = flags.model ?? env['OPENAI_MODEL'] ?? 'gpt-4o-mini'
  const isServerSet = ['OPENAI_API_KEY', 'OPENAI_BASE_URL'].some((name) => env[name]?.trim())
  const simulate = flags.simulate ?? !isServerSet
  const { client, name, close } = await openEndpoint({ ...PACE, simulate }, io)
  try {
    const price = readPrice({ simulate }, model, env)
    const estimate = estimateOf(sample, model, price.pricing)
    if (!simulate && !flags.yes && !(await mayStart(estimate, { model, server: name, price }, io))) {
      say(io, 'Nothing was sent. With --simulate the demo needs no server, and costs nothing.')
      return exitCodes.fulfilled
    }
    return await both(sample, { client, model, price, server: name, simulate }, io)
  } finally {
    await close()
  }
}

interface Asked {
  readonly client: HttpClient
  readonly model: string
  readonly price: Price
  readonly server: string
  readonly simulate: boolean
}

async function both(sample: Sample, { server, simulate, price, ...asked }: Asked, io: Io): Promise<number> {
  const { model } = asked
  const controller = new AbortController()
  let exitCode: number | undefined
  const offSignals = onStopSignal(io, (signal) => {
    offSignals()
    exitCode = signal.exitCode
    controller.abort()
  })
  const job = { ...sample, ...asked, pricing: price.pricing, signal: controller.signal }
  const screen = new Screen(io, sample.records.length)
  const done: Record<string, Measured> = {}
  const keep = (name: string) => (measured: Measured) => {
    done[name] = measured
    screen.update(measured)
  }

  const by = simulate ? 'the embedded simulator' : `${model} at ${server}`
  screen.print(`${whole(sample.records.length)} records, ${sample.labels.length} labels, by ${by}.`)
  if (simulate) screen.print(NO_MODEL)
  screen.print('✓ is the label that the file has, ✗ another label, ! no label.\n')
  let failure: unknown
  let rejection: RecordError | undefined
  try {
    const onOutcome = (outcome: LabelOutcome): void => {
      screen.result(outcome)
      if (outcome.status === 'rejected') rejection ??= outcome.reason
    }
    await labelInPacks(job, onOutcome, keep(IN_PACKS))
    if (rejection && done[IN_PACKS]?.fulfilled === 0) throw rejection
    screen.print(`\nThe same again by plain requests with one record each, ${MAX_IN_FLIGHT} at a time …\n`)
    await labelOneByOne(job, keep(ONE_BY_ONE))
  } catch (error) {
    failure = error
  }
  offSignals()
  screen.end()

  if (failure !== undefined) {
    say(io, exitCode === undefined ? explain(failure as Error) : stopped(Object.values(done)))
    exitCode ??= exitCodes.fatal
  }
  if (Object.values(done).some(({ fulfilled }) => fulfilled > 0)) {
    screen.print(`${failure === undefined ? '' : '\nSo far:\n\n'}${table(done)}\n`)
    screen.print(`${MAX_IN_FLIGHT} requests at once${priceWords(price)}.`)
  }
  return exitCode ?? exitCodes.fulfilled
}

function priceWords({ pricing, said }: Price): string {
  if (!pricing) return ''
  const { input, cachedInput = input, output } = pricing
  return `; at $${input} / $${cachedInput} / $${output} per million tokens in / cached / out,\nthe ${said}`
}

/** A stream's own error says all itself. */
function explain(error: Error): string {
  return error instanceof PackStreamError ? withFlags(error.message) : withCause(error)
}

function stopped(jobs: readonly Measured[]): string {
  const sum = (part: (job: Measured) => number) => jobs.reduce((all, job) => all + part(job), 0)
  const tokens = sum(({ aborted }) => aborted.tokens)
  return [
    `Stopped. Of ${whole(sum(({ requests }) => requests))} requests, ${sum(({ aborted }) => aborted.requests)} were aborted.`,
    'A server may charge for them too, from the moment at which it began to read.',
    ...(tokens > 0 ? [`They had about ${whole(tokens)} tokens, which is an estimate.`] : []),
  ].join('\n')
}
