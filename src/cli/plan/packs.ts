import { Packing } from './forecast.ts'
import type { Framed, PackCount, PackRules } from './forecast.ts'

/** The sizes of packs that are looked at: from 2 to this. */
export const MOST_RECORDS = 100

/** Packs the same records into packs of every size at once, each as a stream does. Memory is the same for any input. */
export class Packs {
  readonly #bySize: readonly Packing[]

  constructor(rules: PackRules) {
    this.#bySize = Array.from({ length: MOST_RECORDS - 1 }, (_, i) => new Packing(i + 2, rules))
  }

  add(record: Framed): void {
    for (const packing of this.#bySize) packing.add(record)
  }

  /** What all records so far come to, in packs of up to this size. */
  count(size: number): PackCount {
    const packing = this.#bySize[size - 2]
    if (!packing) throw new RangeError(`There are no packs of ${size}`)
    return packing.count()
  }
}
