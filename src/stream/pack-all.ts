import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { expected } from '../base/option-checks.ts'
import type { PackStreamOptions } from '../options/options.ts'
import type { Outcome } from '../record/outcome.ts'
import { PackStream } from './pack-stream.ts'

/** The error of `packAll()`: the error of the stream or of the input. */
export type PackAllError<R, T> = Error & {
  /**
   * The outcomes that had come before the error, in the order of the input. Not enumerable, so that
   * loggers do not print the records.
   */
  readonly outcomes: readonly Outcome<R, T>[]
}

/**
 * Sends all records through a `PackStream` and returns their outcomes in the order of the input.
 *
 * @throws {PackAllError} If the stream fails, if it is aborted, or if the input throws. A record
 *   that is rejected is an outcome and no error.
 */
export async function packAll<R, T>(
  records: Iterable<R> | AsyncIterable<R>,
  options: PackStreamOptions<R, T>,
): Promise<Outcome<R, T>[]> {
  if (!isIterable(records)) throw expected('records', 'an iterable or an async iterable', records)
  const stream = new PackStream(options)
  const outcomes: Outcome<R, T>[] = []
  const inOrder = () => outcomes.sort((one, other) => one.index - other.index)
  try {
    // A listener takes each outcome at once, so an error loses no outcome that has come.
    stream.on('data', (outcome) => outcomes.push(outcome))
    // A signal may have aborted the stream already.
    const input = stream.destroyed ? undefined : pipeline(Readable.from(records), stream)
    await Promise.all([finished(stream), input])
  } catch (error) {
    throw error instanceof Error ? Object.defineProperty(error, 'outcomes', { value: inOrder() }) : error
  }
  return inOrder()
}

/** A string is no list of records. */
function isIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}
