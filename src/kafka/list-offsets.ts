import { ListOffsetTimestamps, type Consumer, type Offsets } from '@platformatic/kafka'

/** Returns the first offset (`earliest`) or the next offset (`latest`) of partitions, by topic. */
export async function listOffsets(
  client: Consumer,
  partitions: ReadonlyMap<string, number[]>,
  which: 'earliest' | 'latest',
): Promise<Offsets> {
  if (partitions.size === 0) return new Map()
  return client.listOffsets({
    topics: [...partitions.keys()],
    partitions: Object.fromEntries(partitions),
    timestamp: which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST,
  })
}
