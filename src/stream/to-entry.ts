import { partitionWith } from '../cache/identity.ts'
import { bytesError } from '../record/bytes.ts'
import type { Entry, SharedField } from '../record/entry.ts'
import { RecordError, wordFor, type ResultIssue } from '../record/errors.ts'

/** The rules for making an entry from a record. */
export interface EntryRules<R> {
  readonly serialize: (record: R) => string
  readonly partition: ((record: R) => string) | undefined
  /** Returns the fields that stand once in a pack. `undefined` without the option `hoist`. */
  readonly hoist: ((record: R) => readonly SharedField[]) | undefined
  /** Checks a value by the option `validate`. */
  readonly issuesOf: ((record: R, value: unknown) => readonly ResultIssue[] | undefined) | undefined
  /** Returns the tokens of a record's text and the tags around it. */
  readonly weigh: (text: string) => number
  /** Returns the key of a record's result in the cache. `undefined` without a cache. */
  readonly cacheKey: (text: string, partition: string | undefined) => string | undefined
  readonly maxPackRecords: number
  readonly maxAttempts: number
}

/** Makes an entry from a record. Returns an error if the record cannot be packed. */
export function toEntry<R>(record: R, index: number, rules: EntryRules<R>): Entry<R> | RecordError {
  const { serialize, partition: keyOf, hoist, weigh, cacheKey, issuesOf } = rules
  const { maxPackRecords, maxAttempts } = rules
  const text = call('serialize', 'string', () => serialize(record), index)
  // A `serialize` that expects records fails for bytes.
  if (text instanceof RecordError) return bytesError(record) ?? text
  const shared = hoist ? call('hoist', 'object', () => hoist(record), index) : []
  if (shared instanceof RecordError) return shared
  const key = keyOf && call('partition', 'string', () => keyOf(record), index)
  if (key instanceof RecordError) return key
  const partition = hoist ? partitionWith(shared, key) : key
  const tokens = call('countTokens', 'number', () => weigh(text), index)
  if (tokens instanceof RecordError) return tokens
  return {
    ...{ index, record, text, tokens, shared, partition, cacheKey: cacheKey(text, partition) },
    ...(issuesOf && { issuesOf: (value: unknown) => issuesOf(record, value) }),
    ...{ attempts: 0, attemptsLeft: maxAttempts, maxCompany: maxPackRecords },
    ...{ group: undefined, failures: 0, needsMaxCap: false, needsNoCap: false, invalid: undefined },
  }
}

interface Returned {
  string: string
  number: number
  object: readonly SharedField[]
}

/** Calls a function of the user. It may throw, or return a value of the wrong type. */
function call<K extends keyof Returned>(
  name: string,
  kind: K,
  run: () => Returned[K],
  index: number,
): Returned[K] | RecordError {
  try {
    const result = run()
    const isUsable = kind !== 'number' || (Number(result) >= 0 && Number(result) < Infinity)
    if (typeof result === kind && isUsable) return result
    // Only a number is shown, because any other value may hold the record's text.
    const got = typeof result === 'number' ? result : (result as unknown) === null ? 'null' : typeof result
    return new RecordError(
      'invalid_record',
      `Expected \`${name}\` to return a ${kind} for record ${index}, got ${got}`,
    )
  } catch (original) {
    if (original instanceof RecordError) return original
    const message = `\`${name}\` threw ${wordFor(original)} for record ${index}`
    return new RecordError('invalid_record', message, { original })
  }
}
