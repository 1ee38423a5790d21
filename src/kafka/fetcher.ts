import { Consumer, type ClusterMetadata, type RecordsBatch } from '@platformatic/kafka'
import { backoff } from '../base/backoff.ts'
import { sleep } from '../base/sleep.ts'
import { baseOptions, type KafkaConnection } from './connection.ts'
import { hasError, TruncatedError } from './errors.ts'
import { listOffsets } from './list-offsets.ts'
import type { OffsetTracker, TopicPartitionOffset } from './offset-tracker.ts'
import type { KafkaRecord } from './record.ts'
import type { Session } from './session.ts'
import { byTopic, keyOf, type TopicPartition } from './topic-partition.ts'

/**
 * Longest time that a broker waits for records before it answers, in ms. A partition that has room
 * again during this time waits for the answer.
 */
const MAX_WAIT_MS = 500
/** Pause after an error that the client has already retried, in ms. */
const PAUSE_MS = 1_000
/** Bit of a batch that holds a marker of a transaction and no records. */
const CONTROL = 0x20
/** Bit of a batch whose records have the time at which the broker appended the batch. */
const APPEND_TIME = 0x08
/** Value for fields of the protocol that are not known here: the epoch of a leader. */
const UNKNOWN = -1

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** A partition that is read, with the records that were fetched and not yet taken. */
interface Stock extends TopicPartition {
  /** Offset of the next fetch. */
  next: bigint
  records: KafkaRecord[]
}

/**
 * Fetches records of the partitions that are started. Holds at most one answer of each partition in
 * advance. Fetches no records of a partition that has too many uncommitted records, and no records
 * at all while the stream takes none.
 */
export class Fetcher {
  readonly #tracker: OffsetTracker
  readonly #session: Session
  readonly #maxBytes: number
  readonly #client: Consumer
  /** Partitions in the order of their turns. */
  readonly #stocks = new Map<string, Stock>()
  /** Brokers with a running fetch. */
  readonly #asked = new Set<number>()

  constructor(connection: KafkaConnection, maxBytes: number, tracker: OffsetTracker, session: Session) {
    this.#tracker = tracker
    this.#session = session
    this.#maxBytes = maxBytes
    // This client joins no group. A broker answers the requests of one connection one after the
    // other, and a fetch may wait. So the heartbeats need another connection.
    this.#client = new Consumer({ ...baseOptions(connection), groupId: 'llm-pack-stream' })
  }

  start({ topic, partition, offset }: TopicPartitionOffset): void {
    this.#stocks.set(keyOf({ topic, partition }), { topic, partition, next: offset, records: [] })
    this.#tracker.change.notify()
  }

  stop(partition: TopicPartition): void {
    this.#stocks.delete(keyOf(partition))
  }

