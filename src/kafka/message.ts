import type { MessageToProduce } from '@platformatic/kafka'
import type { RecordError, Rejected } from '../index.ts'
import { explain } from './errors.ts'
import { recordId, type KafkaRecord } from './record.ts'

type Headers = (readonly [name: string, value: string | Buffer | null])[]

/** What is produced for a record that has a result. */
export function resultOf(record: KafkaRecord, topic: string, value: string | Buffer): MessageToProduce {
  return message(record, topic, Buffer.from(value), sourceOf(record))
}

/** What is produced for a record that is rejected: as it came, with the reason beside its own headers. */
export function deadLetterOf(
  { record, reason, attempts }: Rejected<KafkaRecord>,
  topic: string,
): MessageToProduce {
  return message(record, topic, record.value, [
    ...record.headers,
    ...sourceOf(record),
    ['llm-pack-stream.error.code', reason.code],
    ['llm-pack-stream.error.message', reasonIn(reason)],
    ['llm-pack-stream.error.attempts', String(attempts)],
  ])
}

/** With what errors do not say since it may quote the record: here the record goes the same way. */
function reasonIn(reason: RecordError): string {
  const { refusal, original } = reason
  const quoted = refusal ?? (original === undefined ? undefined : explain(original))
  return quoted === undefined ? explain(reason) : `${explain(reason)}: ${quoted}`
}

/** Where it came from, and what the key that says so has displaced. */
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
    // The client writes a tombstone for what is not there.
    ...(value === null ? {} : { value }),
    // By identity, so that a name can occur twice.
    headers: new Map(headers.map(([name, content]) => [Buffer.from(name), Buffer.from(content ?? '')])),
  }
}
