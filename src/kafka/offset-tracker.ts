import { Change } from './change.ts'
import type { KafkaRecord } from './record.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: bigint
}

interface Entry {
  readonly offset: bigint
  isFinished: boolean
}

/** Less than any offset. */
const NOTHING = -1n

/** The records of one partition that were read and are not committed, in the order of their offsets. */
interface Progress extends TopicPartition {
  readonly entries: Entry[]
  /** How many of them, from the first on, are finished. */
  finished: number
  /** How many of them are not finished. */
  unfinished: number
  /** Where the next one may be at the earliest: its own offset or, where the topic has gaps, below. */
  position: bigint
  committed: bigint
}

/** Where a record was read: the partition may have moved away since, and even have come back. */
interface Place {
  readonly progress: Progress
  readonly entry: Entry
}

export interface OffsetTrackerOptions {
  /** How many records of one partition may have been read and not been committed. 1,000 by default. */
  readonly maxUncommitted?: number
}

/**
 * Which offset of each partition may be committed while records are finished in any order: the one behind the contiguous
 * finished prefix, never one past a record that has no outcome yet.
 *
 * Knows no Kafka: whoever reads says what is held and read, whoever produces says what is finished, whoever commits asks what
 * is ready.
 */
export class OffsetTracker {
  readonly maxUncommitted: number
  /** Notified as records are finished or committed, and as partitions come. */
  readonly change = new Change()
  readonly #held = new Map<string, Progress>()
  readonly #places = new WeakMap<KafkaRecord, Place>()
  /** Whose offsets these are: by the time they are committed the partition may have left and come back. */
  readonly #ready = new WeakMap<TopicPartitionOffset, Progress>()

  constructor({ maxUncommitted = 1_000 }: OffsetTrackerOptions = {}) {
    this.maxUncommitted = maxUncommitted
  }

  /**
   * From now on the partition is read here, from `offset` on.
   *
   * @param isCommitted Whether the group has committed that. If not, there is no room before it has: had nobody written down
   * where a partition was begun, it would be begun at another place after a crash.
   */
  hold({ topic, partition, offset }: TopicPartitionOffset, isCommitted = true): void {
    const place = { topic, partition, entries: [], finished: 0, unfinished: 0 }
    this.#held.set(keyOf(place), { ...place, position: offset, committed: isCommitted ? offset : NOTHING })
    this.change.notify()
  }

  /** The partition is read elsewhere. */
  release(partition: TopicPartition): void {
    this.#held.delete(keyOf(partition))
  }

  get held(): TopicPartition[] {
    return [...this.#held.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  isHeld(partition: TopicPartition): boolean {
    return this.#held.has(keyOf(partition))
  }

  hasRoom(partition: TopicPartition): boolean {
    const progress = this.#held.get(keyOf(partition))
    if (!progress || progress.committed === NOTHING) return false
    return progress.entries.length < this.maxUncommitted
  }

  /** How many of its records have been read and not been committed. */
  uncommitted(partition: TopicPartition): number {
    return this.#held.get(keyOf(partition))?.entries.length ?? 0
  }

  /** How many of these are not finished. */
  unfinished(partition: TopicPartition): number {
    return this.#held.get(keyOf(partition))?.unfinished ?? 0
  }

  /**
   * A record has been read.
   *
   * @throws {Error} If its partition is not held, or it is not behind those that were read before.
   */
  read(record: KafkaRecord): void {
    const progress = this.#held.get(keyOf(record))
    if (!progress) throw new Error(`Partition ${keyOf(record)} is not held.`)
    if (record.offset < progress.position) {
      throw new Error(
        `Offset ${record.offset} of ${keyOf(record)} has been read: next is ${progress.position}.`,
      )
    }
    const entry = { offset: record.offset, isFinished: false }
    progress.entries.push(entry)
    progress.unfinished += 1
    progress.position = record.offset + 1n
    this.#places.set(record, { progress, entry })
  }

  /** Everything below `offset` has been read, records or not: a topic has gaps, such as markers of transactions. */
  skipTo({ offset, ...partition }: TopicPartitionOffset): void {
    const progress = this.#held.get(keyOf(partition))
    if (progress && offset > progress.position) progress.position = offset
  }

  /** Whether its partition has been held ever since the record was read. */
  isCurrent(record: KafkaRecord): boolean {
    const progress = this.#places.get(record)?.progress
    return progress !== undefined && this.#held.get(keyOf(record)) === progress
  }

  /** The record has its outcome, where it can no longer be lost. */
  finish(record: KafkaRecord): void {
    const place = this.#places.get(record)
    if (!place || place.entry.isFinished) return
    const { progress, entry } = place
    entry.isFinished = true
    progress.unfinished -= 1
    while (progress.entries[progress.finished]?.isFinished) progress.finished += 1
    this.change.notify()
  }

  /** The offsets to commit: those that are ahead of the committed ones. */
  get ready(): TopicPartitionOffset[] {
    return [...this.#held.values()].flatMap((progress) => {
      const { topic, partition, entries, finished, position, committed } = progress
      const ready = { topic, partition, offset: entries[finished]?.offset ?? position }
      this.#ready.set(ready, progress)
      return ready.offset > committed ? [ready] : []
    })
  }

  /** What `ready` has returned is committed. */
  commit(offsets: readonly TopicPartitionOffset[]): void {
    for (const ready of offsets) {
      const progress = this.#ready.get(ready)
      if (!progress || ready.offset <= progress.committed) continue
      progress.committed = ready.offset
      const next = progress.entries.findIndex(({ offset }) => offset >= ready.offset)
      const { length } = progress.entries.splice(0, next < 0 ? progress.entries.length : next)
      progress.finished -= length
    }
    this.change.notify()
  }
}
