import { PackStreamError } from 'llm-pack-stream'
import { openEndpoint } from './endpoint.ts'
import { labelInPacks, labelOneByOne, type Job, type Labelled, type Measured } from './labelling.ts'
import { Progress, table } from './report.ts'

/** gpt-4o-mini, in US dollars per million tokens, as of 2026. Yours may differ. */
const pricing = { input: 0.15, cachedInput: 0.075, output: 0.6 }
const maxInFlight = 4
const maxPackRecords = 25

/**
 * Labels the records in packs and shows each result as it comes. Then it labels them with one
 * record in each request and the same number of requests at once. Prints both side by side, and
 * sets the exit code.
 */
export async function compare(
  records: readonly Labelled[],
  source: () => Iterable<Labelled> | AsyncIterable<Labelled>,
  labels: readonly string[],
  instructions: string,
): Promise<void> {
  const { client, model, description, close } = await openEndpoint()
  const controller = new AbortController()
  process.once('SIGINT', () => {
    controller.abort()
  })
  const job: Job = { client, model, labels, instructions, pricing, maxInFlight, signal: controller.signal }
  const progress = new Progress(records.length)
  const done: Record<string, Measured> = {}
  const [inPacks, oneByOne] = [`packs of up to ${maxPackRecords}`, 'one record a request']
  let failure: unknown

  console.log(`${records.length} records, ${labels.length} labels, by ${description}\n`)
  try {
    done[inPacks] = await labelInPacks(source(), job, maxPackRecords, (outcome, measured) => {
      done[inPacks] = measured
      progress.result(outcome)
      progress.update(measured)
      if (outcome.status === 'fulfilled') return
      failure ??= outcome.reason
      // A job goes on when the server is down for a while, but not if it has never answered.
      if (measured.fulfilled === 0 && outcome.reason.code === 'request_failed') throw outcome.reason
    })
    progress.end()
    if (done[inPacks].fulfilled === 0) throw failure
    console.log(`\nThe same again by plain requests with one record each, ${maxInFlight} at a time …\n`)
    done[oneByOne] = await labelOneByOne(source(), job, (measured) => {
      progress.update(measured)
    })
  } catch (error) {
    failure = error
  }
  progress.end()
  await close()

  if (failure !== undefined) {
    process.exitCode = controller.signal.aborted ? 130 : 1
    console.error(`\n${controller.signal.aborted ? 'Stopped.' : explain(failure)}`)
  }
  if (Object.values(done).some(({ fulfilled }) => fulfilled > 0)) {
    const { input, cachedInput, output } = pricing
    console.log(`${failure === undefined ? '' : '\nSo far:\n\n'}${table(done)}`)
    console.log(
      `\nWith ${maxInFlight} requests at once; at $${input} / $${cachedInput} / $${output} per million tokens.`,
    )
  }
}

/** The message of an error for a person, without a stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof PackStreamError) return error.message
  const because = error.cause instanceof Error ? `\n${error.cause.message}` : ''
  return `${error.name}: ${error.message}${because}`
}
