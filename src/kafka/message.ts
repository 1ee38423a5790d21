import type { MessageToProduce } from '@platformatic/kafka'
import type { Outcome, RecordError } from '../index.ts'
import { explain } from './errors.ts'
import type { ResolvedSink } from './options.ts'
import { recordId, type KafkaRecord } from './record.ts'

/** A message, and the end that it gives to its record. */
export interface Letter {
  readonly status: 'fulfilled' | 'rejected'
  readonly message: MessageToProduce
  /** Makes a smaller message, for a topic that refuses this one because of its size. */
  readonly smaller?: () => Letter
}

type Headers = (readonly [name: string, value: string | Buffer | null])[]

/** Returns the message for an outcome. */
export function letterOf<T>(
  outcome: Outcome<KafkaRecord, T>,
  { outputTopic, deadLetterTopic, serialize }: ResolvedSink<T>,
): Letter {
  const { record, attempts } = outcome
  const deadLetter = (code: string, why: string) =>
    deadLetterOf(record, deadLetterTopic, [
      ['llm-pack-stream.error.code', code],
      ['llm-pack-stream.error.message', why],
      ['llm-pack-stream.error.attempts', String(attempts)],
    ])
  if (outcome.status === 'rejected') return deadLetter(outcome.reason.code, reasonIn(outcome.reason))
  let value: Buffer
  try {
    value = Buffer.from(serialize(outcome))
  } catch (error) {
    const why = `\`serialize\` of the sink did not make a text or bytes: ${explain(error)}`
    return deadLetter('invalid_output', why)
  }
  return {
    status: 'fulfilled',
    message: message(record, outputTopic, value, sourceOf(record)),
    smaller: () =>
      deadLetter('message_too_large', `'${outputTopic}' takes no message as large as its result`),
  }
}

/**
 * Returns the record as it came, with the reason in additional headers. The smaller form has no
 * value; the value is still in the source topic.
 */
function deadLetterOf(record: KafkaRecord, topic: string, reason: Headers): Letter {
  const letter = (value: Buffer | null) => ({
    status: 'rejected' as const,
    message: message(record, topic, value, [...record.headers, ...sourceOf(record), ...reason]),
  })
  return { ...letter(record.value), smaller: () => letter(null) }
}

/**
 * Returns the reason with the quoted text. Other errors leave this text out because it may quote
 * the record. Here the record itself is in the same message.
 */
function reasonIn(reason: RecordError): string {
  const { refusal, original } = reason
  const quoted = refusal ?? (original === undefined ? undefined : explain(original))
  return quoted === undefined ? explain(reason) : `${explain(reason)}: ${quoted}`
}

/**
 * Returns headers with the source of the record, and with its key, because the message has another
 * key.
 */
function sourceOf({ topic, partition, offset, key }: KafkaRecord): Headers {
  return [
    ['llm-pack-stream.source.topic', topic],
    ['llm-pack-stream.source.partition', String(partition)],
    ['llm-pack-stream.source.offset', String(offset)],
    ...(key === null ? [] : [['llm-pack-stream.source.key', key] as const]),
  ]
}

function message(
  record: KafkaRecord,
  topic: string,
  value: Buffer | null,
  headers: Headers,
): MessageToProduce {
  return {
    topic,
    key: Buffer.from(recordId(record)),
    // Without a `value`, the client writes a tombstone.
    ...(value === null ? {} : { value }),
    // The keys of the map are objects, so a name can occur twice.
    headers: new Map(headers.map(([name, content]) => [Buffer.from(name), Buffer.from(content ?? '')])),
  }
}
