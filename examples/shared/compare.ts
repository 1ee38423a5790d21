import { PackStreamError, type Pricing } from 'llm-pack-stream'
import { openEndpoint } from './endpoint.ts'
import { label, type Labelled } from './labelling.ts'
import { Progress, table } from './report.ts'

/** gpt-4o-mini, in US dollars per million tokens, as of 2026. Yours may differ. */
const pricing: Pricing = { input: 0.15, cachedInput: 0.075, output: 0.6 }
const maxInFlight = 4
const maxPackRecords = 25

/**
 * Labels the records in packs, showing each result as it comes, then one by one with as many requests at once, and
 * prints both side by side. Sets the exit code.
 */
export async function compare(
  records: readonly Labelled[],
  source: () => Iterable<Labelled> | AsyncIterable<Labelled>,
  labels: readonly string[],
  instructions: string,
): Promise<void> {
  const endpoint = await openEndpoint()
  const { client, model } = endpoint
  const controller = new AbortController()
  process.once('SIGINT', () => {
    controller.abort()
  })
  const job = { client, model, labels, instructions, pricing, maxInFlight, signal: controller.signal }
  const progress = new Progress(records.length)
  let done = 0

  console.log(`${records.length} records, ${labels.length} labels, by ${endpoint.description}\n`)
  try {
    const packed = await label(source(), { ...job, maxPackRecords }, (outcome, stats) => {
      done += 1
      progress.show(outcome, stats)
    })
    progress.end()
    console.log(`\nThe same again as one-record requests, ${maxInFlight} at a time …\n`)
    const single = await label(source(), { ...job, maxPackRecords: 1 })
    console.log(table({ [`packs of up to ${maxPackRecords}`]: packed, 'one record a request': single }))
    const { input, cachedInput = input, output } = pricing
    console.log(
      `\nBoth with ${maxInFlight} requests at once; at $${input} / $${cachedInput} / $${output} per million tokens.`,
    )
    if (packed.stats.records.rejected > 0) process.exitCode = 1
  } catch (error) {
    progress.end()
    process.exitCode = 1
    if (controller.signal.aborted) {
      console.error(`\nStopped. ${done} of ${records.length} records had a result.`)
      process.exitCode = 130
    } else if (error instanceof PackStreamError) {
      console.error(`\n${error.message}\n${String(error.cause)}`)
    } else {
      throw error
    }
  } finally {
    await endpoint.close()
  }
}
