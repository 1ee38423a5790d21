import { Consumer } from '@platformatic/kafka'
import { baseOptions, checkTopics } from './connection.ts'
import { isOutOfStep } from './errors.ts'
import { listOffsets } from './list-offsets.ts'
import type { OffsetTracker, TopicPartitionOffset } from './offset-tracker.ts'
import type { ResolvedSource } from './options.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

/** The member that commits. */
export interface Membership {
  readonly memberId: string | null
  readonly generationId: number
}

/** The offset at which the reading of a partition starts. */
export interface Start extends TopicPartitionOffset {
  readonly isCommitted: boolean
}

/**
 * Reads and commits the offsets of a group.
 *
 * This class has its own client. The member's client would itself join the group when a commit does
 * not match the generation, and its heartbeats would join as well. Each join would start another
 * rebalance, without end. And on the member's connection, a commit would wait behind a join until
 * all members have come.
 */
export class GroupOffsets {
  readonly #options: ResolvedSource
  readonly #tracker: OffsetTracker
  readonly #client: Consumer
  #committing: Promise<boolean> | undefined
  #isContinued = false

  constructor(options: ResolvedSource, tracker: OffsetTracker) {
    this.#options = options
    this.#tracker = tracker
    const { connection, groupId } = options
    this.#client = new Consumer({ ...baseOptions(connection), groupId, retries: 0 })
  }

  /** @throws {Error} If the cluster cannot be reached, or a topic is missing. */
  async check(): Promise<void> {
    const { connection, topics } = this.#options
    await checkTopics(this.#client, connection, topics)
  }

  /** Whether the group has finished records of partitions whose offsets were read, before. */
  get isContinued(): boolean {
    return this.#isContinued
  }

  /** Returns the offset at which each partition starts, and whether the group has committed it. */
  async read(partitions: readonly TopicPartition[]): Promise<Start[]> {
    const topics = [...byTopic(partitions)].map(([topic, numbers]) => ({ topic, partitions: numbers }))
    const committed = await this.#client.listCommittedOffsets({ topics })
    const offsetOf = ({ topic, partition }: TopicPartition) => committed.get(topic)?.[partition] ?? -1n
    const without = byTopic(partitions.filter((one) => offsetOf(one) < 0n))
    if (!this.#isContinued) {
      // The start itself is committed too, before any record is finished.
      const firsts = await listOffsets(this.#client, byTopic(partitions), 'earliest')
      this.#isContinued = partitions.some(
        (one) => offsetOf(one) > (firsts.get(one.topic)?.[one.partition] ?? 0n),
      )
    }
    const ends = await listOffsets(this.#client, without, this.#options.startFrom)
    return partitions.map(({ topic, partition }) => {
      const offset = offsetOf({ topic, partition })
      if (offset >= 0n) return { topic, partition, offset, isCommitted: true }
      return { topic, partition, offset: ends.get(topic)?.[partition] ?? 0n, isCommitted: false }
    })
  }

  /**
   * Commits the finished offsets, after the running commit if there is one. Returns whether the
   * group accepted the commit. It may refuse a commit during a rebalance.
   */
  async commit(as: Membership): Promise<boolean> {
    await this.#committing?.catch(() => undefined)
    this.#committing ??= this.#commit(as).finally(() => (this.#committing = undefined))
    return this.#committing
  }

  async close(): Promise<void> {
    await this.#client.close(true)
  }

  async #commit({ memberId, generationId }: Membership): Promise<boolean> {
    const { ready } = this.#tracker
    if (ready.length === 0) return true
    this.#client.memberId = memberId
    this.#client.generationId = generationId
    try {
      // -1 means that the epoch of the leader is not known.
      await this.#client.commit({ offsets: ready.map((one) => ({ ...one, leaderEpoch: -1 })) })
    } catch (error) {
      // The heartbeats report this error to the member, which then joins again.
      if (isOutOfStep(error)) return false
      throw error
    }
    this.#tracker.commit(ready)
    return true
  }
}
