import { onEvent } from './events.ts'
import type { Histogram } from './histogram.ts'
import { Meter, type Measured } from './meter.ts'
import { ReasonCounter, type RunReasons } from './reasons.ts'

/** Requests that were aborted when the run ended. */
export interface Aborted {
  readonly requests: number
  /** Records that these requests left without a result. */
  readonly records: number
}

/** Counts and measures the requests of a stream. */
export class Observer {
  readonly #meter = new Meter()
  readonly #aborted = { requests: 0, records: 0 }
  readonly #closers: (() => void)[]
  /** The caller counts the rejected records. */
  readonly counter = new ReasonCounter()

  constructor(stream: object) {
    this.#closers = [
      onEvent('request:end', stream, (event) => {
        const { duration, firstToken, usage, settled, unsettled, error } = event
        this.#meter.add({ duration, firstToken, output: usage?.output, records: settled })
        this.counter.ended(event)
        if (error !== 'aborted') return
        this.#aborted.requests += 1
        this.#aborted.records += unsettled
      }),
      onEvent('waiting', stream, (event) => {
        this.counter.waits(event, Date.now())
      }),
    ]
  }

  /** Milliseconds from each request to its first token. */
  get firstToken(): Histogram {
    return this.#meter.firstToken
  }

  get measured(): Measured | undefined {
    return this.#meter.measured
  }

  get reasons(): RunReasons {
    return this.counter.reasons(Date.now())
  }

  get aborted(): Aborted {
    return { ...this.#aborted }
  }

  /** Ends the observation. */
  readonly close = (): void => {
    for (const close of this.#closers) close()
  }
}
