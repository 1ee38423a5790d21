import type { RecordError } from '../../index.ts'
import type { KafkaRecord } from '../../kafka/index.ts'
import { reasonOf, RowError, type Reason } from '../../files/index.ts'
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

function explain({ topic, partition, offset }: KafkaRecord, error: RecordError): string {
  const { message } = fullReasonOf(error)
  // The error of a bad message names its place.
  return isOfRow(error.original) ? message : `${topic}:${partition}:${offset}: ${message}`
}

/** The reason of a rejection, in full. The original error knows more about the message. */
export function fullReasonOf(error: RecordError): Reason {
  return reasonOf(isOfRow(error.original) ? error.original : error)
}

function isOfRow(error: unknown): error is ItemError | RowError {
  return error instanceof ItemError || error instanceof RowError
}
