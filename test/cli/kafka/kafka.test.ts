import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { RecordError, RequestError, type Fulfilled } from '../../../src/index.ts'
import type { KafkaRecord } from '../../../src/kafka/index.ts'
import { askingOf } from '../../../src/cli/kafka/asking.ts'
import { connectionOf, type ConnectionFlags } from '../../../src/cli/kafka/connection.ts'
import { sayEvent } from '../../../src/cli/kafka/events.ts'
import { itemsOf, valueOf } from '../../../src/cli/kafka/messages.ts'
import { Rejections } from '../../../src/cli/kafka/rejections.ts'
import { topicsOf } from '../../../src/cli/kafka/topics.ts'
import { textFrom } from '../../../src/cli/rows/item.ts'
import { resultColumns } from '../../../src/cli/rows/result-columns.ts'

const topics = { topics: 'a, b', group: 'g', outputTopic: 'out', deadLetterTopic: 'dead' }

describe('a hoisted column of messages', () => {
  const textOf = textFrom('text', undefined, ['document'])
  const itemOf = itemsOf('json', textOf, new Set())
  const message = (value: object): KafkaRecord => ({
    ...{ topic: 't', partition: 0, offset: 0n, timestamp: 0n, key: null, headers: [] },
    value: Buffer.from(JSON.stringify(value)),
  })
  const examples = [{ file: 'e', text: 'a', own: { document: 'of the example' }, value: 1 }]

  test('is shared, also of an example, and no part of the text', () => {
    const asking = askingOf({ examples, hoist: ['document'] }, itemOf, undefined)
    const fieldsOf = asking.hoist as (record: KafkaRecord) => unknown
    const record = message({ text: 'x', document: { a: 1 } })
    expect(fieldsOf(record)).toEqual({ document: { a: 1 } })
    expect(asking.serialize?.(record)).toBe('x')
    const sample = asking.examples![0]!.record
    expect([fieldsOf(sample), asking.serialize?.(sample)]).toEqual([{ document: 'of the example' }, 'a'])
    expect(() => asking.serialize?.(message({ text: 'x' }))).toThrow('there is no column "document"')
    expect(askingOf({ examples, hoist: [] }, itemOf, undefined)).not.toHaveProperty('hoist')
  })
})

describe('topics', () => {
  test('are lists and names', () => {
    expect(topicsOf(topics)).toEqual({
      ...{ topics: ['a', 'b'], groupId: 'g', outputTopic: 'out', deadLetterTopic: 'dead' },
    })
  })

  test.each<[Partial<typeof topics>, string]>([
    [{ topics: ' ' }, 'Expected --topics: the topics to read'],
    [{ group: '' }, 'Expected --group: the consumer group'],
    [{ outputTopic: '' }, 'Expected --output-topic: the topic for the results'],
    [{ deadLetterTopic: '' }, 'Expected --dead-letter-topic: the topic for rejected messages'],
    [{ topics: 'a,,b' }, '--topics: expected the name of a topic, of letters, digits, dots, _ and -, got ""'],
    [{ outputTopic: 'a b' }, '--output-topic: expected the name of a topic'],
    [{ outputTopic: 'b' }, '--output-topic: b is one of --topics too'],
    [{ deadLetterTopic: 'a' }, '--dead-letter-topic: a is one of --topics too'],
    [{ deadLetterTopic: 'out' }, '--dead-letter-topic: out is --output-topic too'],
  ])('%j: %s', (flags, message) => {
    expect(() => topicsOf({ ...topics, ...flags })).toThrow(message)
  })
})

