import { Transform } from 'node:stream'

/** A transform that fails only when all that it has given out before has been taken: `destroy` throws away what waits. */
export class LateFailure extends Transform {
  #failure: Error | undefined

  /** For use in `_transform` and `_flush`, instead of their callback. */
  protected failLate(error: Error): void {
    this.#failure = error
    if (this.readableLength === 0) this.destroy(error)
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size)
    if (this.#failure && this.readableLength === 0) this.destroy(this.#failure)
    return chunk
  }
}
