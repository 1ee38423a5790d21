import { Transform } from 'node:stream'

/**
 * A `Transform` whose types say what may be written and what is read, where Node's say `any`.
 *
 * Node's `pipeline` wants a stream of strings or bytes, whatever its mode. So each method that it looks at has a second
 * signature for its sake; calls and `for await` are checked against the precise one.
 */
/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging -- the interface below only adds overloads */
/* eslint-disable @typescript-eslint/no-unused-vars, @typescript-eslint/no-unnecessary-type-parameters -- used there */
export abstract class ObjectTransform<I, O> extends Transform {}

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
  // The last signature is the one that inference sees, as for the function that follows in a pipeline.
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<any>
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<O>
  on(event: 'data', listener: (outcome: O) => void): this
  on(event: string | symbol, listener: (...args: any[]) => void): this
  once(event: 'data', listener: (outcome: O) => void): this
  once(event: string | symbol, listener: (...args: any[]) => void): this
}