describe('the connection', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  const none = join(folder, 'none.pem')
  writeFileSync(none, 'nothing')

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  test.each<[ConnectionFlags, object]>([
    [{ brokers: 'a:1, b,[::1]:3,10.0.0.1' }, { bootstrapBrokers: ['a:1', 'b', '[::1]:3', '10.0.0.1'] }],
    [
      { brokers: 'a', clientId: 'me' },
      { bootstrapBrokers: ['a'], clientId: 'me' },
    ],
    // The TLS server name selects one of several brokers behind an address. An IP address is not a
    // name.
    [
      { brokers: 'a:1', tls: true },
      { bootstrapBrokers: ['a:1'], tls: {}, tlsServerName: true },
    ],
    [
      { brokers: '10.0.0.1:1', tls: true },
      { bootstrapBrokers: ['10.0.0.1:1'], tls: {}, tlsServerName: false },
    ],
    [
      { brokers: 'a,[::1]', tls: true },
      { bootstrapBrokers: ['a', '[::1]'], tls: {}, tlsServerName: false },
    ],
    [
      { brokers: 'a', tlsServerName: 'b' },
      { bootstrapBrokers: ['a'], tls: {}, tlsServerName: 'b' },
    ],
  ])('%j', (flags, connection) => {
    expect(connectionOf(flags, {})).toEqual(connection)
  })

  test('reads the environment where a flag is missing, and the password only from there', () => {
    const env = { KAFKA_BROKERS: 'a', KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'secret' }
    expect(connectionOf({}, env)).toEqual({ bootstrapBrokers: ['a'] })
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'secret' }
    expect(connectionOf({ saslMechanism: 'SCRAM-SHA-512' }, env)).toEqual({ bootstrapBrokers: ['a'], sasl })
    expect(connectionOf({ saslMechanism: 'PLAIN', saslUsername: 'you', brokers: 'b' }, env)).toEqual({
      bootstrapBrokers: ['b'],
      sasl: { mechanism: 'PLAIN', username: 'you', password: 'secret' },
    })
  })

  test.each<[ConnectionFlags, string]>([
    [{ brokers: ':9092' }, '--brokers: expected host:port, or several with commas between them, got ":9092"'],
    [{ brokers: 'a:1,b:65536' }, 'got "b:65536"'],
    [{ brokers: 'a:0' }, 'got "a:0"'],
    [{ brokers: 'a,' }, 'got ""'],
    [{ brokers: '[a]:1' }, 'got "[a]:1"'],
    [{ brokers: 'kafka://a:9092' }, 'got "kafka://a:9092"'],
    [{ brokers: 'a', clientId: 'my client' }, '--client-id: expected a name without spaces, got "my client"'],
    [{ brokers: 'a', tlsCa: none }, `--tls-ca: ${none}: there is no PEM in it`],
    [{ brokers: 'a', tlsCert: none }, 'Expected --tls-cert and --tls-key together'],
    [{ brokers: 'a', tlsKey: none }, 'Expected --tls-cert and --tls-key together'],
    [{ brokers: 'a', tlsCert: none, tlsKey: none }, `--tls-cert: ${none} cannot be used`],
    [{ brokers: 'a', saslMechanism: 'PLAIN' }, 'Expected --sasl-username (or KAFKA_SASL_USERNAME)'],
    [{ brokers: 'a', saslMechanism: 'PLAIN', saslUsername: 'me' }, 'Expected KAFKA_SASL_PASSWORD to be set'],
    [{ brokers: 'a', saslUsername: 'me' }, 'Expected --sasl-mechanism with --sasl-username'],
  ])('%j: %s', (flags, message) => {
    expect(() => connectionOf(flags, {})).toThrow(message)
  })
})

const message = (value: string | Buffer | null): KafkaRecord => ({
  ...{ topic: 'tickets', partition: 2, offset: 7n, timestamp: 0n, key: null, headers: [] },
  value: typeof value === 'string' ? Buffer.from(value) : value,
})

/** A value with the frame of a Schema Registry: a zero, the id of the schema, and the rest. */
const framed = (id: number, rest: string) => {
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(id, 1)
  return Buffer.concat([frame, Buffer.from(rest)])
}

