import { createHash } from 'node:crypto'
import type { SharedField } from '../record/entry.ts'

/**
 * Identifies the result of a record: records with the same identity get the same result. It is a
 * hash, so the store's keys hold no text.
 *
 * @param context Everything except the record that decides the answer, as JSON.
 */
export function identityOf(context: string, partition: string | undefined, text: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([context, partition, text]))
    .digest()
}

/**
 * The key of a pack whose records have these fields in common. It is short, however long the fields
 * are.
 */
export function partitionWith(shared: readonly SharedField[], key: string | undefined): string {
  return identityOf('', key, JSON.stringify(shared)).toString('base64url')
}
