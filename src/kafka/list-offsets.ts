import { ListOffsetTimestamps, type Consumer, type Offsets } from '@platformatic/kafka'

/** The first or the next offset of partitions, by topic. */
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
