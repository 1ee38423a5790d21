import type { Hash, Identifier, Identity } from '../../rows/identity.ts'
import type { Item } from '../../rows/item.ts'
import { HashCounts } from './hash-counts.ts'
import type { ReadRow } from './read-back.ts'

/** Numbers of rows. */
export interface RowNumbers {
  fulfilled: number
  rejected: number
}

/** The records with a row of an earlier run. Each takes 16 bytes a slot, and holds no text. */
export class Earlier {
  /** Rows in the output. */
  readonly rows: RowNumbers = { fulfilled: 0, rejected: 0 }
  /** Rows whose record has not come in the input. */
  readonly left: RowNumbers = { fulfilled: 0, rejected: 0 }
  readonly identifier: Identifier
  readonly #isRetry: boolean
  readonly #mended: ReadonlySet<string>
  readonly #fulfilled = new HashCounts()
  readonly #rejected = new HashCounts()
  /** With a key, a row with another content has the same key. */
  readonly #keys: Record<keyof RowNumbers, HashCounts> = {
    fulfilled: new HashCounts(),
    rejected: new HashCounts(),
  }

  /** Rows that replace earlier rows: their keys, and all their columns. */
  readonly #replacing = new HashCounts()
  readonly #renewed = new HashCounts()

  /**
   * @param isRetry Whether rejected records are asked again.
   * @param mended Hashes of rejected records that a mended record has replaced.
   */
  constructor(identifier: Identifier, isRetry = false, mended: readonly string[] = []) {
    this.identifier = identifier
    this.#isRetry = isRetry
    this.#mended = new Set(mended)
  }

  get isEmpty(): boolean {
    return this.count === 0
  }

  /** Number of rows. */
  get count(): number {
    return this.rows.fulfilled + this.rows.rejected
  }

  /** Adds a row of the output. */
  add({ own, reason }: Pick<ReadRow, 'own' | 'reason'>): void {
    const identity = this.identifier.of(own, reason)
    const kind = reason ? 'rejected' : 'fulfilled'
    this.rows[kind] += 1
    this.left[kind] += 1
    if (reason) this.#rejected.add(identity.id)
    else this.#fulfilled.add(identity.id)
    if (this.identifier.isKeyed) this.#keys[kind].add(identity.key)
  }

  /** Takes a record of the input whose row is in the output. False: it must be asked. */
  take(identity: Identity): boolean {
    const { id, key } = identity
    const found =
      this.#fulfilled.take(id) || this.#hasMended(identity)
        ? 'fulfilled'
        : !this.#isRetry && this.#rejected.take(id)
          ? 'rejected'
          : undefined
    if (!found) return false
    this.left[found] -= 1
    if (this.identifier.isKeyed) this.#keys[found].take(key)
    return true
  }

  #hasMended({ id, key }: Identity): boolean {
    return this.#mended.size > 0 && this.#mended.has(nameOf(id)) && this.#keys.fulfilled.has(key)
  }

  /** Whether the row of a record that must be asked replaces an earlier row. */
  isReplacing({ id, key }: Identity): boolean {
    return (
      (this.#isRetry && this.#rejected.has(id)) ||
      this.#keys.fulfilled.has(key) ||
      this.#keys.rejected.has(key)
    )
  }

  /** Takes an earlier row out if a new row replaces it. */
  takeReplaced({ own, reason }: Pick<ReadRow, 'own' | 'reason'>): boolean {
    // Without a key, a result and the new row are of two equal records.
    if (!reason && !this.identifier.isKeyed) return false
    const { id, key } = this.identifier.of(own, reason)
    const isLeft = reason ? this.#rejected.take(id) : this.#fulfilled.take(id)
    return isLeft && this.#replacing.take(key)
  }

  /** Notes that the row of a record replaces an earlier row. */
  note({ id, key }: Identity): void {
    this.#replacing.add(key)
    this.#renewed.add(id)
  }

  /** Whether a mended record has replaced a rejected one: its key is the same, its content not. */
  isMended({ id }: Identity): boolean {
    return this.identifier.isKeyed && !this.#renewed.has(id)
  }

  /** The identity of a record of the input. */
  identify({ own, text }: Item): Identity {
    return this.identifier.of(own, typeof text === 'string' ? undefined : text)
  }
}

/** The name of a hash in a file. */
export function nameOf(hash: Hash): string {
  return hash.map((one) => one.toString(16).padStart(8, '0')).join('')
}

/** `undefined`: it is not the name of a hash. */
export function hashOfName(name: string): Hash | undefined {
  const [, a = '', b = '', c = ''] = /^([\da-f]{8})([\da-f]{8})([\da-f]{8})$/.exec(name) ?? []
  return c === '' ? undefined : [parseInt(a, 16), parseInt(b, 16), parseInt(c, 16)]
}