  /**
   * Returns the next record of a partition that has room. The partitions take turns. `undefined` if
   * there is no such record.
   */
  take(): KafkaRecord | undefined {
    for (const [key, stock] of this.#stocks) {
      const [record] = stock.records
      if (!record || !this.#tracker.hasRoom(stock)) continue
      this.#stocks.delete(key)
      this.#stocks.set(key, stock)
      stock.records.shift()
      this.#tracker.read(record)
      if (stock.records.length === 0) {
        this.#tracker.skipTo({ ...placeOf(stock), offset: stock.next })
        this.#tracker.change.notify()
      }
      return record
    }
    return undefined
  }

  /** Fetches records until the session is over. */
  async run(): Promise<void> {
    const { change } = this.#tracker
    const { signal } = this.#session
    for (let failures = 0; !signal.aborted;) {
      const changed = change.wait()
      try {
        await this.#fetch()
        failures = 0
        await changed
      } catch (error) {
        failures += 1
        this.#session.failed('learn where the partitions are', error)
        await sleep(backoff(failures, Math.random), signal)
      }
    }
  }

  async close(): Promise<void> {
    await this.#client.close(true)
  }

  /** Asks every broker for the wanted partitions, except brokers with a running fetch. */
  async #fetch(): Promise<void> {
    const wanted = [...this.#stocks.values()].filter(
      (stock) => stock.records.length === 0 && this.#tracker.hasRoom(stock),
    )
    if (wanted.length === 0) return
    const metadata = await this.#client.metadata({ topics: [...byTopic(wanted).keys()] })
    const leaderOf = ({ topic, partition }: TopicPartition) =>
      metadata.topics.get(topic)?.partitions[partition]?.leader ?? UNKNOWN
    for (const [leader, stocks] of Map.groupBy(wanted, leaderOf)) {
      if (!this.#asked.has(leader)) void this.#ask(leader, stocks, metadata)
    }
  }

  async #ask(leader: number, stocks: readonly Stock[], metadata: ClusterMetadata): Promise<void> {
    this.#asked.add(leader)
    const idOf = (topic: string) => metadata.topics.get(topic)?.id ?? topic
    const topics = [...Map.groupBy(stocks, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
      topicId: idOf(topic),
      partitions: ofTopic.map(({ partition, next }) => ({
        partition,
        fetchOffset: next,
        partitionMaxBytes: this.#maxBytes,
        currentLeaderEpoch: UNKNOWN,
        lastFetchedEpoch: UNKNOWN,
      })),
    }))
    const names = new Map(stocks.map(({ topic }) => [idOf(topic), topic]))
    const from = new Map(stocks.map((stock) => [stock, stock.next]))
    try {
      const limits = { minBytes: 1, maxBytes: 4 * this.#maxBytes, maxWaitTime: MAX_WAIT_MS }
      this.#store(await this.#client.fetch({ node: leader, topics, ...limits }), names, from)
    } catch (error) {
      await this.#mend(error, stocks)
    }
    this.#asked.delete(leader)
    this.#tracker.change.notify()
  }

  #store(
    { responses }: FetchResponse,
    names: ReadonlyMap<string, string>,
    from: ReadonlyMap<Stock, bigint>,
  ): void {
    for (const { topicId, partitions } of responses) {
      for (const { partitionIndex, records: batches } of partitions) {
        const stock = this.#stocks.get(keyOf({ topic: names.get(topicId) ?? '', partition: partitionIndex }))
        // The partition may have left and come back in the meantime. Or another broker may have
        // become its leader and have answered.
        if (!stock || from.get(stock) !== stock.next) continue
        for (const batch of batches ?? []) {
          // The broker sends whole batches, also if its first records were read before.
          if (!(batch.attributes & CONTROL)) stock.records.push(...recordsOf(batch, stock))
          stock.next = maxOf(stock.next, batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n)
        }
        if (stock.records.length === 0) this.#tracker.skipTo({ ...placeOf(stock), offset: stock.next })
      }
    }
  }

  /**
   * Handles a failed fetch. If the wanted records were deleted, goes on at the first existing
   * offset. After any other error, waits and tries again.
   */
  async #mend(cause: unknown, stocks: readonly Stock[]): Promise<void> {
    try {
      if (!hasError(cause, 'OFFSET_OUT_OF_RANGE')) throw cause
      const earliest = await listOffsets(this.#client, byTopic(stocks), 'earliest')
      const latest = await listOffsets(this.#client, byTopic(stocks), 'latest')
      let hasMoved = false
      for (const stock of stocks) {
        const { topic, partition } = stock
        const [first, end] = [earliest, latest].map((offsets) => offsets.get(topic)?.[partition])
        if (first === undefined || end === undefined) continue
        if (stock.next > end) throw new TruncatedError(stock, stock.next, end)
        if (stock.next >= first) continue
        hasMoved = true
        this.#session.tell({ type: 'deleted', partition: placeOf(stock), from: stock.next, to: first })
        stock.next = first
        this.#tracker.skipTo({ ...placeOf(stock), offset: first })
      }
      if (!hasMoved) throw cause
    } catch (error) {
      this.#session.failed('fetch', error)
      await sleep(PAUSE_MS, this.#session.signal)
    }
  }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** Returns the records of a batch from the next offset on. */
function recordsOf(batch: RecordsBatch, { topic, partition, next }: Stock): KafkaRecord[] {
  return batch.records
    .map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
      topic,
      partition,
      offset: batch.firstOffset + BigInt(offsetDelta),
      timestamp: batch.attributes & APPEND_TIME ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta,
      key,
      value,
      headers: headers.map(([name, content]) => [name?.toString() ?? '', content] as const),
    }))
    .filter(({ offset }) => offset >= next)
}
