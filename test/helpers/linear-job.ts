import { Ledger } from '../../src/accounts/ledger.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { PackEngine } from '../../src/engine/pack-engine.ts'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'
import { windowOf } from '../../src/packing/window.ts'
import { RequestError } from '../../src/record/errors.ts'
import { entryOf } from './entry.ts'
import { finishedOf, rulesOf } from './schedule.ts'

export interface LinearJob {
  readonly records: number
  /** Records in one pack, at most. */
  readonly maxPackRecords: number
  /** The key of each record, by its index. */
  readonly keyOf: (index: number) => string | undefined
  /** How each first request ends. Records that it leaves are asked again, and then answered. */
  readonly firstEnd: RequestEnd['kind']
  /** Whether packs wait for a rate limit, and for a spending cap that is never reached. */
  readonly isLimited?: boolean
  readonly mix?: number
}

const MAX_IN_FLIGHT = 4
const error = new RequestError('api_error', 'x')
const COMPLETE: RequestEnd = { kind: 'complete' }
const FIRST_ENDS: Partial<Record<RequestEnd['kind'], RequestEnd>> = {
  complete: COMPLETE,
  failure: { kind: 'failure', retryAfter: 0, error },
  refusal: { kind: 'refusal', refusal: undefined },
}

/**
 * Drives an engine over records, four requests at a time, as a stream does. Returns the number of
 * requests.
 */
export function runLinearJob(job: LinearJob): number {
  const { records, maxPackRecords, keyOf, firstEnd, isLimited = false, mix = 0 } = job
  const ledger = new Ledger({ input: 1, output: 1 })
  const window = windowOf(MAX_IN_FLIGHT, maxPackRecords, mix)
  const maxCost = isLimited ? 1e9 : Infinity
  const limits = isLimited ? { requestsPerMinute: 60_000 / maxPackRecords, tokensPerMinute: 1e9 } : {}
  const rules = rulesOf({ maxPackRecords, maxInFlight: MAX_IN_FLIGHT, window, mix, linger: 1e6, maxCost })
  const engine = new PackEngine<string>(rules, ledger, new RateLimiter(limits), () => undefined)
  const running: Parameters<typeof finishedOf>[0][] = []
  const fail = FIRST_ENDS[firstEnd] ?? COMPLETE
  let requests = 0
  let settled = 0
  const send = (departure: (typeof running)[number]): void => {
    running.push(departure)
    requests += 1
  }
  for (let read = 0, now = 0; settled < records; now++) {
    while (read < records && engine.wantsMore) {
      engine.add(entryOf(ledger.read(), { partition: keyOf(read), maxCompany: maxPackRecords }), now)
      read += 1
      // As in a stream, each record asks for the next step.
      for (let step = engine.next(now); step.kind === 'send'; step = engine.next(now)) send(step.departure)
    }
    if (read === records) engine.endOfInput(now)
    let step = engine.next(now)
    for (; step.kind === 'send'; step = engine.next(now)) send(step.departure)
    const departure = running.shift()
    if (!departure) {
      // Requests that fail in a row make the limiter pause.
      if (step.kind !== 'wait' || step.until === Infinity) throw new Error('The engine waits for nothing')
      now = Math.max(now, Math.ceil(step.until))
      continue
    }
    const { pack } = departure
    // The first record of a refused pack is never guilty: each bisection ends with an answer.
    const end = departure.isRetry && pack.length <= maxPackRecords / 2 + 1 ? COMPLETE : fail
    const isWhole = end.kind === 'complete' || (departure.isRetry && end.kind === 'failure')
    const finished = finishedOf(departure, isWhole ? COMPLETE : end, () => isWhole)
    const { rejected } = engine.ended(departure, finished, now)
    if (isWhole) settled += pack.length
    settled += rejected.length
    for (let i = 0; i < (isWhole ? pack.length : rejected.length); i++) ledger.settled('fulfilled')
    if (rejected.length > 0) engine.delivered(departure)
  }
  return requests
}
