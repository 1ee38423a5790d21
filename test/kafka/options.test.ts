import { describe, expect, it } from 'vitest'
import {
  KafkaSink,
  KafkaSource,
  OffsetTracker,
  runKafka,
  type KafkaSinkOptions,
  type KafkaSourceOptions,
} from 'llm-pack-stream/kafka'
import { stringStream } from '../helpers/collect.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

const source: KafkaSourceOptions = {
  connection: { bootstrapBrokers: ['localhost:9092'] },
  groupId: 'labels',
  topics: ['tickets'],
}
const sink: KafkaSinkOptions<string> = {
  connection: source.connection,
  tracker: new OffsetTracker(),
  outputTopic: 'labels',
  deadLetterTopic: 'labels.dead',
}

describe('a bad option of the source', () => {
  it.each<[unknown, string]>([
    [{ brokers: 'localhost' }, 'There is no option `brokers`'],
    [
      { connection: 'localhost:9092' },
      "Expected `connection` to be an object, got 'localhost:9092' (string)",
    ],
    [
      { connection: {} },
      "Expected `connection.bootstrapBrokers` to be an array such as ['localhost:9092'], got undefined (undefined)",
    ],
    [{ groupId: ' ' }, "Expected `groupId` to be a name, got ' ' (string)"],
    [{ topics: 'tickets' }, "Expected `topics` to be an array of names, got 'tickets' (string)"],
    [{ topics: [] }, 'Expected `topics` to be an array of names, got array'],
    [{ topics: ['a', 1] }, 'Expected `topics[1]` to be a name, got 1 (number)'],
    [
      { assignor: 'range' },
      "Expected `assignor` to be 'cooperative-sticky' or 'roundrobin', got 'range' (string)",
    ],
    [{ startFrom: 0 }, "Expected `startFrom` to be 'earliest' or 'latest', got 0 (number)"],
    [{ maxUncommitted: 0 }, 'Expected `maxUncommitted` to be a positive integer, got 0 (number)'],
    [{ maxPartitionBytes: '1' }, "Expected `maxPartitionBytes` to be a positive integer, got '1' (string)"],
    [{ commitInterval: 0 }, 'Expected `commitInterval` to be at least 1 ms, got 0 (number)'],
    [
      { sessionTimeout: '30s' },
      "Expected `sessionTimeout` to be a number of milliseconds, got '30s' (string)",
    ],
    [
      { sessionTimeout: 30_000, heartbeatInterval: 10_001 },
      'Expected `heartbeatInterval` to be between 1 and 10000 ms, got 10001 (number)',
    ],
    [
      { sessionTimeout: 30_000, rebalanceTimeout: 29_999 },
      'Expected `rebalanceTimeout` to be at least 30000 ms, got 29999 (number)',
    ],
    [
      { sessionTimeout: 30_000, revokeTimeout: 20_001 },
      'Expected `revokeTimeout` to be between 0 and 20000 ms, got 20001 (number)',
    ],
    [{ onEvent: 'log' }, "Expected `onEvent` to be a function, got 'log' (string)"],
  ])('%o', (options, message) => {
    expect(() => new KafkaSource({ ...source, ...(options as object) })).toThrow(message)
  })
})

describe('a bad option of the sink', () => {
  it.each<[unknown, string]>([
    [{ topic: 'labels' }, 'There is no option `topic`'],
    [{ tracker: {} }, "Expected `tracker` to be the source's `tracker`, got object"],
    [{ outputTopic: undefined }, 'Expected `outputTopic` to be a name, got undefined (undefined)'],
    [{ deadLetterTopic: '' }, "Expected `deadLetterTopic` to be a name, got '' (string)"],
    [{ serialize: {} }, 'Expected `serialize` to be a function, got object'],
  ])('%o', (options, message) => {
    expect(() => new KafkaSink({ ...sink, ...(options as object) })).toThrow(message)
  })
})

describe('a bad option of the worker', () => {
  it.each<[unknown, string]>([
    [{ stopTimeout: -1 }, 'Expected `stopTimeout` to be between 0 and 2,147,483,647 ms, got -1 (number)'],
    [{ signal: {} }, 'Expected `signal` to be an AbortSignal, got object'],
    [
      { stopSignals: ['SIGTERM', 'SIGKILL'] },
      "Expected `stopSignals` to be an array of signals that can be caught, such as ['SIGTERM'], got 'SIGKILL' (string)",
    ],
    [{ outputTopic: 'tickets' }, "Expected `outputTopic` not to be one of `topics`, got 'tickets' (string)"],
    [
      { deadLetterTopic: 'tickets' },
      "Expected `deadLetterTopic` not to be one of `topics`, got 'tickets' (string)",
    ],
    [{ sesionTimeout: 1 }, 'There is no option `sesionTimeout`'],
  ])('%o', async (options, message) => {
    const { outputTopic, deadLetterTopic } = sink
    const running = runKafka(stringStream(scriptedClient(echo)) as never, {
      ...{ ...source, outputTopic, deadLetterTopic },
      ...(options as object),
    })
    await expect(running).rejects.toThrow(message)
  })
})
