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

/** How long a broker may wait for something to send, in ms: so long does a partition wait that has room again meanwhile. */
const MAX_WAIT = 500
/** How long to wait after an error that the client has retried already, in ms. */
const PAUSE = 1_000
/** Bit of a batch that holds no records but a marker of a transaction. */
const CONTROL = 0x20
/** Bit of a batch whose records have the time at which it was appended. */
const APPEND_TIME = 0x08
/** For what the protocol wants to know and nobody here does: the epoch of a leader. */
const UNKNOWN = -1

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

/** A partition that is read: what has been fetched of it and not been taken. */
interface Stock extends TopicPartition {
  /** Where to fetch on. */
  next: bigint
  records: KafkaRecord[]
}

/**
 * Fetches records of the partitions that it is told to read: of each one answer at most ahead of what is taken, nothing of one
 * that has no room among the uncommitted, and nothing of any while nobody takes.
 */
export class Fetcher {
  readonly #tracker: OffsetTracker
  readonly #session: Session
  readonly #maxBytes: number
  readonly #client: Consumer
  /** In the order of their turns. */
  readonly #stocks = new Map<string, Stock>()
  /** The brokers that are being asked. */
  readonly #asked = new Set<number>()

  constructor(connection: KafkaConnection, maxBytes: number, tracker: OffsetTracker, session: Session) {
    this.#tracker = tracker
    this.#session = session
    this.#maxBytes = maxBytes
    // One that joins no group. A broker answers the requests of a connection one after the other, and a fetch may wait: the
    // heartbeats need another one.
    this.#client = new Consumer({ ...baseOptions(connection), groupId: 'llm-pack-stream' })
  }

  start({ topic, partition, offset }: TopicPartitionOffset): void {
    this.#stocks.set(keyOf({ topic, partition }), { topic, partition, next: offset, records: [] })
    this.#tracker.change.notify()
  }

  stop(partition: TopicPartition): void {
    this.#stocks.delete(keyOf(partition))
  }

  /** The next record of a partition that has room, the partitions taking turns; nothing if there is none. */
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

  /** Fetches until the session is over. */
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

  /** Asks every broker that has something to send and is not being asked. */
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
      const limits = { minBytes: 1, maxBytes: 4 * this.#maxBytes, maxWaitTime: MAX_WAIT }
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
        // It may have left and come back meanwhile, or another broker may have become its leader and have answered.
        if (!stock || from.get(stock) !== stock.next) continue
        for (const batch of batches ?? []) {
          // A batch is sent whole, also if its first records were asked for no more.
          if (!(batch.attributes & CONTROL)) stock.records.push(...recordsOf(batch, stock))
          stock.next = maxOf(stock.next, batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n)
        }
        if (stock.records.length === 0) this.#tracker.skipTo({ ...placeOf(stock), offset: stock.next })
      }
    }
  }

  /** What is asked for may have been deleted. Anything else is tried again after a while. */
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
      await sleep(PAUSE, this.#session.signal)
    }
  }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** The records of a batch from where the partition is read on. */
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
