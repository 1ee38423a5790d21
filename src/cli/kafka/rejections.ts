import type { RecordError } from '../../index.ts'
import type { KafkaRecord } from '../../kafka/index.ts'
import { RowError } from '../../files/index.ts'
import { ItemError } from '../rows/item.ts'

/** Which messages were the first to be rejected. */
export class Rejections {
  readonly #codes = new Set<RecordError['code']>()
  #first: string | undefined

  /** The first of all, and why. */
  get first(): string | undefined {
    return this.#first
  }

  /** Returns which message it was, and why, if it is the first with this code. */
  add(record: KafkaRecord, reason: RecordError): string | undefined {
    if (this.#codes.has(reason.code)) return undefined
    this.#codes.add(reason.code)
    const text = explain(record, reason)
    this.#first ??= text
    return text
  }
}

function explain(
  { topic, partition, offset }: KafkaRecord,
  { message, cause, original }: RecordError,
): string {
  // It is known better here what is wrong with a message, and it says where.
  if (original instanceof ItemError || original instanceof RowError) return original.message
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return `${topic}:${partition}:${offset}: ${message}${because}`
}
