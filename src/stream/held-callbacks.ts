import type { TransformCallback } from 'node:stream'

/**
 * The callbacks of Node that the stream holds back until it has room for the next record, or until
 * the last outcome has left.
 */
export class HeldCallbacks {
  #written: TransformCallback | undefined
  #flushed: TransformCallback | undefined

  /** Holds the callback of `_write`. */
  holdWrite(callback: TransformCallback): void {
    this.#written = callback
  }

  /** Holds the callback of `_flush`. The input has ended. */
  holdFlush(callback: TransformCallback): void {
    this.#flushed = callback
  }

  /** Whether the callback of a write is held back. */
  get hasWrite(): boolean {
    return this.#written !== undefined
  }

  /** Whether the callback of `_flush` is held back. */
  get hasFlush(): boolean {
    return this.#flushed !== undefined
  }

  /** Lets the next record come. Node writes it at once if it has buffered it. */
  read(): void {
    const written = this.#written
    this.#written = undefined
    written?.()
  }

  /** Lets the stream end. */
  end(): void {
    const flushed = this.#flushed
    this.#flushed = undefined
    flushed?.()
  }

  /** The stream is destroyed. */
  close(error: Error | null): void {
    const written = this.#written
    this.#written = undefined
    // Without an error the callback is not called, as in Node's own streams. A call would look like
    // a successful write.
    if (error) written?.(error)
  }
}
