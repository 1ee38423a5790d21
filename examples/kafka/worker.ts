// A worker that labels tickets from Kafka, as a member of a consumer group. Start several workers
// and watch the partitions move. Set KAFKA_BROKERS=host:port for a Kafka of your own, or start one:
//
//   docker run -p 9092:9092 apache/kafka
//
// In a second terminal, produce tickets until Ctrl-C:
//
//   node --conditions=llm-pack-stream-source examples/kafka/produce.ts
//
// In a third terminal start a worker, and in a fourth a second worker, which takes half of the
// partitions:
//
//   node --conditions=llm-pack-stream-source examples/kafka/worker.ts
//
// After Ctrl-C a worker finishes the tickets that it has read, commits, and leaves. The other
// worker takes over at once. After kill -9 it takes over when the group has missed the dead worker
// for 6 s. In both cases each ticket gets its label.
import { readFileSync } from 'node:fs'
import { PackStream } from 'llm-pack-stream'
import { runKafka, type KafkaEvent, type KafkaRecord, type TopicPartition } from 'llm-pack-stream/kafka'
import * as z from 'zod'
import { openEndpoint } from './endpoint.ts'
import { brokers, Screen } from './cluster.ts'

const labels = readFileSync(new URL('../data/labels.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const { client, model, description, close } = await openEndpoint()
const screen = new Screen()
screen.say(`Process ${process.pid}, Kafka at ${brokers.join()}`)
screen.say(`Labels by ${description}`)

const stream = new PackStream({
  client,
  model,
  instructions:
    'Label each message that a customer of an outdoor-equipment shop has sent to its support desk.',
  schema: z.object({ label: z.enum(labels) }),
  serialize: (record: KafkaRecord) => ticketOf(record).text,
})
let before = 0
const progress = setInterval(() => {
  const { records, inFlight } = stream.stats
  const inLastSecond = records.fulfilled - before
  before = records.fulfilled
  screen.update(
    `${count(before)} labelled, ${inLastSecond} in the last second, ${inFlight} requests in flight`,
  )
}, 1_000)

try {
  const { fulfilled, rejected, dropped, unfinished } = await runKafka(stream, {
    connection: { bootstrapBrokers: brokers },
    groupId: 'ticket-labellers',
    topics: ['tickets'],
    outputTopic: 'ticket-labels',
    deadLetterTopic: 'ticket-rejects',
    // The shortest timeout that a broker takes by default, so that a dead worker delays little.
    sessionTimeout: 6_000,
    serialize: ({ record, value }) => JSON.stringify({ ...ticketOf(record), ...value }),
    onEvent: (event) => {
      screen.say(tell(event))
    },
  })
  screen.say(
    `Stopped: ${count(fulfilled)} labelled, ${rejected} rejected, ${dropped} of partitions that had moved, ${unfinished} unfinished`,
  )
} catch (error) {
  screen.fail(
    error,
    `Is there a Kafka at ${brokers.join()}, and has examples/kafka/produce.ts been started once?`,
  )
} finally {
  clearInterval(progress)
  await close()
}

/** Throws for a message that is not a ticket. The message then goes to the dead letters. */
function ticketOf({ value }: KafkaRecord): { id: string; text: string } {
  return JSON.parse(String(value)) as { id: string; text: string }
}

function tell(event: KafkaEvent): string {
  switch (event.type) {
    case 'assigned':
      return `Reads ${list(event.partitions)}`
    case 'leaving':
      return `Finishes ${list(event.partitions)}, for others to read on`
    case 'left':
      return `Left ${list(event.partitions)}, with ${event.uncommitted} tickets not committed, to be asked again`
    case 'deleted':
      return `Records of ${list([event.partition])} were deleted before they were read`
    case 'rejected':
      return `Rejected ${event.record.partition}:${event.record.offset}: ${event.reason.message}`
    case 'retry':
      return `${event.error.message}. Trying again`
  }
}

function list(partitions: readonly TopicPartition[]): string {
  const numbers = partitions.map(({ partition }) => partition).sort((a, b) => a - b)
  return numbers.length === 0 ? 'no partition' : `partitions ${numbers.join(', ')}`
}

function count(value: number): string {
  return value.toLocaleString('en')
}
