import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { LONGEST_TIMER_MS } from '../base/timer-limit.ts'
import {
  PackStream,
  PackStreamError,
  type Outcome,
  type PackStreamOptions,
  type RateLimiter,
  type RequestStartEvent,
} from '../index.ts'
import type { PlannedArm } from './arms.ts'
import type { Place } from './blocks.ts'
import { forQuestions, type Question } from './questions.ts'
import type { Spent, Trial } from './trial.ts'

export interface AskOptions {
  readonly block: number
  readonly limiter: RateLimiter
  /** US dollars that are left. `undefined`: no limit. */
  readonly maxCost: number | undefined
  /** Whether the server has accepted such requests before. */
  readonly accepted: boolean
  readonly signal: AbortSignal | undefined
}

export interface Asked {
  /** The trials of whole groups: each record of the group has an outcome. */
  readonly trials: Trial[]
  readonly spent: Spent
  /** Why not all records were asked. An error of another kind would meet each request. */
  readonly end: 'aborted' | 'max_cost' | Error | undefined
}

/** Asks records of a block in one arm, and measures what that takes. */
export async function askBlock<R, T>(
  arm: PlannedArm<R, T>,
  places: readonly Place[],
  records: readonly R[],
  { block, limiter, maxCost, accepted, signal }: AskOptions,
): Promise<Asked> {
  const options: PackStreamOptions<Question<R>, T> = {
    ...forQuestions(arm.options),
    ...{ limiter, maxCost, accepted, maxPackRecords: arm.size, linger: LONGEST_TIMER_MS },
  }
  const stream = new PackStream(options)
  const starts = startsOf(stream)
  const stop = (): void => {
    stream.stop()
  }
  signal?.addEventListener('abort', stop)
  const started = performance.now()
  const closed = once(stream, 'close')
  const asked = places.map(async ({ record, group }): Promise<Trial> => {
    const question = { record: records[record] as R, group: arm.isGrouped ? group : undefined }
    const outcome = await stream.ask(question)
    const ms = outcome.pack && performance.now() - (starts.at.get(outcome.pack.request) ?? NaN)
    return { arm: arm.name, block, record, group: arm.isGrouped ? group : 0, ms, ...resultOf(outcome) }
  })
  stream.end()
  const settled = await Promise.allSettled(asked)
  const seconds = (performance.now() - started) / 1_000
  // The usage of the last answers comes after their outcomes.
  await closed.catch(() => undefined)
  signal?.removeEventListener('abort', stop)
  starts.close()

  const trials = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const { requests, tokens, cost } = stream.stats
  const { input, cached, output, reasoning } = tokens
  const whole = wholeGroups(trials, places)
  return {
    trials: whole,
    spent: {
      ...{ arm: arm.name, block, records: whole.length, seconds, requests },
      ...{ tokens: { input, cached, output, reasoning }, cost },
    },
    end: endOf(settled.find((one) => one.status === 'rejected')?.reason),
  }
}

/** The times at which the requests of a stream start. */
function startsOf(stream: object): { at: ReadonlyMap<number, number>; close: () => void } {
  const at = new Map<number, number>()
  const name = 'llm-pack-stream:request:start'
  const listener = (event: unknown): void => {
    const { stream: of, request } = event as RequestStartEvent
    if (of === stream) at.set(request, performance.now())
  }
  subscribe(name, listener)
  return { at, close: () => void unsubscribe(name, listener) }
}

function resultOf(
  outcome: Outcome<unknown, unknown>,
): Omit<Trial, 'arm' | 'block' | 'record' | 'group' | 'ms'> {
  const { pack, attempts, status } = outcome
  const place = { request: pack?.request, position: pack?.position, size: pack?.size, attempts }
  if (status === 'rejected') return { ...place, status, code: outcome.reason.code }
  return { ...place, status, value: throughJson(outcome.value) }
}

/** A value as the journal gives it back, so that a resumed eval has the same report. */
function throughJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? null : (JSON.parse(text) as unknown)
}

/** A group that was cut off is asked again as a whole, so that its records meet. */
function wholeGroups(trials: readonly Trial[], places: readonly Place[]): Trial[] {
  const asked = new Set(trials.map(({ record }) => record))
  const cut = new Set(places.filter(({ record }) => !asked.has(record)).map(({ group }) => group))
  const groups = new Map(places.map(({ record, group }) => [record, group]))
  return trials.filter(({ record }) => !cut.has(groups.get(record) ?? 0))
}

function endOf(error: unknown): Asked['end'] {
  if (error === undefined) return undefined
  if (error instanceof PackStreamError && error.code === 'stopped') return 'aborted'
  if (error instanceof PackStreamError && error.code === 'max_cost_reached') return 'max_cost'
  return error instanceof Error ? error : new Error('The stream failed', { cause: error })
}
