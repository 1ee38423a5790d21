import type { RecordError } from '../../index.ts'
import type { KafkaRecord } from '../../kafka/index.ts'
import { RowError } from '../../files/index.ts'
import { ItemError } from '../rows/item.ts'

/** The first rejected messages. */
export class Rejections {
  readonly #codes = new Set<RecordError['code']>()
  #first: string | undefined

  /** The first rejected message, and why. */
  get first(): string | undefined {
    return this.#first
  }

  /** Returns the message, and why it was rejected, if it is the first message with this code. */
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
  // The original error knows more about the message, and names its place.
  if (original instanceof ItemError || original instanceof RowError) return original.message
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return `${topic}:${partition}:${offset}: ${message}${because}`
}
