import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import {
  KafkaSource,
  type KafkaEvent,
  type KafkaRecord,
  type KafkaSourceOptions,
} from 'llm-pack-stream/kafka'
import { expect, it } from 'vitest'
import { Fetches } from '../../helpers/fetches.ts'
import { KafkaJob } from '../../helpers/kafka-job.ts'
import { kafkaTests, type NewRecord } from '../../helpers/kafka.ts'
import { realBrokers } from '../../helpers/require-kafka.ts'

const KILOBYTE = 1_024

kafkaTests('a source', (cluster) => {
  function sourceOf(job: KafkaJob, options: Partial<KafkaSourceOptions> = {}) {
    const events: KafkaEvent[] = []
    const { connection, groupId, topics, sessionTimeout = 0, heartbeatInterval = 0 } = job.options
    const source = new KafkaSource({
      ...{ connection, groupId, topics, sessionTimeout, heartbeatInterval },
      onEvent: (event) => events.push(event),
      ...options,
    })
    return { source, events }
  }

  /** Commits an offset, like an earlier worker. */
  async function commit(job: KafkaJob, offset: bigint): Promise<void> {
    const { input: topic } = job
    const { groupId, sessionTimeout = 0 } = job.options
    const timeouts = { sessionTimeout, rebalanceTimeout: sessionTimeout, heartbeatInterval: 500 }
    const member = new Consumer({
      clientId: 'test',
      bootstrapBrokers: cluster.brokers,
      groupId,
      ...timeouts,
    })
    member.topics.trackAll(topic)
    await member.joinGroup({})
    await member.commit({ offsets: [{ topic, partition: 0, offset, leaderEpoch: -1 }] })
    await member.close(true)
  }

  it('fetches nothing while no consumer takes records, and keeps at most one answer of each partition', async () => {
    const value = 'x'.repeat(KILOBYTE)
    const count = 12_000
    const job = await KafkaJob.start(
      cluster,
      Array.from({ length: count }, (_, i) => ({ partition: i % 4, value })),
    )
    const { source } = sourceOf(job, { maxPartitionBytes: 64 * KILOBYTE, maxUncommitted: count })
    const records: KafkaRecord[] = []
    const iterator = source[Symbol.asyncIterator]()
    const take = async (number: number) => {
      for (let i = 0; i < number; i += 1) {
        const { value: record } = (await iterator.next()) as { value: KafkaRecord }
        records.push(record)
        source.tracker.finish(record)
      }
    }
    await take(100)
    using fetches = new Fetches()
    await fetches.quiet()
    const fetched = fetches.count
    globalThis.gc?.()
    const before = process.memoryUsage()
    await sleep(3_000)
    const after = process.memoryUsage()
    expect(fetches.count).toBe(fetched)
    const grown = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 2 ** 20
    console.log(
      `paused for 3 s: 0 fetches, memory ${grown.toFixed(1)} MB more, ${count / 1_024} MB to be read`,
    )
    expect(grown).toBeLessThan(6)
    await take(count - 100)
    // Each answer has about sixty records of each partition, or of some partitions.
    expect(fetches.count).toBeGreaterThan(40)
    expect(new Set(records.map(({ partition, offset }) => `${partition}:${offset}`)).size).toBe(count)
    for (const partition of [0, 1, 2, 3]) {
      const offsets = records.filter((one) => one.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.toSorted((a, b) => Number(a - b)))
    }
    source.stop()
    await source.leave()
    expect(await job.committed()).toEqual([3_000n, 3_000n, 3_000n, 3_000n])
  })

  it('begins at the end if the option says so, and only in partitions without a committed offset', async () => {
    const old = await KafkaJob.start(cluster, [{ partition: 0, value: 'old' }], 1)
    const { source } = sourceOf(old, { startFrom: 'latest', topics: [old.input] })
    const first = source[Symbol.asyncIterator]().next()
    // The source asks for the end at some time after its start.
    const more = setInterval(() => void cluster.produce(old.input, [{ partition: 0, value: 'new' }]), 500)
    expect(String(((await first) as { value: KafkaRecord }).value.value)).toBe('new')
    clearInterval(more)
    await source.leave()

    await commit(old, 0n)
    const again = sourceOf(old, { startFrom: 'latest' }).source
    const { value } = (await again[Symbol.asyncIterator]().next()) as { value: KafkaRecord }
    expect(String(value.value)).toBe('old')
    await again.leave()
  })

  // A real cluster keeps more.
  it.runIf(!realBrokers)('goes on after deleted records, and reports them', async () => {
    const job = await KafkaJob.start(cluster, [], 1)
    // Messages that are produced together are sent together.
    const some = Array<NewRecord>(10).fill({ partition: 0, value: 'x'.repeat(64 * KILOBYTE) })
    for (let i = 0; i < 16; i += 1) await cluster.produce(job.input, some)
    await commit(job, 3n)
    const { source, events } = sourceOf(job)
    const { value: record } = (await source[Symbol.asyncIterator]().next()) as { value: KafkaRecord }
    expect(record.offset).toBeGreaterThan(3n)
    expect(events.filter(({ type }) => type === 'deleted')).toEqual([
      { type: 'deleted', partition: { topic: job.input, partition: 0 }, from: 3n, to: record.offset },
    ])
    await source.leave()
  })

  it('stops if a partition ends before its committed offset, because the topic was created again', async () => {
    const job = await KafkaJob.start(cluster, [{ partition: 0, value: 'one' }], 1)
    await commit(job, 7n)
    const { source } = sourceOf(job)
    await expect(source[Symbol.asyncIterator]().next()).rejects.toThrow(
      `Could not fetch: Expected ${job.input}:0 to reach offset 7, but it ends at 1. If the topic was deleted`,
    )
    await source.leave()
  })
})
