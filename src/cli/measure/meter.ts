import { Histogram } from './histogram.ts'

/** The values that a tenth, half and nine tenths of the measured requests did not exceed. */
export interface Quantiles {
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

/** The measurements of a run, for the plan of the next run. JSON. */
export interface Measured {
  /** Measured requests, and the records that they settled. */
  readonly requests: number
  readonly records: number
  /** Milliseconds from a request to its first token. */
  readonly timeToFirstToken: Quantiles
  /** Tokens that one request wrote per second after its first token. */
  readonly outputTokensPerSecond: Quantiles
  /** Output tokens for each result, with its frame and with thinking. */
  readonly outputTokensPerRecord: number
}

/** A finished request, as in the event `llm-pack-stream:request:end`. */
export interface MeasuredRequest {
  /** Milliseconds from its start to its end, and to its first token. */
  readonly duration: number
  readonly firstToken: number | undefined
  /** Output tokens, as the API counted them. */
  readonly output: number | undefined
  /** Records that the request settled. */
  readonly records: number
}

/** Shortest time of a histogram, which knows no 0. */
export const LEAST_MS = 0.1

/** Measures any number of requests in a fixed amount of memory. */
export class Meter {
  /** Milliseconds from each request to its first token. */
  readonly firstToken = new Histogram()
  readonly #rate = new Histogram()
  #requests = 0
  #records = 0
  #output = 0

  /** Of a request that settled nothing, or has no count, only the first token counts. */
  add({ duration, firstToken, output, records }: MeasuredRequest): void {
    if (firstToken === undefined) return
    this.firstToken.add(Math.max(firstToken, LEAST_MS))
    if (output === undefined || !(output > 0 && records > 0)) return
    this.#requests += 1
    this.#records += records
    this.#output += output
    // The first token takes no writing time. An answer that came at once has no rate.
    const writing = duration - firstToken
    if (output > 1 && writing > 0) this.#rate.add((output - 1) / (writing / 1000))
  }

  /** `undefined`: there is no request with a rate. */
  get measured(): Measured | undefined {
    if (this.#rate.count === 0) return undefined
    return {
      requests: this.#requests,
      records: this.#records,
      timeToFirstToken: quantilesOf(this.firstToken),
      outputTokensPerSecond: quantilesOf(this.#rate),
      outputTokensPerRecord: this.#output / this.#records,
    }
  }
}

function quantilesOf(histogram: Histogram): Quantiles {
  return { p10: histogram.quantile(0.1), p50: histogram.quantile(0.5), p90: histogram.quantile(0.9) }
}
