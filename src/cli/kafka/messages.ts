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

/** Errors name the place as `topic:partition:offset`. */
function rowOf({ topic, partition, offset, value }: KafkaRecord, format: MessageFormat): Row {
  const place = { file: `${topic}:${partition}`, line: Number(offset), end: 0, terminated: true }
  const bad = (code: RowErrorCode, what: string): Row => {
    return { ...place, error: new RowError(code, place.file, place.line, what), raw: undefined }
  }
  if (value === null) return bad('null_record', 'expected a value, got none')
  if (!isUtf8(value)) return bad('invalid_utf8', 'expected UTF-8, got bytes that are not')
  const text = value.toString()
  if (format === 'lines') return { ...place, record: text }
  try {
    const record = parseExactly(text.replace(/^\uFEFF/, ''))
    return record === null ? bad('null_record', 'expected a record, got null') : { ...place, record }
  } catch (error) {
    return error instanceof RangeError
      ? bad('too_deep', 'expected fewer levels of arrays and objects')
      : bad('invalid_json', 'expected JSON, got something else')
  }
}
