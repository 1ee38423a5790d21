import { Writable } from 'node:stream'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import { backoff } from '../base/backoff.ts'
import type { Outcome } from '../index.ts'
import { sleep } from '../base/sleep.ts'
import { baseOptions, checkTopics } from './connection.ts'
import { hasError } from './errors.ts'
import { letterOf, type Letter } from './message.ts'
import { resolveSink, type KafkaSinkOptions, type ResolvedSink } from './options.ts'
import { recordId, type KafkaRecord } from './record.ts'
import { Session } from './session.ts'

/** Errors in the protocol for a batch that is larger than the topic or the broker accepts. */
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

/** A record with the message for it. */
interface Parcel {
  readonly record: KafkaRecord
  readonly letter: Letter
}

/** Number of records with each end. */
export interface SinkCounts {
  /** Records whose result is in the output topic. */
  readonly fulfilled: number
  /** Records that are in the dead-letter topic. */
  readonly rejected: number
  /** Records whose partition had moved to another member. That member gives them an outcome. */
  readonly dropped: number
}

/**
 * Writes outcomes to Kafka: an object-mode `Writable` for the outcomes of a `PackStream` of
 * `KafkaRecord`s. The key of each message is the record's `topic:partition:offset`. When all
 * in-sync replicas have the message (`acks: all`), the sink tells the tracker that the record is
 * finished.
 *
 * While the cluster accepts no messages, the sink tries again without end and takes no more
 * outcomes. After `pipeline()` has succeeded or failed, call `close()`.
 */
export class KafkaSink<T> extends Writable {
  readonly #options: ResolvedSink<T>
  readonly #producer: Producer
  readonly #session: Session
  readonly #counts = { fulfilled: 0, rejected: 0, dropped: 0 }
  #producing: Promise<void> = Promise.resolve()

  /**
   * @throws {TypeError} For a bad option. The message names the option, the expected value and the
   *   given value.
   */
  constructor(options: KafkaSinkOptions<T>) {
    // The options are checked before the stream exists. Otherwise the stream would connect although
    // the constructor throws.
    const resolved = resolveSink(options)
    const producer = new Producer(baseOptions(resolved.connection))
    // Largest number of records in one request.
    super({ objectMode: true, highWaterMark: 256 })
    this.#options = resolved
    this.#producer = producer
    this.#session = new Session(resolved.onEvent, (error) => this.destroy(error))
  }

  get counts(): SinkCounts {
    return { ...this.#counts }
  }

  /** Waits for the running request. Does not try again if it fails. */
  async close(): Promise<void> {
    this.destroy()
    await this.#producing
    await this.#producer.close()
  }

  override _construct(callback: (error?: Error) => void): void {
    const { connection, outputTopic, deadLetterTopic } = this.#options
    checkTopics(this.#producer, connection, [outputTopic, deadLetterTopic]).catch((error: unknown) => {
      this.destroy(error as Error)
    })
    // A stream cannot be destroyed while it is being constructed, and a silent cluster takes a long
    // time to fail. So the check does not delay the construction.
    callback()
  }

  override _writev(chunks: { chunk: unknown }[], callback: (error?: Error | null) => void): void {
    this.#producing = this.#produce(chunks.map(({ chunk }) => chunk as Outcome<KafkaRecord, T>)).then(() => {
      callback()
    }, callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#session.end()
    callback(error)
  }

  async #produce(outcomes: readonly Outcome<KafkaRecord, T>[]): Promise<void> {
    const { tracker } = this.#options
    const current = outcomes.filter(({ record }) => tracker.isCurrent(record))
    this.#counts.dropped += outcomes.length - current.length
    for (const outcome of current) {
      if (outcome.status === 'rejected')
        this.#session.tell({ type: 'rejected', record: outcome.record, reason: outcome.reason })
    }
    if (this.#session.isOver) return
    await this.#send(
      current.map((outcome) => ({ record: outcome.record, letter: letterOf(outcome, this.#options) })),
    )
  }

  /**
   * Sends the messages in one request, or in several requests if one request would be too large.
   */
  async #send(parcels: readonly Parcel[]): Promise<void> {
    if (parcels.length === 0) return
    const messages = parcels.map(({ letter }) => letter.message)
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#producer.send({ messages, acks: ProduceAcks.ALL })
        break
      } catch (error) {
        if (TOO_LARGE.some((name) => hasError(error, name))) {
          await this.#sendSmaller(parcels, error)
          return
        }
        this.#session.failed('produce', error)
        await sleep(backoff(failures, Math.random), this.#session.signal)
        if (this.#session.isOver) throw error
      }
    }
    for (const { record, letter } of parcels) {
      this.#counts[letter.status] += 1
      this.#options.tracker.finish(record)
    }
  }

  async #sendSmaller(parcels: readonly Parcel[], cause: unknown): Promise<void> {
    const [only] = parcels
    if (only && parcels.length === 1) {
      const { record, letter } = only
      if (letter.smaller) return this.#send([{ record, letter: letter.smaller() }])
      const why = `'${letter.message.topic}' refuses even a message without a value, raise its max.message.bytes`
      throw new Error(`Could not produce the outcome of ${recordId(record)}: ${why}`, { cause })
    }
    const half = Math.ceil(parcels.length / 2)
    await this.#send(parcels.slice(0, half))
    await this.#send(parcels.slice(half))
  }
}
