import { KafkaSink, OffsetTracker, type KafkaRecord } from 'llm-pack-stream/kafka'
import { finished } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { KafkaJob } from '../../helpers/kafka-job.ts'
import { kafkaTests } from '../../helpers/kafka.ts'
import { realBrokers } from '../../helpers/require-kafka.ts'

const PRODUCE = 0
const MESSAGE_TOO_LARGE = 10
const NOT_ENOUGH_REPLICAS = 19

kafkaTests('a sink', (cluster) => {
  /**
   * A sink with a tracker. The tracker holds a partition from which `count` records have been read.
   */
  async function sinkOf(count: number) {
    const job = await KafkaJob.start(cluster, [], 1)
    const partition = { topic: 'somewhere', partition: 0 }
    const tracker = new OffsetTracker()
    tracker.hold({ ...partition, offset: 0n })
    const records = Array.from({ length: count }, (_, i): KafkaRecord => ({
      ...{ ...partition, offset: BigInt(i), timestamp: 0n },
      ...{ key: null, value: Buffer.from(String(i)), headers: [] },
    }))
    for (const record of records) tracker.read(record)
    const { connection, outputTopic, deadLetterTopic } = job.options
    const sink = new KafkaSink<string>({ connection, tracker, outputTopic, deadLetterTopic })
    const outcomes = records.map((record, index) => ({
      ...{ status: 'fulfilled' as const, index, record, value: `result ${index}`, attempts: 1 },
    }))
    const write = async (some = outcomes) => {
      sink.cork()
      for (const outcome of some) sink.write(outcome)
      sink.end()
      await finished(sink).finally(() => sink.close())
    }
    return { job, tracker, partition, sink, outcomes, write }
  }

  it('tells the tracker about a record after it is produced, and not before', async () => {
    const { job, tracker, partition, sink, write } = await sinkOf(10)
    // The cluster accepts no message before this number of tries, which takes about 2 s.
    cluster.refuse(PRODUCE, [NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS])
    const written = write()
    await expect.poll(() => tracker.ready.length).toBe(1)
    expect(await job.results()).toHaveLength(10)
    await written
    expect(tracker.ready).toEqual([{ ...partition, offset: 10n }])
    expect(sink.counts).toEqual({ fulfilled: 10, rejected: 0, dropped: 0 })
  })

  it('drops records of a partition that has moved away, also if it came back', async () => {
    const { job, tracker, partition, sink, outcomes, write } = await sinkOf(10)
    tracker.release(partition)
    tracker.hold({ ...partition, offset: 4n })
    const again = { ...outcomes[4]!.record }
    tracker.read(again)
    await write([...outcomes, { ...outcomes[4]!, record: again }])
    expect(sink.counts).toEqual({ fulfilled: 1, rejected: 0, dropped: 10 })
    expect((await job.results()).map(({ key }) => key)).toEqual(['somewhere:0:4'])
    expect(tracker.ready).toEqual([{ ...partition, offset: 5n }])
  })

  // A real cluster cannot be told to refuse requests.
  it.runIf(!realBrokers)('halves a batch that is too large for one request', async () => {
    const { job, sink, write } = await sinkOf(100)
    cluster.refuse(PRODUCE, [MESSAGE_TOO_LARGE])
    await write()
    expect(sink.counts.fulfilled).toBe(100)
    expect(new Set((await job.results()).map(({ key }) => key)).size).toBe(100)
  })

  it.runIf(!realBrokers)(
    'puts a record whose result is too large for its topic into the dead-letter topic, if necessary without its value',
    async () => {
      for (const [refused, value] of [
        [1, '0'],
        [2, null],
      ] as const) {
        const { job, tracker, partition, sink, write } = await sinkOf(1)
        cluster.refuse(PRODUCE, Array<number>(refused).fill(MESSAGE_TOO_LARGE))
        await write()
        expect(sink.counts).toEqual({ fulfilled: 0, rejected: 1, dropped: 0 })
        expect(tracker.ready).toEqual([{ ...partition, offset: 1n }])
        const message = `'${job.output}' takes no message as large as its result`
        expect(await job.deadLetters()).toMatchObject([
          {
            ...{ key: 'somewhere:0:0', value },
            headers: {
              'llm-pack-stream.error.code': 'message_too_large',
              'llm-pack-stream.error.message': message,
            },
          },
        ])
      }
    },
  )

  it.runIf(!realBrokers)('fails if the topic refuses even that message, and names the topic', async () => {
    const { job, tracker, write } = await sinkOf(1)
    cluster.refuse(PRODUCE, Array<number>(3).fill(MESSAGE_TOO_LARGE))
    await expect(write()).rejects.toThrow(
      `Could not produce the outcome of somewhere:0:0: '${job.dead}' refuses even a message without a value`,
    )
    expect(tracker.ready).toEqual([])
  })
})
