import type {
  ElementEvent,
  OutcomeEvent,
  RequestEndEvent,
  RequestStartEvent,
  Stats,
  WaitingEvent,
} from '../../index.ts'
import { onEvent } from './events.ts'
import { Histogram } from './histogram.ts'
import { LEAST_MS } from './meter.ts'
import type { RunRecord, Spread } from './run-record.ts'
import { Series } from './series.ts'

/** Interval of samples while no request ends. */
const SAMPLE_INTERVAL_MS = 1_000
/** Ranges of a chart of times. */
const RANGES = 30

export type Recorded = Pick<RunRecord, 'startedAt' | 'firstResult' | 'series' | 'packs' | 'latency'>

/** Records the requests of a stream over any time, in a bounded amount of memory. */
export class Recorder {
  readonly #stats: () => Stats
  readonly #now: () => number
  readonly #start: number
  readonly #series = new Series<Recorded['series'][number]>()
  readonly #packs = { first: new Map<number, number>(), again: new Map<number, number>() }
  readonly #firstToken: Histogram
  readonly #firstOfRequest = new Histogram()
  readonly #eachResult = new Histogram()
  /** Start of each running request, and whether it has a result. */
  readonly #running = new Map<number, { readonly startedAt: number; hasResult: boolean }>()
  /** The last pause, and the sum of the pauses before it. */
  #pause = { from: 0, until: 0 }
  #pastPauses = 0
  #firstResult: number | undefined

  /**
   * @param firstToken The times of the first tokens, which the observer measures.
   * @param now Milliseconds since 1970.
   */
  constructor(stats: () => Stats, firstToken: Histogram, now: () => number) {
    this.#stats = stats
    this.#firstToken = firstToken
    this.#now = now
    this.#start = now()
    this.sample()
  }

  started({ request, records, isRetry, isAudit }: RequestStartEvent): void {
    const sizes = this.#packs[isRetry ? 'again' : 'first']
    // The audit asks each record alone.
    if (!isAudit) sizes.set(records, (sizes.get(records) ?? 0) + 1)
    this.#running.set(request, { startedAt: this.#now(), hasResult: false })
  }

  element({ request, kind }: ElementEvent): void {
    const running = this.#running.get(request)
    if (kind !== 'fulfilled' || !running) return
    const time = Math.max(this.#now() - running.startedAt, LEAST_MS)
    this.#eachResult.add(time)
    if (!running.hasResult) this.#firstOfRequest.add(time)
    running.hasResult = true
  }

  ended({ request }: RequestEndEvent): void {
    this.#running.delete(request)
    this.sample()
  }

  /** A pause begins, or lasts longer than it was said. */
  waits({ until }: Pick<WaitingEvent, 'until'>): void {
    const now = this.#now()
    if (now > this.#pause.until) {
      this.#pastPauses += this.#pause.until - this.#pause.from
      this.#pause = { from: now, until }
    } else this.#pause.until = Math.max(this.#pause.until, until)
  }

  outcome({ status }: Pick<OutcomeEvent, 'status'>): void {
    if (status === 'fulfilled') this.#firstResult ??= rounded(this.#now() - this.#start)
  }

  /** Notes where the stream stands. */
  sample(): void {
    const { records, tokens, cost } = this.#stats()
    const now = this.#now()
    const paused = Math.max(0, Math.min(now, this.#pause.until) - this.#pause.from)
    this.#series.add({
      ...{ t: rounded(now - this.#start), fulfilled: records.fulfilled, rejected: records.rejected },
      ...{ input: tokens.input, cached: tokens.cached, output: tokens.output, cost },
      waited: rounded(this.#pastPauses + paused),
    })
  }

  recorded(): Recorded {
    this.sample()
    return {
      startedAt: new Date(this.#start).toISOString(),
      firstResult: this.#firstResult,
      series: [...this.#series.points],
      packs: { first: inOrder(this.#packs.first), again: inOrder(this.#packs.again) },
      latency: {
        firstToken: spreadOf(this.#firstToken),
        firstResult: spreadOf(this.#firstOfRequest),
        eachResult: spreadOf(this.#eachResult),
      },
    }
  }
}

const inOrder = (sizes: ReadonlyMap<number, number>): [number, number][] =>
  [...sizes].sort(([a], [b]) => a - b)

/** To a tenth of a millisecond. */
const rounded = (ms: number): number => Math.round(ms * 10) / 10

function spreadOf(histogram: Histogram): Spread | undefined {
  if (histogram.count === 0) return undefined
  const at = (share: number) => rounded(histogram.quantile(share))
  return {
    ...{ count: histogram.count, p50: at(0.5), p90: at(0.9), p99: at(0.99), most: at(1) },
    ranges: histogram.ranges(RANGES).map(([from, to, count]) => [rounded(from), rounded(to), count]),
  }
}

/** Records a stream. `stop` ends this, and returns what was recorded. */
export function recorderOf(
  stream: { readonly stats: Stats },
  firstToken: Histogram,
): { stop: () => Recorded } {
  // A person may set the clock of the machine. This clock goes on.
  const now = () => performance.timeOrigin + performance.now()
  const recorder = new Recorder(() => stream.stats, firstToken, now)
  const closers = [
    onEvent('request:start', stream, (event) => {
      recorder.started(event)
    }),
    onEvent('request:end', stream, (event) => {
      recorder.ended(event)
    }),
    onEvent('element', stream, (event) => {
      recorder.element(event)
    }),
    onEvent('outcome', stream, (event) => {
      recorder.outcome(event)
    }),
    onEvent('waiting', stream, (event) => {
      recorder.waits(event)
    }),
  ]
  const timer = setInterval(() => {
    recorder.sample()
  }, SAMPLE_INTERVAL_MS)
  timer.unref()
  return {
    stop() {
      clearInterval(timer)
      for (const close of closers) close()
      return recorder.recorded()
    },
  }
}
