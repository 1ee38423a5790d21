import { expect, it } from 'vitest'
import { KafkaJob } from '../../helpers/kafka-job.ts'
import { kafkaTests } from '../../helpers/kafka.ts'
import { realBrokers } from '../../helpers/require-kafka.ts'
import { echo, scriptedClient } from '../../helpers/scripted-client.ts'

/** Kinds of requests, and errors, by their numbers in the protocol. */
const [PRODUCE, FETCH, OFFSET_COMMIT, OFFSET_FETCH, HEARTBEAT, SYNC_GROUP] = [0, 1, 8, 9, 12, 14]
const [NOT_ENOUGH_REPLICAS, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS] = [19, 25, 27]
const [NOT_LEADER, TOPIC_AUTHORIZATION_FAILED, COORDINATOR_LOADING] = [6, 29, 14]

const texts = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ partition: i % 2, value: String(i) }))

kafkaTests('while the server refuses one record', (cluster) => {
  it('it goes to the dead letters, first of all records or as the only record after a restart', async () => {
    const client = scriptedClient((call) => {
      if (call.records.every(({ text }) => text !== 'poison')) return echo(call)
      throw Object.assign(new Error('cannot parse the text'), { status: 400 })
    })
    const poison = { partition: 0, value: 'poison' }
    const job = await KafkaJob.start(cluster, [poison, { partition: 0, value: 'good' }], 1)
    const first = job.worker(client)
    await expect.poll(() => job.committed()).toEqual([2n])
    await first.stop()
    // The next worker knows from the committed offset that the server accepts other records.
    await cluster.produce(job.input, [poison])
    const second = job.worker(client)
    await expect.poll(() => job.committed()).toEqual([3n])
    await second.stop()
    expect((await job.deadLetters()).map(({ value }) => value?.toString())).toEqual(['poison', 'poison'])
    expect(await job.results()).toHaveLength(1)
  })
})

// A real cluster cannot be told to refuse requests.
if (!realBrokers) {
  kafkaTests('while the cluster fails', (cluster) => {
    it.each([
      {
        what: 'refuses what is produced',
        apiKey: PRODUCE,
        errors: Array<number>(9).fill(NOT_ENOUGH_REPLICAS),
      },
      { what: 'refuses to be read', apiKey: FETCH, errors: Array<number>(9).fill(NOT_LEADER) },
      { what: 'refuses commits', apiKey: OFFSET_COMMIT, errors: Array<number>(9).fill(COORDINATOR_LOADING) },
      {
        what: 'does not know offsets',
        apiKey: OFFSET_FETCH,
        errors: Array<number>(2).fill(COORDINATOR_LOADING),
      },
      { what: 'is in a round as it commits', apiKey: OFFSET_COMMIT, errors: [REBALANCE_IN_PROGRESS] },
      { what: 'throws a member out', apiKey: HEARTBEAT, errors: [UNKNOWN_MEMBER_ID] },
      // More often than the client retries.
      {
        what: 'is in one round after the other',
        apiKey: SYNC_GROUP,
        errors: Array<number>(6).fill(REBALANCE_IN_PROGRESS),
      },
    ])('that $what for some time, no record is lost', async ({ apiKey, errors }) => {
      const job = await KafkaJob.start(cluster, texts(200), 2)
      cluster.refuse(apiKey, errors)
      const worker = job.worker(scriptedClient(echo))
      await expect.poll(() => job.committed()).toEqual([100n, 100n])
      const { fulfilled } = await worker.stop()
      const results = await job.results()
      expect(new Set(results.map(({ key }) => key)).size).toBe(200)
      expect(results).toHaveLength(fulfilled)
    })

    it('reports the operation that it tries again', async () => {
      const job = await KafkaJob.start(cluster, texts(20), 2)
      cluster.refuse(PRODUCE, Array<number>(8).fill(NOT_ENOUGH_REPLICAS))
      const worker = job.worker(scriptedClient(echo))
      await expect.poll(() => job.committed()).toEqual([10n, 10n])
      await worker.stop()
      const retries = worker.events.filter(({ type }) => type === 'retry')
      expect(retries.length).toBeGreaterThan(0)
      expect(String(retries.map((event) => event.type === 'retry' && event.error.message))).toMatch(
        /^Could not produce: .*replicas/,
      )
    })

    it.each([
      { what: 'may not read', apiKey: FETCH, message: /^Could not fetch: / },
      { what: 'may not write', apiKey: PRODUCE, message: /^Could not produce: / },
    ])('stops if it $what', async ({ apiKey, message }) => {
      const job = await KafkaJob.start(cluster, texts(20), 2)
      cluster.refuse(apiKey, [TOPIC_AUTHORIZATION_FAILED])
      await expect(job.worker(scriptedClient(echo)).done).rejects.toThrow(message)
    })
  })
}
