import type { GroupPartitionsAssigner } from '@platformatic/kafka'
import { byTopic, flatten, keyOf, type TopicPartition } from './topic-partition.ts'

export interface Member {
  readonly id: string
  /** The topics that it reads. */
  readonly topics: ReadonlySet<string>
  /** What it says that it has, and since which generation of the group at the latest. */
  readonly owned: readonly TopicPartition[]
  readonly generation: number
}

/** The member that has each partition. Of several that claim it the one of the latest generation, of several such none. */
function ownersOf(members: readonly Member[]): Map<string, string> {
  const claims = new Map<string, { id: string | undefined; generation: number }>()
  for (const { id, generation, owned } of members) {
    for (const key of new Set(owned.map(keyOf))) {
      const other = claims.get(key)
      if (!other || generation > other.generation) claims.set(key, { id, generation })
      else if (generation === other.generation) claims.set(key, { id: undefined, generation })
    }
  }
  return new Map([...claims].flatMap(([key, { id }]) => (id === undefined ? [] : [[key, id]])))
}

/**
 * Which member shall read which partition: each keeps what it has, and what nobody has goes to whom has the fewest. Then
 * partitions move from members to others that have at least two fewer, until there are none.
 */
function balance(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
  owners: ReadonlyMap<string, string>,
): Map<string, TopicPartition[]> {
  const shares = new Map(members.map(({ id }) => [id, [] as TopicPartition[]]))
  const sizeOf = (id: string) => shares.get(id)?.length ?? 0
  const idlestReader = (topic: string): string | undefined =>
    members
      .filter(({ topics }) => topics.has(topic))
      .map(({ id }) => id)
      .sort((a, b) => sizeOf(a) - sizeOf(b) || (a < b ? -1 : 1))[0]
  const isReader = (id: string | undefined, topic: string) =>
    members.some((member) => member.id === id && member.topics.has(topic))

  const owned = (partition: TopicPartition) => {
    const owner = owners.get(keyOf(partition))
    return isReader(owner, partition.topic) ? owner : undefined
  }
  for (const partition of partitions) shares.get(owned(partition) ?? '')?.push(partition)
  for (const partition of partitions) {
    if (owned(partition) === undefined) shares.get(idlestReader(partition.topic) ?? '')?.push(partition)
  }
  // One at a time, from whom has the most: nobody gives away what it needs in the end.
  const next = () => {
    const bySize = [...shares].sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
    for (const [, share] of bySize) {
      // From the end: the same ones again, should there be another round before they have moved.
      for (const partition of share.toReversed()) {
        const to = idlestReader(partition.topic)
        if (to !== undefined && sizeOf(to) + 1 < share.length) return { partition, share, to }
      }
    }
    return undefined
  }
  for (let move = next(); move; move = next()) {
    move.share.splice(move.share.indexOf(move.partition), 1)
    shares.get(move.to)?.push(move.partition)
  }
  return shares
}

/**
 * What each member may read from now on. A partition that is to move is nobody's in this round: its owner first ends the work
 * that it has begun, gives the partition up, and asks for another round (KIP-429).
 */
export function assignCooperatively(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const owners = ownersOf(members)
  const shares = balance(members, partitions, owners)
  const mayHave = (id: string, partition: TopicPartition) => (owners.get(keyOf(partition)) ?? id) === id
  return new Map([...shares].map(([id, share]) => [id, share.filter((one) => mayHave(id, one))]))
}

/**
 * For `@platformatic/kafka`, whose own one leaves a third member without any of four partitions that two others have.
 */
export const cooperativeStickyAssigner: GroupPartitionsAssigner = (
  _leader,
  subscriptions,
  _topics,
  metadata,
) => {
  const members = [...subscriptions]
    .map(([id, { topics = [], ownedPartitions = [], generationId = -1 }]) => ({
      id,
      topics: new Set(topics),
      owned: ownedPartitions.flatMap(flatten),
      generation: generationId,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const partitions = [...metadata.topics].flatMap(([topic, { partitionsCount }]) =>
    Array.from({ length: partitionsCount }, (_, partition) => ({ topic, partition })),
  )
  return [...assignCooperatively(members, partitions)].map(([memberId, share]) => ({
    memberId,
    assignments: new Map(
      [...byTopic(share)].map(([topic, numbers]) => [topic, { topic, partitions: numbers }]),
    ),
  }))
}
