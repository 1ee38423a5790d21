import { randomUUID } from 'node:crypto'
import { Admin, Consumer, ListOffsetTimestamps, ProduceAcks, Producer } from '@platformatic/kafka'
import { afterAll, describe, it } from 'vitest'
import { startMockBroker } from './mock-broker.ts'
import { noBroker, realBrokers } from './require-kafka.ts'

/**
 * Like `describe`, for tests that need a broker. The tests get the cluster of `KAFKA_BROKERS`, or
 * their own mock cluster. Without a broker, they are skipped.
 */
export function kafkaTests(name: string, tests: (cluster: KafkaCluster) => void): void {
  const why = noBroker
  if (why !== undefined) {
    describe.skip(name, () => {
      it.todo(why)
    })
    return
  }
  describe(name, () => {
    const cluster = new KafkaCluster()
    afterAll(() => cluster.stop())
    tests(cluster)
  })
}

export interface NewRecord {
  /** The partition. Without it, the partitions take turns. */
  readonly partition?: number
  readonly key?: string
  /** The value. `null` is a tombstone. */
  readonly value: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface StoredRecord {
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Bit of a batch that holds a marker of a transaction and no records. */
const CONTROL = 0x20
const UNKNOWN_EPOCH = -1
const CHUNK = 500
const MEGABYTE = 2 ** 20

/**
 * A cluster, with the requests that tests need. It has its own clients, and none of them joins a
 * group.
 */
export class KafkaCluster {
  readonly brokers: string[]
  readonly isMock: boolean
  readonly #mock
  readonly #base
  readonly #admin
  readonly #producer
  readonly #reader

  constructor() {
    this.#mock = realBrokers ? undefined : startMockBroker()
    this.isMock = this.#mock !== undefined
    this.brokers = this.#mock ? [this.#mock.address] : (realBrokers ?? [])
    this.#base = { clientId: 'test', bootstrapBrokers: this.brokers }
    this.#admin = new Admin(this.#base)
    this.#producer = new Producer(this.#base)
    this.#reader = new Consumer({ ...this.#base, groupId: 'test' })
  }

  /** A real cluster still has the topics and groups of earlier runs. */
  newName(prefix: string): string {
    return `${prefix}-${randomUUID()}`
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    if (this.#mock) {
      this.#mock.createTopic(name, partitions)
      return
    }
    await this.#admin.createTopics({ topics: [name], partitions })
    // The cluster answers before all brokers know the topic.
    while ((await this.#metadata(name).catch(() => undefined))?.partitions.length !== partitions) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async produce(topic: string, records: readonly NewRecord[]): Promise<void> {
    for (let i = 0; i < records.length; i += CHUNK) {
      await this.#producer.send({
        acks: ProduceAcks.ALL,
        messages: records.slice(i, i + CHUNK).map(({ key, value, headers = {}, ...record }) => ({
          ...{ ...record, topic },
          ...(key === undefined ? {} : { key: Buffer.from(key) }),
          ...(value === null ? {} : { value: Buffer.from(value) }),
          headers: new Map(
            Object.entries(headers).map(([name, content]) => [Buffer.from(name), Buffer.from(content)]),
          ),
        })),
      })
    }
  }

  /**
   * Returns every record that still exists, partition by partition, from the given offsets up to
   * the ends.
   */
  async readAll(topic: string, ends?: readonly bigint[], from?: readonly bigint[]): Promise<StoredRecord[]> {
    const stops = ends ?? (await this.endOffsets(topic))
    const starts = from ?? (await this.#listOffsets(topic, ListOffsetTimestamps.EARLIEST))
    const records: StoredRecord[] = []
    for (const [partition, start] of starts.entries()) {
      const stop = stops[partition] ?? 0n
      for (let next = start; next < stop;) {
        const read = await this.#fetch(topic, partition, next)
        records.push(...read.records.filter(({ offset }) => offset >= next && offset < stop))
        next = read.next
      }
    }
    return records
  }

  /** Returns the offset behind the last record of each partition. */
  endOffsets(topic: string): Promise<bigint[]> {
    return this.#listOffsets(topic, ListOffsetTimestamps.LATEST)
  }

  /** Returns the committed offset of each partition; -1 if there is none. */
  async committedOffsets(groupId: string, topic: string): Promise<bigint[]> {
    const client = new Consumer({ ...this.#base, groupId })
    try {
      const partitions = (await this.#metadata(topic)).partitions.map((_, partition) => partition)
      const committed = await client.listCommittedOffsets({ topics: [{ topic, partitions }] })
      return partitions.map((partition) => committed.get(topic)?.[partition] ?? -1n)
    } finally {
      await client.close(true)
    }
  }

  /** A topic that does not exist. The mock cluster would create it. */
  missingTopic(): string {
    const name = this.newName('missing')
    this.#mock?.createTopic(name, 1)
    this.#mock?.hideTopic(name)
    return name
  }

  /**
   * The next requests of this kind are refused with these errors. Only the mock cluster can do
   * this.
   */
  refuse(apiKey: number, errors: readonly number[]): void {
    this.#mock?.refuse(apiKey, errors)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#admin.close(), this.#producer.close(), this.#reader.close(true)])
    this.#mock?.stop()
  }

  async #metadata(topic: string) {
    const { topics } = await this.#reader.metadata({ topics: [topic], forceUpdate: true })
    const metadata = topics.get(topic)
    if (!metadata) throw new Error(`There is no topic ${topic}.`)
    return metadata
  }

  async #listOffsets(topic: string, timestamp: bigint): Promise<bigint[]> {
    return (await this.#reader.listOffsets({ topics: [topic], timestamp })).get(topic) ?? []
  }

  async #fetch(topic: string, partition: number, fetchOffset: bigint) {
    const { id, partitions } = await this.#metadata(topic)
    const { responses } = await this.#reader.fetch({
      node: partitions[partition]!.leader,
      topics: [
        {
          topicId: id,
          partitions: [
            {
              ...{ partition, fetchOffset, partitionMaxBytes: MEGABYTE },
              ...{ currentLeaderEpoch: UNKNOWN_EPOCH, lastFetchedEpoch: UNKNOWN_EPOCH },
            },
          ],
        },
      ],
      ...{ minBytes: 1, maxBytes: MEGABYTE, maxWaitTime: 500 },
    })
    const batches = responses.flatMap((one) => one.partitions).flatMap(({ records }) => records ?? [])
    const records = batches
      .filter(({ attributes }) => !(attributes & CONTROL))
      .flatMap(({ firstOffset, records }) =>
        records.map(({ offsetDelta, key, value, headers }) => ({
          ...{ partition, offset: firstOffset + BigInt(offsetDelta) },
          ...{ key: key?.toString() ?? null, value: value?.toString() ?? null },
          headers: Object.fromEntries(headers.map(([name, content]) => [String(name), String(content)])),
        })),
      )
    const last = batches.at(-1)
    return { records, next: last ? last.firstOffset + BigInt(last.lastOffsetDelta) + 1n : fetchOffset }
  }
}
