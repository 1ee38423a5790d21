import { once } from 'node:events'
import { Consumer } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { kafkaTests, type NewRecord } from '../../helpers/kafka.ts'

kafkaTests('the broker of the tests', (cluster) => {
  async function topicOf(records: readonly NewRecord[], partitions: number): Promise<string> {
    const topic = cluster.newName('topic')
    await cluster.createTopic(topic, partitions)
    await cluster.produce(topic, records)
    return topic
  }

  it('keeps the produced messages, separately for each topic', async () => {
    const many = Array.from({ length: 1_200 }, (_, i) => ({ partition: i % 3, value: `${i}` }))
    const [one, other] = await Promise.all([
      topicOf(many, 3),
      topicOf(
        [
          { partition: 1, key: 'key', value: 'välue', headers: { a: '1', b: '' } },
          { partition: 1, value: null },
        ],
        2,
      ),
    ])
    expect(await cluster.endOffsets(one)).toEqual([400n, 400n, 400n])
    expect(await cluster.endOffsets(other)).toEqual([0n, 2n])
    const place = ({ partition, offset }: { partition: number; offset: bigint }) => `${partition}:${offset}`
    const read = await cluster.readAll(one)
    expect(read.map(({ value }) => value)).toEqual(
      many.toSorted((a, b) => a.partition - b.partition).map(({ value }) => value),
    )
    expect(new Set(read.map(place)).size).toBe(1_200)
    expect((await cluster.readAll(one, [1n, 0n, 2n])).map(place)).toEqual(['0:0', '2:0', '2:1'])
    expect(await cluster.readAll(other)).toEqual([
      { partition: 1, offset: 0n, key: 'key', value: 'välue', headers: { a: '1', b: '' } },
      { partition: 1, offset: 1n, key: null, value: null, headers: {} },
    ])
  })

  it('lets two members of a group meet, and keeps their commits', async () => {
    const topic = await topicOf([], 4)
    const groupId = cluster.newName('group')
    expect(await cluster.committedOffsets(groupId, topic)).toEqual([-1n, -1n, -1n, -1n])
    const members = [1, 2].map(() => {
      const options = { groupId, sessionTimeout: 6_000, rebalanceTimeout: 6_000, heartbeatInterval: 500 }
      const member = new Consumer({ clientId: 'test', bootstrapBrokers: cluster.brokers, ...options })
      member.topics.trackAll(topic)
      return member
    })
    const [first, second] = members as [Consumer, Consumer]
    await first.joinGroup({})
    const rejoined = once(first, 'consumer:group:join')
    await Promise.all([second.joinGroup({}), rejoined])
    const partitions = members.map(({ assignments }) => assignments?.flatMap((one) => one.partitions) ?? [])
    expect(partitions.map(({ length }) => length)).toEqual([2, 2])
    expect(partitions.flat().sort()).toEqual([0, 1, 2, 3])
    await second.commit({ offsets: [{ topic, partition: partitions[1]![0]!, offset: 7n, leaderEpoch: -1 }] })
    const committed = [-1n, -1n, -1n, -1n].with(partitions[1]![0]!, 7n)
    expect(await cluster.committedOffsets(groupId, topic)).toEqual(committed)
    await Promise.all(members.map((member) => member.close(true)))
  })
})
