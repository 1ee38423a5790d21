import { Consumer } from '@platformatic/kafka'
import { baseOptions, checkTopics } from './connection.ts'
import { isOutOfStep } from './errors.ts'
import { listOffsets } from './list-offsets.ts'
import type { OffsetTracker, TopicPartitionOffset } from './offset-tracker.ts'
import type { ResolvedSource } from './options.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

/** As whom it commits. */
export interface Membership {
  readonly memberId: string | null
  readonly generationId: number
}

/** Where a partition is begun. */
export interface Start extends TopicPartitionOffset {
  readonly isCommitted: boolean
}

/**
 * What a group has committed.
 *
 * By a client of its own. That of the member would itself join when a commit comes out of step with the group, beside the
 * heartbeats that do as well: each such join begins another round, for ever. And on its connection a commit would wait behind a
 * request to join until all others have come.
 */
export class GroupOffsets {
  readonly #options: ResolvedSource
  readonly #tracker: OffsetTracker
  readonly #client: Consumer
  #committing: Promise<boolean> | undefined

  constructor(options: ResolvedSource, tracker: OffsetTracker) {
    this.#options = options
    this.#tracker = tracker
    const { connection, groupId } = options
    this.#client = new Consumer({ ...baseOptions(connection), groupId, retries: 0 })
  }

  /** @throws {Error} If the cluster cannot be reached, or has no such topic. */
  async check(): Promise<void> {
    const { connection, topics } = this.#options
    await checkTopics(this.#client, connection, topics)
  }

  /** From where each partition is to be read, and whether the group has committed that. */
  async read(partitions: readonly TopicPartition[]): Promise<Start[]> {
    const topics = [...byTopic(partitions)].map(([topic, numbers]) => ({ topic, partitions: numbers }))
    const committed = await this.#client.listCommittedOffsets({ topics })
    const offsetOf = ({ topic, partition }: TopicPartition) => committed.get(topic)?.[partition] ?? -1n
    const without = byTopic(partitions.filter((one) => offsetOf(one) < 0n))
    const ends = await listOffsets(this.#client, without, this.#options.startFrom)
    return partitions.map(({ topic, partition }) => {
      const offset = offsetOf({ topic, partition })
      if (offset >= 0n) return { topic, partition, offset, isCommitted: true }
      return { topic, partition, offset: ends.get(topic)?.[partition] ?? 0n, isCommitted: false }
    })
  }

  /**
   * Commits what is finished: after the commit that is running, if there is one. Returns whether the group has taken it, which
   * it may not while it is in a round.
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
      // -1: the epoch of the leader is not known.
      await this.#client.commit({ offsets: ready.map((one) => ({ ...one, leaderEpoch: -1 })) })
    } catch (error) {
      // The member hears of it by its heartbeats, and joins.
      if (isOutOfStep(error)) return false
      throw error
    }
    this.#tracker.commit(ready)
    return true
  }
}
