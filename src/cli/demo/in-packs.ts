import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { PackStream, type Outcome, type Stats } from '../../index.ts'
import { given } from '../flags/given.ts'
import { isHopeless } from '../terminal/failure.ts'
import {
  MAX_IN_FLIGHT,
  MAX_PACK_RECORDS,
  schemaOf,
  type DemoJob,
  type Labelled,
  type Measured,
  type OnMeasured,
} from './labelled.ts'

export type LabelOutcome = Outcome<Labelled, { label: string; confidence: number }>

/**
 * Labels a sample in packs.
 *
 * @param onMeasured Gets the account after each outcome, and once more at the end, also at an early
 *   end.
 */
export async function labelInPacks(
  { records, labels, pricing, ...options }: DemoJob,
  onOutcome: (outcome: LabelOutcome) => void,
  onMeasured: OnMeasured,
): Promise<void> {
  const stream = new PackStream({
    ...{ ...options, ...given({ pricing }) },
    ...{ maxInFlight: MAX_IN_FLIGHT, maxPackRecords: MAX_PACK_RECORDS, schema: schemaOf(labels) },
    serialize: (record: Labelled) => record.text,
  })
  const start = performance.now()
  let timeToFirstResult = NaN
  let same = 0
  let aborted = 0
  options.signal.addEventListener('abort', () => (aborted = stream.stats.inFlight))
  const measured = ({ records: done, requests, inFlight, tokens, cost }: Stats): Measured => ({
    ...{ records: done.fulfilled + done.rejected, fulfilled: done.fulfilled, same, requests, inFlight },
    ...{ elapsed: performance.now() - start, timeToFirstResult, tokens, cost },
    aborted: { requests: aborted, tokens: aborted === 0 ? 0 : tokens.estimated },
  })
  await pipeline(records, stream, async (outcomes) => {
    for await (const outcome of outcomes) {
      if (Number.isNaN(timeToFirstResult)) timeToFirstResult = performance.now() - start
      if (outcome.status === 'fulfilled' && outcome.value.label === outcome.record.label) same += 1
      onOutcome(outcome)
      onMeasured(measured(stream.stats))
      // A job goes on when the server is down for a while, but not if it has never answered.
      if (outcome.status === 'rejected' && isHopeless(outcome.reason, stream.stats.records.fulfilled > 0)) {
        throw outcome.reason
      }
    }
  }).finally(async () => {
    // Requests that were aborted reach the accounts a moment later.
    await turn()
    onMeasured(measured(stream.stats))
  })
}
