import { costOf } from '../../engine/index.ts'
import type { Pricing } from '../../index.ts'
import { decisionEndpoints, type DecisionEndpoint, type Lane } from '../../prices/index.ts'
import { atEachEnd, mapRange, type Range } from '../measure/range.ts'
import type { Questions } from './questions.ts'

/** All requests of a job, as planned or as measured. */
export interface Sent {
  /** The most records in a request. */
  readonly size: number
  readonly requests: number
  readonly inputTokens: number
  /** The part of `inputTokens` that comes from the provider's cache. */
  readonly cachedTokens: number
  readonly outputTokens: Range
  /** Milliseconds until the last answer. */
  readonly time: Range
}

export interface Job {
  /** Requests of one record each. */
  readonly alone: Sent
  /** `undefined`: no packs are possible. */
  readonly packed: Sent | undefined
  /** Whether `alone` and `packed` were sent, so that they are no arithmetic. */
  readonly isMeasured: boolean
  readonly pricing: Pricing | undefined
  readonly lanes: readonly Lane[]
  readonly questions: Questions
  readonly maxInFlight: number
}

export interface Figures {
  /** US dollars. `undefined`: the price is not known. */
  readonly cost: Range | undefined
  /** Milliseconds until the last answer. `undefined`: not known, or `withinHours`. */
  readonly time: Range | undefined
}

/** One way to the answers: a row. */
export interface Way {
  readonly name: string
  /** The price of a lane as a part of the list price. 1: the whole price. */
  readonly factor: number
  readonly kind: 'now' | 'cached' | 'lane' | 'decisions'
  /** Whether nothing of this way was run: its figures are computed from other figures. */
  readonly isArithmetic: boolean
  /** With one record in each request. */
  readonly alone: Figures
  /** In packs. `undefined`: there are none. */
  readonly packed: Figures | undefined
  /** Hours until the last answer, if the provider promises or intends a time for all requests. */
  readonly withinHours: number | undefined
  /** The conditions, for a person. */
  readonly note: string | undefined
  /** The page with the price, and the day of the price. */
  readonly source: string | undefined
  readonly date: string | undefined
}

export interface Ways {
  /** Size of the packs. */
  readonly size: number | undefined
  readonly rows: readonly Way[]
  readonly leftOut: readonly { readonly name: string; readonly why: string }[]
}

const MINUTE_MS = 60_000

/** What the same job costs in other ways, and when it is done. */
export function waysOf(job: Job): Ways {
  const { alone, packed, lanes, questions } = job
  const decisions = decisionEndpoints.map((endpoint) => ({
    ...{ endpoint, why: whyNot(endpoint, questions) },
  }))
  const isCached = alone.cachedTokens + (packed?.cachedTokens ?? 0) > 0
  return {
    size: packed?.size,
    rows: [
      sentNow(job, false),
      ...(isCached ? [sentNow(job, true)] : []),
      ...lanes.map((lane) => sentBy(lane, job)),
      ...decisions.filter(({ why }) => why === undefined).map(({ endpoint }) => decidedBy(endpoint, job)),
    ],
    leftOut: [
      ...(lanes.length > 0
        ? []
        : [{ name: 'slower lanes', why: 'the price table has none of this model at this server' }]),
      ...decisions.flatMap(({ endpoint: { name }, why }) => (why === undefined ? [] : [{ name, why }])),
    ],
  }
}

/** The row of requests that are answered at once, with or without hits of the provider's cache. */
function sentNow({ alone, packed, isMeasured, pricing }: Job, isCached: boolean): Way {
  const figures = (sent: Sent): Figures => ({
    cost: pricing && costWith(pricing, sent, isCached ? sent.cachedTokens : 0),
    time: sent.time,
  })
  const isSent = isMeasured && (isCached || alone.cachedTokens + (packed?.cachedTokens ?? 0) === 0)
  return {
    ...(isCached ? { name: 'now, cached', kind: 'cached' } : { name: 'now', kind: 'now' }),
    ...{ factor: 1, isArithmetic: !isSent, alone: figures(alone), packed: packed && figures(packed) },
    ...{ withinHours: undefined, note: undefined, source: undefined, date: undefined },
  }
}

function sentBy(lane: Lane, { alone, packed, pricing, maxInFlight }: Job): Way {
  const { name, factor, withinHours, minutes, note, source, date } = lane
  const figures = (sent: Sent): Figures => ({
    cost: pricing && mapRange(costWith(pricing, sent, 0), (cost) => cost * factor),
    time:
      minutes &&
      rounds(sent.requests, maxInFlight, { low: minutes.low * MINUTE_MS, high: minutes.high * MINUTE_MS }),
  })
  return {
    ...{
      name,
      factor,
      kind: 'lane',
      isArithmetic: true,
      alone: figures(alone),
      packed: packed && figures(packed),
    },
    ...{ withinHours, note, source, date },
  }
}

/** A decision endpoint answers questions about one record, and writes nothing. */
function decidedBy(endpoint: DecisionEndpoint, { alone, maxInFlight }: Job): Way {
  const { name, model, input, milliseconds, source, date } = endpoint
  const cost = costOf({ input, output: 0 }, { input: alone.inputTokens, cached: 0, output: 0 })
  return {
    ...{ name, factor: 1, kind: 'decisions', isArithmetic: true, packed: undefined, withinHours: undefined },
    alone: {
      cost: atEachEnd(() => cost),
      time: milliseconds && rounds(alone.requests, maxInFlight, milliseconds),
    },
    ...{ note: `asks ${model}`, source, date },
  }
}

function whyNot(
  { choices, questions: most = Infinity }: DecisionEndpoint,
  questions: Questions,
): string | undefined {
  if (questions.why !== undefined) return questions.why
  const wrong = questions.choices.find((count) => count < choices.least || count > choices.most)
  if (wrong !== undefined) {
    return `a question has ${choices.least} to ${choices.most} choices, and the schema has a field with ${wrong}`
  }
  const { length } = questions.choices
  return length > most
    ? `a request has at most ${most} questions, and the schema has ${length} fields`
    : undefined
}

function costWith(pricing: Pricing, { inputTokens: input, outputTokens }: Sent, cached: number): Range {
  return mapRange(outputTokens, (output) => costOf(pricing, { input, cached, output }))
}

function rounds(requests: number, atOnce: number, each: { low: number; high: number }): Range {
  const { low, high } = each
  return mapRange({ low, high, expected: (low + high) / 2 }, (time) => time * Math.ceil(requests / atOnce))
}
