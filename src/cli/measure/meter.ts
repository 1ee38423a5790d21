import { Histogram } from './histogram.ts'

/** A share of the requests that were measured did not pass this: a tenth, half, nine tenths. */
export interface Quantiles {
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

/** What a run measured of the server, for the plan of the next one. JSON. */
export interface Measured {
  /** Requests that were measured, and the results they brought. */
  readonly requests: number
  readonly records: number
  /** Milliseconds from a request to its first token. */
  readonly timeToFirstToken: Quantiles
  /** Tokens that one request wrote per second after that. */
  readonly outputTokensPerSecond: Quantiles
  /** Output tokens for each result, what framed it and thinking included. */
  readonly outputTokensPerRecord: number
}

/** A request that ended, as `llm-pack-stream:request:end` tells it. */
export interface MeasuredRequest {
  /** Milliseconds from its start to its end, and to its first token. */
  readonly duration: number
  readonly firstToken: number | undefined
  /** Tokens, as the API counted. */
  readonly output: number | undefined
  /** Records that it settled. */
  readonly records: number
}

/** Measures any number of requests in a fixed amount of memory. */
export class Meter {
  readonly #firstToken = new Histogram()
  readonly #rate = new Histogram()
  #requests = 0
  #records = 0
  #output = 0

  /** A request that wrote nothing, that settled nothing, or that nobody counted says nothing. */
  add({ duration, firstToken, output, records }: MeasuredRequest): void {
    if (firstToken === undefined || output === undefined || !(output > 0 && records > 0)) return
    this.#requests += 1
    this.#records += records
    this.#output += output
    this.#firstToken.add(Math.max(firstToken, 1))
    // The first token is there already. An answer that came in one go tells no rate.
    const writing = duration - firstToken
    if (output > 1 && writing > 0) this.#rate.add((output - 1) / (writing / 1000))
  }

  /** `undefined`: too little to tell. */
  get measured(): Measured | undefined {
    if (this.#rate.count === 0) return undefined
    return {
      requests: this.#requests,
      records: this.#records,
      timeToFirstToken: quantilesOf(this.#firstToken),
      outputTokensPerSecond: quantilesOf(this.#rate),
      outputTokensPerRecord: this.#output / this.#records,
    }
  }
}

function quantilesOf(histogram: Histogram): Quantiles {
  return { p10: histogram.quantile(0.1), p50: histogram.quantile(0.5), p90: histogram.quantile(0.9) }
}
