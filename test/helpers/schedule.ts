import { Ledger } from '../../src/accounts/ledger.ts'
import type { FinishedRequest } from '../../src/answer/finished-request.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import type { Departure } from '../../src/engine/departure.ts'
import { PackEngine, type EngineRules } from '../../src/engine/pack-engine.ts'
import type { Pause } from '../../src/limits/congestion.ts'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'
import type { Entry } from '../../src/record/entry.ts'
import { RecordError, RequestError } from '../../src/record/errors.ts'
import { entryOf } from './entry.ts'
import { random as randomOf } from './random.ts'

const error = new RequestError('api_error', 'x')
const invalid = new RecordError('invalid_result', 'x')
/** Ends that blame a record of the pack. */
const GUILTY = {
  refusal: { kind: 'refusal', refusal: undefined },
  content_filter: { kind: 'content_filter', error },
  context: { kind: 'context', error },
  refused_request: { kind: 'refused_request', isSilent: false, code: 'bad_request', message: 'x', error },
} satisfies Record<string, RequestEnd>
/** Ends that may come to any request. */
const ENDS: readonly RequestEnd[] = [
  { kind: 'complete' },
  { kind: 'complete' },
  { kind: 'length', isFinal: false, isChosen: false },
  { kind: 'length', isFinal: true, isChosen: true },
  { kind: 'rate_limit', headers: { 'retry-after': '1' }, error },
  { kind: 'failure', retryAfter: undefined, error },
  { kind: 'failure', retryAfter: 5, error },
]

/** What one schedule came to. */
export interface Played {
  /** Requests, in the order of sending. */
  readonly packs: readonly (readonly Entry<string>[])[]
  /** What each record came to, by index. */
  readonly outcomes: ReadonlyMap<number, 'fulfilled' | 'rejected'>
  readonly ledger: Ledger
  /** The engine was stopped on the way, so that records may be left. */
  readonly isStopped: boolean
}

/** The rules of an engine for tests. */
export function rulesOf(changes: Partial<EngineRules> = {}): EngineRules {
  return {
    ...{ system: 'x'.repeat(400), examples: 0, format: { jsonSchema: {} }, countTokens: undefined },
    ...{ maxPackTokens: 1e6, maxPackRecords: 25, maxOutputTokens: undefined },
    ...{ linger: 100, mix: 0, maxInFlight: 4, window: 300, maxCost: Infinity, maxRejects: Infinity },
    ...changes,
  }
}

/** A finished request that settled some of its records, in any places. */
export function finishedOf(
  { request, pack }: Departure<string>,
  end: RequestEnd,
  isSettled: (entry: Entry<string>) => boolean,
): FinishedRequest<string> {
  const unsettled = pack.flatMap((entry, i) => {
    const info = { request, responseId: undefined, position: i + 1, size: pack.length }
    return isSettled(entry) ? [] : [{ entry, info }]
  })
  const elements = pack.length - unsettled.length
  return {
    ...{
      end,
      hasBegun: true,
      isUsageEarly: false,
      firstToken: 1,
      events: { text: elements, thought: 0 },
      responseId: undefined,
    },
    ...{
      elements,
      hasStrayId: false,
      isWrapped: false,
      raw: '',
      unsettled,
      usage: { input: 100, cached: 0, output: 10 * elements + 1, reasoning: 0 },
    },
    characters: { fulfilled: 20 * elements, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 },
  }
}

/**
 * Plays one schedule: records come, requests end in any order and any way, the consumer takes its
 * time. All of it follows from the seed. Throws where the engine breaks a promise.
 */
