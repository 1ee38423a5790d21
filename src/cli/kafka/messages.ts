import { isUtf8 } from 'node:buffer'
import type { Fulfilled } from '../../index.ts'
import type { KafkaRecord } from '../../kafka/index.ts'
import {
  jsonlLine,
  parseExactly,
  RowError,
  withoutIndex,
  type Row,
  type RowErrorCode,
} from '../../files/index.ts'
import { toItem, type Item, type TextOf } from '../rows/item.ts'
import type { ResultColumns } from '../rows/result-columns.ts'
import { outputRow } from '../rows/output-row.ts'

export type MessageFormat = 'json' | 'lines'

/** Makes of a message what `run` makes of a row. */
export type ItemOf = (record: KafkaRecord) => Item

export function itemsOf(format: MessageFormat, textOf: TextOf, taken: ReadonlySet<string>): ItemOf {
  // Callers need the item for the text, for the partition, and later for the result.
  const items = new WeakMap<KafkaRecord, Item>()
  return (record) => {
    // Messages have no index, which is the position in an input.
    const item = items.get(record) ?? toItem(rowOf(record, format), 0, textOf, taken)
    items.set(record, item)
    return item
  }
}

/** The value of a result message: the columns of an output row, without `_index`. */
export function valueOf(
  outcome: Fulfilled<KafkaRecord, unknown>,
  itemOf: ItemOf,
  columns: ResultColumns,
): string {
  const row = outputRow({ ...outcome, record: itemOf(outcome.record) }, columns)
  return jsonlLine(withoutIndex(row)).trimEnd()
}

/** Bytes before a value whose schema is in a Schema Registry: a zero, and the id of the schema. */
const FRAME_BYTES = 5

/** Errors name the place as `topic:partition:offset`. */
function rowOf({ topic, partition, offset, value }: KafkaRecord, format: MessageFormat): Row {
  const place = { file: `${topic}:${partition}`, line: Number(offset), end: 0, terminated: true }
  const bad = (code: RowErrorCode, what: string): Row => {
    return { ...place, error: new RowError(code, place.file, place.line, what), raw: undefined }
  }
  if (value === null) return bad('null_record', 'expected a value, got none')
  // No JSON begins with a zero byte, and a text has no reason to.
  const isFramed = value.length > FRAME_BYTES && value[0] === 0
  const frame = isFramed ? `the 5-byte frame of a Schema Registry (schema id ${value.readUInt32BE(1)})` : ''
  if (isFramed && format === 'lines') return bad('invalid_utf8', `expected text, got a value with ${frame}`)
  // The JSON Schema serializer writes JSON after the frame. Avro and Protobuf are binary.
  const content = isFramed ? value.subarray(FRAME_BYTES) : value
  const got = isFramed ? `${frame} before a value that is not JSON, such as Avro or Protobuf` : ''
  if (!isUtf8(content)) return bad('invalid_utf8', `expected UTF-8, got ${got || 'bytes that are not'}`)
  const text = content.toString()
  if (format === 'lines') return { ...place, record: text }
  try {
    const record = parseExactly(text.replace(/^\uFEFF/, ''))
    return record === null ? bad('null_record', 'expected a record, got null') : { ...place, record }
  } catch (error) {
    return error instanceof RangeError
      ? bad('too_deep', 'expected fewer levels of arrays and objects')
      : bad('invalid_json', `expected JSON, got ${got || 'something else'}`)
  }
}
