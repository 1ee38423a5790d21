import type { TopicPartition } from './topic-partition.ts'

/** A record of a topic, as it is written into the `PackStream`. */
export interface KafkaRecord extends TopicPartition {
  readonly offset: bigint
  /** When it was produced or appended, in ms since 1970, as the topic is configured. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  /** In the record's order; a name may occur more than once. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

/** `topic:partition:offset`: the key of whatever is produced for a record, the same however often it is produced. */
export function recordId({
  topic,
  partition,
  offset,
}: Pick<KafkaRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}:${partition}:${offset}`
}
