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

/** Default of `maxUncommitted`. */
export const MAX_UNCOMMITTED = 1_000

/** A value that is smaller than every offset. */
const NOTHING = -1n

/** The records of one partition that were read and not committed, in the order of their offsets. */
interface Progress extends TopicPartition {
  readonly entries: Entry[]
  /** Number of finished records at the start of `entries`. */
  finished: number
  /** Number of records in `entries` that are not finished. */
  unfinished: number
  /**
   * Smallest possible offset of the next record. If the topic has gaps, the real offset is larger.
   */
  position: bigint
  committed: bigint
}

/**
 * The place at which a record was read. The partition may have left since then, and may have come
 * back.
 */
interface Place {
  readonly progress: Progress
  readonly entry: Entry
}

export interface OffsetTrackerOptions {
  /**
   * Largest number of records of one partition that were read and not committed. Default: 1,000.
   */
  readonly maxUncommitted?: number | undefined
}

/**
 * Computes which offset of each partition may be committed, while records finish in any order. It
 * is the offset behind the contiguous finished records, and never an offset past a record without
 * an outcome.
 *
 * The tracker does not use Kafka. The reader tells it which partitions are held and which records
 * were read. The producer tells it which records are finished. The committer asks it which offsets
 * are ready.
 */
export class OffsetTracker {
  readonly maxUncommitted: number
  /** Notified when records are finished or committed, and when partitions come. */
  readonly change = new Change()
  readonly #held = new Map<string, Progress>()
  readonly #places = new WeakMap<KafkaRecord, Place>()
  /**
   * The progress of each returned offset. Before an offset is committed, its partition may have
   * left and come back.
   */
  readonly #ready = new WeakMap<TopicPartitionOffset, Progress>()

  constructor({ maxUncommitted = MAX_UNCOMMITTED }: OffsetTrackerOptions = {}) {
    this.maxUncommitted = maxUncommitted
  }

  /**
   * Holds a partition: it is read here from `offset` on.
   *
   * @param isCommitted Whether the group has committed `offset`. If not, the partition has no room
   *   until the group has committed it. Otherwise a crash would lose the start, and the partition
   *   would start at another offset.
   */
  hold({ topic, partition, offset }: TopicPartitionOffset, isCommitted = true): void {
    const place = { topic, partition, entries: [], finished: 0, unfinished: 0 }
    this.#held.set(keyOf(place), { ...place, position: offset, committed: isCommitted ? offset : NOTHING })
    this.change.notify()
  }

  /** Releases a partition: another member reads it. */
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

  /** Number of records of the partition that were read and not committed. */
  uncommitted(partition: TopicPartition): number {
    return this.#held.get(keyOf(partition))?.entries.length ?? 0
  }

  /** Number of records of the partition that were read and not finished. */
  unfinished(partition: TopicPartition): number {
    return this.#held.get(keyOf(partition))?.unfinished ?? 0
  }

  /**
   * Notes that a record was read.
   *
   * @throws {Error} If the partition is not held, or the offset is not behind the offsets that were
   *   read before.
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

  /**
   * Notes that reading has reached `offset`, also if there were no records. A topic has gaps, such
   * as markers of transactions.
   */
  skipTo({ offset, ...partition }: TopicPartitionOffset): void {
    const progress = this.#held.get(keyOf(partition))
    if (progress && offset > progress.position) progress.position = offset
  }

  /**
   * Whether the record's partition has been held without interruption since the record was read.
   */
  isCurrent(record: KafkaRecord): boolean {
    const progress = this.#places.get(record)?.progress
    return progress !== undefined && this.#held.get(keyOf(record)) === progress
  }

  /** Notes that the record's outcome is stored safely. */
  finish(record: KafkaRecord): void {
    const place = this.#places.get(record)
    if (!place || place.entry.isFinished) return
    const { progress, entry } = place
    entry.isFinished = true
    progress.unfinished -= 1
    while (progress.entries[progress.finished]?.isFinished) progress.finished += 1
    this.change.notify()
  }

  /** The offsets to commit: all offsets that are higher than the committed offset. */
  get ready(): TopicPartitionOffset[] {
    return [...this.#held.values()].flatMap((progress) => {
      const { topic, partition, entries, finished, position, committed } = progress
      const ready = { topic, partition, offset: entries[finished]?.offset ?? position }
      this.#ready.set(ready, progress)
      return ready.offset > committed ? [ready] : []
    })
  }

  /** Notes that offsets that `ready` returned are committed. */
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
