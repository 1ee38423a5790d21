export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Returns a unique string for each partition. The name of a topic holds no colon. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

/** Returns the partitions of each topic, in order. */
export function byTopic(partitions: Iterable<TopicPartition>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers) numbers.push(partition)
    else topics.set(topic, [partition])
  }
  for (const numbers of topics.values()) numbers.sort((a, b) => a - b)
  return topics
}

/** Returns the partitions of one topic as a list. */
export function flatten({
  topic,
  partitions,
}: {
  topic: string
  partitions: readonly number[]
}): TopicPartition[] {
  return partitions.map((partition) => ({ topic, partition }))
}
