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

/** What the protocol says of a batch that is larger than the topic takes, or the broker. */
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

/** A record, and what is produced for it. */
interface Parcel {
  readonly record: KafkaRecord
  readonly letter: Letter
}

/** How many records have come to which end. */
export interface SinkCounts {
  /** Those whose result is in the output topic. */
  readonly fulfilled: number
  /** Those in the dead-letter topic. */
  readonly rejected: number
  /** Those whose partition had moved away: whoever reads it gives them an outcome. */
  readonly dropped: number
}

/**
 * Produces outcomes: an object-mode `Writable` of what a `PackStream` of `KafkaRecord`s emits. Tells the tracker that a record
 * is finished once all in-sync replicas have its outcome (`acks: all`), whose key is the record's `topic:partition:offset`.
 *
 * While the cluster takes nothing it tries again, for ever, and takes no more. Call `close()` in the end, after `pipeline()`,
 * whether it failed or not.
 */
export class KafkaSink<T> extends Writable {
  readonly #options: ResolvedSink<T>
  readonly #producer: Producer
  readonly #session: Session
  readonly #counts = { fulfilled: 0, rejected: 0, dropped: 0 }
  #producing: Promise<void> = Promise.resolve()

  /** @throws {TypeError} For a bad option: the message names it, says what it should be, and what it is. */
  constructor(options: KafkaSinkOptions<T>) {
    // Before there is a stream, which would go on to connect although this throws.
    const resolved = resolveSink(options)
    const producer = new Producer(baseOptions(resolved.connection))
    // As many as one request may carry.
    super({ objectMode: true, highWaterMark: 256 })
    this.#options = resolved
    this.#producer = producer
    this.#session = new Session(resolved.onEvent, (error) => this.destroy(error))
  }

  get counts(): SinkCounts {
    return { ...this.#counts }
  }

  /** Waits for what is being produced, but tries nothing again. */
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
    // A stream that is being constructed cannot be destroyed, and a cluster that is silent takes long.
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

  /** In one request, or in as many as it takes where that is too large. */
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
      const why = `'${letter.message.topic}' takes not even a message without a value, raise its max.message.bytes`
      throw new Error(`Could not produce what has become of ${recordId(record)}: ${why}`, { cause })
    }
    const half = Math.ceil(parcels.length / 2)
    await this.#send(parcels.slice(0, half))
    await this.#send(parcels.slice(half))
  }
}
