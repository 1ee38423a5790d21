import type { TopicPartition } from './topic-partition.ts'

/** A record of a topic. Write such records into the `PackStream`. */
export interface KafkaRecord extends TopicPartition {
  readonly offset: bigint
  /**
   * Time at which the record was produced or appended, in ms since 1970. The topic's configuration
   * decides which time.
   */
  readonly timestamp: bigint
  readonly key: Buffer | null
  /** The value. `null` is a tombstone. */
  readonly value: Buffer | null
  /** The headers in the record's order. A name may occur more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

/**
 * Returns `topic:partition:offset`: the key of every message for this record. Repeated messages for
 * a record have the same key.
 */
export function recordId({
  topic,
  partition,
  offset,
}: Pick<KafkaRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}:${partition}:${offset}`
}
