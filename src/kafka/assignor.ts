import type { GroupPartitionsAssigner } from '@platformatic/kafka'
import { byTopic, flatten, keyOf, type TopicPartition } from './topic-partition.ts'

export interface Member {
  readonly id: string
  /** The topics that the member reads. */
  readonly topics: ReadonlySet<string>
  /**
   * The partitions that the member says it owns, and the generation of the group at which it last
   * owned them.
   */
  readonly owned: readonly TopicPartition[]
  readonly generation: number
}

/**
 * Returns the owner of each partition. If several members claim a partition, the member with the
 * latest generation owns it. If several members claim it with the same generation, the partition
 * has no owner.
 */
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
 * Decides which member reads which partition. Each member keeps its partitions. A partition without
 * an owner goes to the member with the fewest partitions. Then partitions move to members that have
 * at least two fewer partitions, until no such move is left.
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
  // One partition at a time moves away from the member with the most partitions, so a member never
  // gives away a partition that it would get back.
  const next = () => {
    const bySize = [...shares].sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
    for (const [, share] of bySize) {
      // From the end of the list, so that another round chooses the same partitions if they have
      // not moved yet.
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
 * Returns the partitions that each member may read from now on. No member reads a moving partition
 * in this round. Its owner first finishes the records that it has begun, gives the partition up,
 * and asks for another round (KIP-429).
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
 * An assigner for `@platformatic/kafka`. The library's own cooperative assigner leaves a third
 * member without a partition when two members have four partitions.
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