export function playSchedule(seed: number): Played {
  const random = randomOf(seed)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const count = 1 + upTo(8)
  const rules = rulesOf({
    ...{ maxPackRecords: 1 + upTo(5), maxInFlight: 1 + upTo(2) },
    linger: random() < 0.2 ? Infinity : upTo(20),
    ...{ window: 1 + upTo(12), maxPackTokens: 4 + upTo(20), mix: random() < 0.5 ? 0 : 1 + upTo(8) },
  })
  const keys = upTo(3)
  const trouble = random() * 0.8
  const guilty = new Set(Array.from({ length: upTo(2) }, () => upTo(count)))
  const entries = Array.from({ length: count }, (_, index) =>
    entryOf(index, {
      ...{ tokens: 1 + upTo(3), partition: keys === 0 ? undefined : `key ${upTo(keys)}` },
      ...{ maxCompany: rules.maxPackRecords, attemptsLeft: 1 + upTo(3) },
    }),
  )
  const ledger = new Ledger(undefined)
  const limits = random() < 0.3 ? { requestsPerMinute: 60 + upTo(600) } : {}
  const limiter = new RateLimiter(limits, random)
  const stopAt = random() < 0.1 ? upTo(40) : Infinity
  const engine = new PackEngine<string>(rules, ledger, limiter, () => undefined, random)
  const running: Departure<string>[] = []
  const undelivered: Departure<string>[] = []
  const packs: (readonly Entry<string>[])[] = []
  const outcomes = new Map<number, 'fulfilled' | 'rejected'>()
  const settle = ({ index }: Entry<string>, status: 'fulfilled' | 'rejected'): void => {
    if (outcomes.has(index)) throw new Error(`Record ${index} has two outcomes`)
    outcomes.set(index, status)
    ledger.settled(status)
  }

  let pause: Pause | undefined
  let isStopped = false
  const endOne = (now: number): void => {
    const [departure] = running.splice(upTo(running.length - 1), 1)
    if (!departure) return
    const { pack } = departure
    const culprit = pack.findIndex(({ index }) => guilty.has(index))
    const kinds = Object.values(GUILTY)
    let end = random() < trouble ? ENDS[upTo(ENDS.length - 1)] : ENDS[0]
    if (culprit >= 0) end = kinds[upTo(kinds.length - 1)]
    if (!end) throw new Error('There is no such end')
    // A refused request settles nothing, a whole answer mostly all, and any other end some.
    const share = end.kind === 'complete' ? 1 - trouble / 4 : end.kind === 'rate_limit' ? 0 : random()
    const settled = new Set(
      pack.filter((_, i) => (culprit < 0 || i < culprit) && random() < share).map((entry) => entry),
    )
    for (const entry of pack) {
      if (settled.has(entry)) settle(entry, 'fulfilled')
      else if (random() < trouble / 4) entry.invalid = invalid
    }
    const finished = finishedOf(departure, end, (entry) => settled.has(entry))
    const { rejected, fatal } = engine.ended(departure, finished, now)
    if (fatal) {
      isStopped = true
      engine.stop(fatal.code, fatal.message)
    }
    for (const { entry } of rejected) settle(entry, 'rejected')
    if (rejected.length > 0) undelivered.push(departure)
  }

  const send = (now: number): number => {
    for (let step = engine.next(now); ; step = engine.next(now)) {
      if (step.kind === 'stop') {
        if (!isStopped) throw new Error('The engine stopped without a reason')
        return Infinity
      }
      if (isStopped) throw new Error('A request left after the stop')
      if (step.kind === 'wait') {
        pause = step.pause
        return step.until
      }
      const { pack } = step.departure
      check(pack, rules, outcomes)
      packs.push(pack)
      running.push(step.departure)
      if (running.length > rules.maxInFlight) throw new Error('More requests run than may')
    }
  }

  let now = 0
  let added = 0
  for (let turns = 0; outcomes.size < count; turns++) {
    if (turns > 5_000) throw new Error('The schedule does not end')
    if (turns >= stopAt && !isStopped) {
      isStopped = true
      engine.stop('stopped', 'x')
    }
    if (isStopped && engine.isIdle) break
    if (added < count && engine.wantsMore && random() < 0.7) {
      const entry = entries[added]
      if (entry) {
        ledger.read()
        engine.add(entry, now)
      }
      added += 1
    }
    if (added === count) engine.endOfInput(now)
    const until = send(now)
    if (undelivered.length > 0 && random() < 0.5) {
      const [departure] = undelivered.splice(0, 1)
      if (departure) engine.delivered(departure)
    } else if (running.length > 0 && random() < 0.6) {
      endOne(now)
    } else if (running.length === 0 && undelivered.length === 0 && added === count && !isStopped) {
      // Nothing else can happen: the engine must name a time.
      if (until === Infinity && outcomes.size < count) throw new Error('The engine waits for nothing')
      if (until > now && until < Infinity && !pause) throw new Error('The engine waits for no reason')
      now = Math.max(now, until)
    } else {
      now += upTo(20)
    }
  }
  return { packs, outcomes, ledger, isStopped }
}

/** What holds for every pack that leaves. */
function check(
  pack: readonly Entry<string>[],
  { maxPackRecords, maxPackTokens }: EngineRules,
  outcomes: ReadonlyMap<number, unknown>,
): void {
  const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
  if (pack.length === 0 || pack.length > maxPackRecords) throw new Error(`A pack of ${pack.length} left`)
  if (pack.length > 1 && tokens > maxPackTokens) throw new Error(`A pack of ${tokens} tokens left`)
  if (new Set(pack.map(({ partition }) => partition)).size > 1) throw new Error('Two keys share a pack')
  if (new Set(pack).size < pack.length) throw new Error('A record is twice in a pack')
  const settled = pack.find(({ index }) => outcomes.has(index))
  if (settled) throw new Error(`Record ${settled.index} was sent although it has an outcome`)
}
