import { Transform } from 'node:stream'

/**
 * A transform that fails only after its consumer has taken all earlier output. `destroy` alone
 * would drop that output.
 */
export class LateFailure extends Transform {
  #failure: Error | undefined

  /** Replaces the callback of `_transform` and `_flush`. */
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
