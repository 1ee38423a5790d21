/** Period of the rate, in ms: long enough for some answers, short enough to show a change. */
const PERIOD_MS = 30_000
/** Shortest time between two samples, in ms. So there are at most 60 of them. */
const SPACING_MS = 500

interface Sample {
  readonly at: number
  readonly done: number
}

/** Records per second in the last 30 s. A pause in the past does not make a run slow. */
export class Rate {
  readonly #samples: Sample[] = []

  /** @param at Time in ms, by a clock that goes on. */
  add(at: number, done: number): number {
    const samples = this.#samples
    if (at - (samples.at(-1)?.at ?? -Infinity) >= SPACING_MS) samples.push({ at, done })
    // The first sample is as old as the period, or the oldest sample.
    while ((samples[1]?.at ?? Infinity) <= at - PERIOD_MS) samples.shift()
    const first = samples[0] ?? { at, done }
    return at <= first.at ? 0 : ((done - first.done) / (at - first.at)) * 1_000
  }
}
