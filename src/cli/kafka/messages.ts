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

/** How a message becomes what `run` makes of a row. */
export type ItemOf = (record: KafkaRecord) => Item

export function itemsOf(format: MessageFormat, textOf: TextOf, taken: ReadonlySet<string>): ItemOf {
  // It is asked for its text and its partition, and once more as its result is there.
  const items = new WeakMap<KafkaRecord, Item>()
  return (record) => {
    // The index is that of an input, and here there is none.
    const item = items.get(record) ?? toItem(rowOf(record, format), 0, textOf, taken)
    items.set(record, item)
    return item
  }
}

/** The value of a result's message: the columns that a row of an output has, but for `_index`. */
export function valueOf(
  outcome: Fulfilled<KafkaRecord, unknown>,
  itemOf: ItemOf,
  columns: ResultColumns,
): string {
  const row = outputRow({ ...outcome, record: itemOf(outcome.record) }, columns)
  return jsonlLine(withoutIndex(row)).trimEnd()
}

/** Places are told as `topic:partition:offset`. */
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
      : bad('invalid_json', 'expected JSON, got what is not')
  }
}
