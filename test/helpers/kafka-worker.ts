/**
 * A worker in its own process. It prints its events, and its summary at the end, as JSON lines on
 * standard output. Its settings come as JSON.
 */
import OpenAI from 'openai'
import { PackStream } from 'llm-pack-stream'
import { runKafka, type KafkaRecord, type RunKafkaOptions } from 'llm-pack-stream/kafka'
import { z } from 'zod'

export interface WorkerSettings {
  readonly baseURL: string
  readonly maxPackRecords?: number
  readonly kafka: Omit<RunKafkaOptions<unknown>, 'onEvent' | 'serialize' | 'signal'>
}

const { baseURL, kafka, maxPackRecords = 10 } = JSON.parse(process.argv[2] ?? '') as WorkerSettings
const tell = (line: object): void => {
  const text = JSON.stringify(line, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value instanceof Error ? value.message : value,
  )
  process.stdout.write(`${text}\n`)
}
const stream = new PackStream<KafkaRecord, { label: string }>({
  client: new OpenAI({ apiKey: 'none', baseURL }),
  model: 'simulated',
  instructions: 'Say what it is about.',
  schema: z.object({ label: z.enum(['card', 'fee', 'other']) }),
  serialize: ({ value }) => {
    if (value === null) throw new TypeError('a tombstone has no text')
    return value.toString()
  },
  maxPackRecords,
})
tell({ type: 'summary', ...(await runKafka(stream, { ...kafka, onEvent: tell })) })
