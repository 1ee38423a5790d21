import { PackStream } from 'llm-pack-stream'
import {
  runKafka,
  type KafkaEvent,
  type KafkaRecord,
  type KafkaSummary,
  type RunKafkaOptions,
} from 'llm-pack-stream/kafka'
import { z } from 'zod'
import type { KafkaCluster, NewRecord, StoredRecord } from './kafka.ts'
import type { ScriptedClient } from './scripted-client.ts'

export interface RunningWorker {
  readonly events: KafkaEvent[]
  readonly stream: PackStream<KafkaRecord, string>
  readonly done: Promise<KafkaSummary>
  stop: () => Promise<KafkaSummary>
}

/** Topics and a group for one test, and workers of this group in this process. */
export class KafkaJob {
  readonly input: string
  readonly output: string
  readonly dead: string
  readonly groupId: string
  readonly cluster: KafkaCluster

  private constructor(cluster: KafkaCluster) {
    this.cluster = cluster
    this.input = cluster.newName('in')
    this.output = cluster.newName('out')
    this.dead = cluster.newName('dead')
    this.groupId = cluster.newName('group')
  }

  static async start(
    cluster: KafkaCluster,
    records: readonly NewRecord[],
    partitions = 4,
  ): Promise<KafkaJob> {
    const job = new KafkaJob(cluster)
    await cluster.createTopic(job.input, partitions)
    await cluster.createTopic(job.output, 2)
    await cluster.createTopic(job.dead, 1)
    await cluster.produce(job.input, records)
    return job
  }

  get options(): Omit<RunKafkaOptions<string>, 'onEvent'> {
    const { cluster, groupId, input, output, dead } = this
    return {
      ...{ connection: { bootstrapBrokers: cluster.brokers }, groupId, topics: [input] },
      ...{ outputTopic: output, deadLetterTopic: dead, stopSignals: [] },
      ...{ sessionTimeout: cluster.isMock ? 4_000 : 6_000, heartbeatInterval: 500 },
    }
  }

  /** A stream whose results the client makes from the texts. */
  stream(client: ScriptedClient, linger?: number): PackStream<KafkaRecord, string> {
    return new PackStream<KafkaRecord, string>({
      ...{ client, model: 'm', instructions: 'Echo.', schema: z.string(), maxPackRecords: 10 },
      ...(linger === undefined ? {} : { linger }),
      serialize: ({ value }) => {
        if (value === null) throw new TypeError('a tombstone has no text')
        return value.toString()
      },
    })
  }

  /** A worker whose results the client makes from the texts. */
  worker(
    client: ScriptedClient,
    options: Partial<RunKafkaOptions<string>> = {},
    linger?: number,
  ): RunningWorker {
    const events: KafkaEvent[] = []
    const stopping = new AbortController()
    const stream = this.stream(client, linger)
    const onEvent = (event: KafkaEvent) => events.push(event)
    const done = runKafka(stream, { ...this.options, onEvent, signal: stopping.signal, ...options })
    const stop = () => {
      stopping.abort()
      return done
    }
    return { events, stream, done, stop }
  }

  results(): Promise<StoredRecord[]> {
    return this.cluster.readAll(this.output)
  }

  deadLetters(): Promise<StoredRecord[]> {
    return this.cluster.readAll(this.dead)
  }

  committed(): Promise<bigint[]> {
    return this.cluster.committedOffsets(this.groupId, this.input)
  }

  /** The committed offset of each partition. */
  id(partition: number, offset: number): string {
    return `${this.input}:${partition}:${offset}`
  }
}
