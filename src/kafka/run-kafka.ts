import { once } from 'node:events'
import { constants } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { duration, expected, show, withOption } from '../base/option-checks.ts'
import type { PackStream, Stats } from '../index.ts'
import { sleep } from '../base/sleep.ts'
import { KafkaSink, type SinkCounts } from './kafka-sink.ts'
import { KafkaSource } from './kafka-source.ts'
import type { KafkaSinkOptions, KafkaSourceOptions } from './options.ts'
import type { KafkaRecord } from './record.ts'

/** Signals that a process cannot catch. */
const UNCATCHABLE: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGSTOP']
/** Default of `stopTimeout`. */
export const STOP_TIMEOUT_MS = 25_000
/** Time in which an aborting worker must commit and leave the group, in ms. */
const LEAVE_TIMEOUT_MS = 5_000

export interface RunKafkaOptions<T>
  extends KafkaSourceOptions, Omit<KafkaSinkOptions<T>, keyof KafkaSourceOptions | 'tracker'> {
  /** When this signal aborts, the worker stops, like after a signal to the process. */
  readonly signal?: AbortSignal | undefined
  /**
   * Signals to the process that stop the worker. A second signal aborts the running requests.
   * @default ['SIGTERM', 'SIGINT']
   */
  readonly stopSignals?: readonly NodeJS.Signals[] | undefined
  /**
   * Time in which a stopping worker finishes the records that it has read, in ms. After that, the
   * worker aborts the unfinished records, and another worker asks for them again. Kubernetes kills
   * a container after 30 s, and Docker after 10 s.
   *
   * @default 25,000
   */
  readonly stopTimeout?: number | undefined
}

export interface KafkaSummary extends SinkCounts {
  /**
   * Number of records that were read and have no outcome because `stopTimeout` was over. They are
   * read again.
   */
  readonly unfinished: number
  /** The `stats` of the `PackStream`. */
  readonly stats: Stats
}

/**
 * Runs a worker: reads topics as a member of a consumer group, sends each record through the
 * `PackStream`, produces the outcomes, and commits the finished offsets. When the worker is
 * stopped, it reads no more, finishes the records that it has read, commits, leaves the group, and
 * resolves.
 *
 * Delivery is at least once. After a crash, or when partitions move, a record can have its outcome
 * twice, and never no outcome. Both outcomes have the same key.
 *
 * @throws {TypeError | RangeError} For a bad option. The message names the option, the expected
 *   value and the given value.
 * @throws {Error} If the cluster cannot be reached at the start, a topic is missing, or an error
 *   occurs that a retry cannot repair. The stream's own errors, such as a key that the API refuses,
 *   are thrown unchanged. The worker commits the finished offsets first.
 */
export async function runKafka<T>(
  stream: PackStream<KafkaRecord, T>,
  options: RunKafkaOptions<T>,
): Promise<KafkaSummary> {
  const { signal, stopSignals = ['SIGTERM', 'SIGINT'], stopTimeout, ...rest } = options
  const { outputTopic, deadLetterTopic, serialize, ...ofSource } = rest
  const limit = duration('stopTimeout', stopTimeout, STOP_TIMEOUT_MS)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected('signal', 'an AbortSignal', signal)
  }
  for (const name of stopSignals) {
    if (!(name in constants.signals) || UNCATCHABLE.includes(name)) {
      throw expected('stopSignals', "an array of signals that can be caught, such as ['SIGTERM']", name)
    }
  }
  const source = new KafkaSource(ofSource)
  stream.assumeAccepted(() => source.isContinued)
  for (const [name, topic] of Object.entries({ outputTopic, deadLetterTopic })) {
    // The worker would read its own output, without end.
    if (options.topics.includes(topic)) {
      throw withOption(
        name,
        new RangeError(`Expected \`${name}\` not to be one of \`topics\`, got ${show(topic)}`),
      )
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
  await within(LEAVE_TIMEOUT_MS, aborting.signal, leave()).catch((error: unknown) => {
    failure ??= error
  })
  clearTimeout(timer)
  signal?.removeEventListener('abort', stop)
  for (const name of stopSignals) process.off(name, onSignal)
  if (failure !== undefined) throw failure as Error
  return { ...sink.counts, unfinished, stats: stream.stats }
}

/** Waits for `leaving` to end. After the signal has aborted, waits at most `ms` milliseconds. */
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
