// The program of docs/kafka.md: one worker of a consumer group.
import OpenAI from 'openai'
import { PackStream } from 'llm-pack-stream'
import { runKafka, type KafkaRecord } from 'llm-pack-stream/kafka'
import * as z from 'zod'

const stream = new PackStream({
  client: new OpenAI(),
  model: process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini',
  instructions: 'Label each customer message with the team that should answer it.',
  schema: z.object({ team: z.enum(['shipping', 'returns', 'payments']) }),
  serialize: ({ value }: KafkaRecord) => {
    if (value === null) throw new Error('A tombstone has no text')
    return value.toString()
  },
})

const summary = await runKafka(stream, {
  connection: { bootstrapBrokers: [process.env['KAFKA_BROKERS'] ?? 'localhost:9092'] },
  groupId: 'labelling',
  topics: ['messages'],
  outputTopic: 'message-labels',
  deadLetterTopic: 'message-rejects',
  onEvent: (event) => {
    console.error(event)
  },
})
console.log(`${summary.fulfilled} labelled, ${summary.rejected} rejected`)
