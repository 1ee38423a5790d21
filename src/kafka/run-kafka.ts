import { once } from 'node:events'
import { constants } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { duration, expected, show } from '../base/option-checks.ts'
import type { PackStream, Stats } from '../index.ts'
import { sleep } from '../base/sleep.ts'
import { KafkaSink, type SinkCounts } from './kafka-sink.ts'
import { KafkaSource } from './kafka-source.ts'
import type { KafkaSinkOptions, KafkaSourceOptions } from './options.ts'
import type { KafkaRecord } from './record.ts'

/** What a process never hears of. */
const UNCATCHABLE: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGSTOP']
/** How long a worker that aborts may take to commit and to leave, in ms. */
const LEAVE_TIMEOUT = 5_000

export interface RunKafkaOptions<T>
  extends KafkaSourceOptions, Omit<KafkaSinkOptions<T>, keyof KafkaSourceOptions | 'tracker'> {
  /** As it aborts the worker stops, as if the process had been sent a signal. */
  readonly signal?: AbortSignal
  /** Signals to the process that stop the worker; a second one aborts what runs. @default ['SIGTERM', 'SIGINT'] */
  readonly stopSignals?: readonly NodeJS.Signals[]
  /**
   * How long a worker that is to stop may take to finish what it has read, in ms. What is not finished by then is aborted, and
   * another worker asks again. A container gets 30 s from Kubernetes and 10 s from Docker before it is killed.
   *
   * @default 25,000
   */
  readonly stopTimeout?: number
}

export interface KafkaSummary extends SinkCounts {
  /** Records that had been read and have no outcome, since `stopTimeout` was over: they are read again. */
  readonly unfinished: number
  /** Of the `PackStream`: what was asked and what it cost. */
  readonly stats: Stats
}

/**
 * Runs a worker: reads topics as a member of a consumer group, sends each record through the `PackStream`, produces what comes
 * out, and commits how far all has come. Until it is stopped: then it reads no more, finishes what it has read, commits, leaves
 * the group, and resolves.
 *
 * At least once: after a crash, or as partitions move, a record can have its outcome twice, never none. Both have the same key.
 *
 * @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is.
 * @throws {Error} If the cluster cannot be reached at the start, a topic is missing, or something fails that no try can mend.
 * The stream's own errors, such as a key that the API refuses, are thrown as they are. What was finished is committed first.
 */
export async function runKafka<T>(
  stream: PackStream<KafkaRecord, T>,
  options: RunKafkaOptions<T>,
): Promise<KafkaSummary> {
  const { signal, stopSignals = ['SIGTERM', 'SIGINT'], stopTimeout, ...rest } = options
  const { outputTopic, deadLetterTopic, serialize, ...ofSource } = rest
  const limit = duration('stopTimeout', stopTimeout, 25_000)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected('signal', 'an AbortSignal', signal)
  }
  for (const name of stopSignals) {
    if (!(name in constants.signals) || UNCATCHABLE.includes(name)) {
      throw expected('stopSignals', "an array of signals that can be caught, such as ['SIGTERM']", name)
    }
  }
  const source = new KafkaSource(ofSource)
  for (const [name, topic] of Object.entries({ outputTopic, deadLetterTopic })) {
    // It would read what it has written, for ever.
    if (options.topics.includes(topic)) {
      throw new RangeError(`Expected \`${name}\` not to be one of \`topics\`, got ${show(topic)}`)
    }
  }
  const { connection, onEvent } = options
  const sink = new KafkaSink<T>({
    ...{ connection, tracker: source.tracker, outputTopic, deadLetterTopic },
    ...(serialize && { serialize }),
    ...(onEvent && { onEvent }),
  })

  const aborting = new AbortController()
  const abort = (): void => {
    aborting.abort()
  }
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    if (timer) return
    source.stop()
    timer = setTimeout(abort, limit)
  }
  const onSignal = (): void => {
    if (timer) abort()
    stop()
  }
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  for (const name of stopSignals) process.on(name, onSignal)

  let failure: unknown
  await pipeline(source, stream, sink, { signal: aborting.signal }).catch((error: unknown) => {
    if (!aborting.signal.aborted) failure = error
  })
  let unfinished = 0
  const leave = async (): Promise<void> => {
    await sink.close()
    unfinished = source.tracker.held.reduce((sum, one) => sum + source.tracker.unfinished(one), 0)
    await source.leave()
  }
  await within(LEAVE_TIMEOUT, aborting.signal, leave()).catch((error: unknown) => {
    failure ??= error
  })
  clearTimeout(timer)
  signal?.removeEventListener('abort', stop)
  for (const name of stopSignals) process.off(name, onSignal)
  if (failure !== undefined) throw failure as Error
  return { ...sink.counts, unfinished, stats: stream.stats }
}

/** Waits for it as long as it takes or, once the signal aborts, so many ms. */
async function within(ms: number, signal: AbortSignal, leaving: Promise<void>): Promise<void> {
  const over = new AbortController()
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort', { signal: over.signal })
  const late = aborted
    .then(() => sleep(ms, over.signal))
    .then(() => {
      throw new Error(`Could not commit the last offsets: the cluster has not answered for ${ms} ms`)
    })
  try {
    await Promise.race([leaving, late])
  } finally {
    late.catch(() => undefined)
    over.abort()
  }
}