describe('a message', () => {
  const itemOf = itemsOf('json', textFrom('text', undefined), new Set(['label']))

  test('is asked by its text, and keeps its columns beside the result, also numbers that JavaScript cannot hold', () => {
    const record = message('{"text":"hi","id":12345678901234567890,"2":[1.0]}')
    expect(itemOf(record).text).toBe('hi')
    const outcome = { status: 'fulfilled', index: 9, record, value: { label: 'x' } } as Fulfilled<
      KafkaRecord,
      unknown
    >
    expect(valueOf(outcome, itemOf, resultColumns(['label'], ''))).toBe(
      '{"2":[1],"text":"hi","id":12345678901234567890,"label":"x"}',
    )
    expect(JSON.parse(valueOf(outcome, itemOf, resultColumns(undefined, 'my_')))).toMatchObject({
      my_result: { label: 'x' },
    })
  })

  test('of JSON may begin with a byte order mark', () => {
    expect(itemOf(message('\uFEFF{"text":"hi"}'))).toMatchObject({ own: { text: 'hi' }, text: 'hi' })
  })

  test('in the format `lines` is a text', () => {
    // JSON after the frame of a Schema Registry is read.
    expect(itemOf(message(framed(7, '{"text":"hi","id":1}')))).toMatchObject({
      ...{ text: 'hi', own: { text: 'hi', id: 1 } },
    })
    const line = itemsOf('lines', textFrom(undefined, undefined), new Set())(message(framed(7, 'hi')))
    expect(line.text).toMatchObject({ code: 'invalid_utf8' })
    expect(String(line.text)).toContain(
      'expected text, got a value with the 5-byte frame of a Schema Registry (schema id 7)',
    )
    expect(itemsOf('lines', textFrom(undefined, undefined), new Set())(message('{"a":1'))).toMatchObject({
      ...{ own: { text: '{"a":1' }, text: '{"a":1' },
    })
  })

  test.each<[string, string | Buffer | null, string, string]>([
    ['without a value', null, 'null_record', 'expected a value, got none'],
    ['of null', 'null', 'null_record', 'expected a record, got null'],
    [
      'of no UTF-8',
      Buffer.from([0x22, 0xff, 0x22]),
      'invalid_utf8',
      'expected UTF-8, got bytes that are not',
    ],
    ['of no JSON', '{"text":', 'invalid_json', 'expected JSON, got something else'],
    [
      'of Avro, in the frame of a Schema Registry',
      Buffer.from([0, 0, 0, 0, 7, 0x02, 0xc3, 0x28]),
      'invalid_utf8',
      'expected UTF-8, got the 5-byte frame of a Schema Registry (schema id 7) before a value that is not JSON, such as Avro or Protobuf',
    ],
    [
      'of Avro that is UTF-8 by chance',
      Buffer.from([0, 0, 1, 0, 0, 0x0c, ...Buffer.from('splunk')]),
      'invalid_json',
      'expected JSON, got the 5-byte frame of a Schema Registry (schema id 65536) before a value that is not JSON, such as Avro or Protobuf',
    ],
    ['of too many levels', '['.repeat(1_001), 'too_deep', 'expected fewer levels of arrays and objects'],
    ['of a number', '1', 'not_a_record', 'expected an object or a text'],
    ['without the column', '{"body":"hi"}', 'missing_column', 'there is no column "text"; there are: "body"'],
    ['without a text', '{"text":" "}', 'empty_text', 'there is no text to ask about'],
    [
      'with a column of the result',
      '{"text":"hi","label":1}',
      'column_taken',
      'give it another name with --prefix',
    ],
  ])('%s cannot be asked', (_, value, code, what) => {
    expect(itemOf(message(value)).text).toMatchObject({
      code,
      message: expect.stringMatching(/^tickets:2:7: /) as string,
    })
    expect((itemOf(message(value)).text as Error).message).toContain(what)
  })
})

test.each<[Parameters<typeof sayEvent>[0], string]>([
  [{ type: 'assigned', generation: 1, partitions: [] }, 'Reads nothing: other workers have all partitions'],
  [
    {
      ...{ type: 'assigned', generation: 1 },
      partitions: [
        { topic: 'tickets', partition: 10 },
        { topic: 'refunds', partition: 1 },
        { topic: 'tickets', partition: 2 },
      ],
    },
    'Reads refunds 1; tickets 2, 10',
  ],
  [
    { type: 'leaving', partitions: [{ topic: 'tickets', partition: 1 }] },
    'Finishes tickets 1, which another worker takes over',
  ],
  [
    { type: 'left', partitions: [{ topic: 'tickets', partition: 1 }], uncommitted: 0, unfinished: 0 },
    'Left tickets 1',
  ],
  [
    { type: 'left', partitions: [{ topic: 'tickets', partition: 1 }], uncommitted: 1_200, unfinished: 7 },
    'Left tickets 1, with 1,200 records uncommitted, which another worker sends again',
  ],
  [
    { type: 'deleted', partition: { topic: 'tickets', partition: 1 }, from: 5n, to: 9n },
    'Lost tickets 1 from offset 5 to 8: the cluster deleted the records before a worker read them',
  ],
  [{ type: 'retry', error: new Error('Could not commit: no') }, 'Could not commit: no. Trying again'],
])('describes the event $type', (event, text) => {
  expect(sayEvent(event)).toBe(text)
})

test('the command reports the first rejection of each code, with its place and reason', () => {
  const rejections = new Rejections()
  const original = itemsOf('json', textFrom('text', undefined), new Set())(message('{')).text
  const invalid = new RecordError('invalid_record', '`serialize` threw RowError', { original })
  const failed = new RecordError('request_failed', 'The request failed', {
    cause: new RequestError('connection', 'no connection'),
  })
  const foreign = new RecordError('invalid_record', '`countTokens` threw Error', {
    original: new Error('hi'),
  })
  expect(rejections.first).toBeUndefined()
  const text = 'tickets:2:7: The request failed: no connection'
  expect(rejections.add(message('a'), failed)).toBe(text)
  expect(rejections.add(message('a'), failed)).toBeUndefined()
  expect(rejections.add(message('{'), invalid)).toBe('tickets:2:7: expected JSON, got something else')
  expect(rejections.first).toBe(text)
  // The text of a foreign error may quote the message.
  expect(new Rejections().add(message('a'), foreign)).toBe('tickets:2:7: `countTokens` threw Error')
})
