import { Transform } from 'node:stream'

/**
 * A `Transform` with exact types for the written records and the emitted outcomes. Node's types say
 * `any`.
 *
 * The types of Node's `pipeline` expect a stream of strings or bytes, also in object mode. So some
 * methods have a second signature for `pipeline`. TypeScript checks calls and `for await` against
 * the exact signature.
 */
/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging -- the interface below only adds overloads */
/* eslint-disable @typescript-eslint/no-unused-vars, @typescript-eslint/no-unnecessary-type-parameters -- used there */
export abstract class ObjectTransform<I, O> extends Transform {
  /**
   * A listener that throws destroys its own stream. Node calls listeners within the code that
   * pushes an outcome or takes a record, which may be the code of another stream.
   */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      return super.emit(event, ...args)
    } catch (error) {
      // A stream that is destroyed cannot report the error.
      if (event === 'error' || this.destroyed) throw error
      this.destroy(toError(error))
      return true
    }
  }
}

/** Some code throws values that are no errors. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

type Written = (error: Error | null | undefined) => void

/* eslint-disable @typescript-eslint/no-explicit-any -- as in Node's own types */
export interface ObjectTransform<I, O> {
  write(record: I, callback?: Written): boolean
  write(record: I, encoding: BufferEncoding, callback?: Written): boolean
  write(forPipeline: string | Uint8Array, callback?: Written): boolean
  write(forPipeline: string, encoding?: BufferEncoding, callback?: Written): boolean
  end(callback?: () => void): this
  end(record: I, callback?: () => void): this
  end(record: I, encoding: BufferEncoding, callback?: () => void): this
  end(forPipeline: string | Uint8Array, callback?: () => void): this
  end(forPipeline: string, encoding?: BufferEncoding, callback?: () => void): this
  // Type inference uses the last signature, for example for the next function in a pipeline.
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<any>
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<O>
  on(event: 'data', listener: (outcome: O) => void): this
  on(event: string | symbol, listener: (...args: any[]) => void): this
  once(event: 'data', listener: (outcome: O) => void): this
  once(event: string | symbol, listener: (...args: any[]) => void): this
}
