import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { onTestFinished, vi } from 'vitest'
import * as z from 'zod'
import { PackStream, type Outcome, type PackStreamOptions } from 'llm-pack-stream'

/**
 * A pack leaves when it is full or the input ends. By default it leaves after 100 ms too, so a
 * process that gets no CPU for that time would send it in parts.
 */
export const patient = { linger: 10_000 }

/** A stream of strings whose results are strings, with the options of a test. */
export function stringStream(
  client: PackStreamOptions<string, string>['client'],
  options: Partial<PackStreamOptions<string, string>> = {},
): PackStream<string, string> {
  return new PackStream<string, string>({
    ...patient,
    client,
    model: 'm',
    instructions: 'Echo.',
    schema: z.string(),
    ...options,
  })
}

/** Sends records through a stream and returns all outcomes in the order of their arrival. */
export async function collect<R, T>(
  stream: PackStream<R, T>,
  records: Iterable<R>,
): Promise<Outcome<R, T>[]> {
  const outcomes: Outcome<R, T>[] = []
  await pipeline(Readable.from(records), stream, async (source) => {
    for await (const outcome of source) outcomes.push(outcome)
  })
  return outcomes
}

export function texts(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `text ${i}`)
}

/** A source that counts the records that were taken from it. */
export function countedSource(count: number) {
  const source = { taken: 0, stream: Readable.from(records(), { highWaterMark: 1 }) }
  function* records(): Generator<string> {
    for (const text of texts(count)) {
      source.taken += 1
      yield text
    }
  }
  return source
}

/** A promise and the function that resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  return {
    opened: promise,
    open: () => {
      resolve(undefined)
    },
  }
}

/** Lets all pending work run that does not wait for time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

const FAKED = { toFake: ['setTimeout', 'clearTimeout', 'performance'] } satisfies Parameters<
  typeof vi.useFakeTimers
>[0]

/** Stops the clock until the end of this test. Only `vi.advanceTimersByTimeAsync` moves it. */
export function fakeTimers(): void {
  vi.useFakeTimers(FAKED)
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

/** Runs a job while a fake clock advances quickly, so that pauses and lingering take no time. */
export async function inNoTime<T>(job: () => Promise<T>): Promise<T> {
  vi.useFakeTimers(FAKED)
  try {
    const state = { isDone: false }
    const result = job().finally(() => {
      state.isDone = true
    })
    while (!state.isDone) {
      await new Promise((resolve) => setImmediate(resolve))
      await vi.advanceTimersByTimeAsync(50)
    }
    return await result
  } finally {
    vi.useRealTimers()
  }
}
