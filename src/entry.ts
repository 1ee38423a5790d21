import { inspect } from 'node:util'
import { RecordError } from './errors.ts'
import type { Resolved } from './options.ts'
import { frame } from './prompt.ts'

/** A record on its way through the stream. */
export interface Entry<R> {
  /** Position in the input, from 0. */
  readonly index: number
  readonly record: R
  /** What `serialize` made of it. */
  readonly text: string
  /** Its share of a pack's token budget, tags included. */
  readonly tokens: number
  /** How many requests have carried it. */
  attempts: number
  /** How many more may carry it. */
  attemptsLeft: number
  /** How many records may share the next request with it, itself included. */
  maxCompany: number
  /** The last element that named this record and did not match the schema. */
  invalid: RecordError | undefined
}

/** Makes a record ready to be packed, or says why it cannot be. */
export function toEntry<R>(record: R, index: number, options: Resolved<R, unknown>): Entry<R> | RecordError {
  const { serialize, countTokens, maxPackRecords, maxAttempts } = options
  const text = call('serialize', 'string', () => serialize(record), index)
  if (text instanceof RecordError) return text
  const tokens = call('countTokens', 'number', () => countTokens(frame(text, maxPackRecords)), index)
  if (tokens instanceof RecordError) return tokens
  return {
    ...{ index, record, text, tokens, invalid: undefined },
    ...{ attempts: 0, attemptsLeft: maxAttempts, maxCompany: maxPackRecords },
  }
}

interface Returned {
  string: string
  number: number
}

/** Calls a function of the user's, which may throw, or return what its type does not allow. */
function call<K extends keyof Returned>(
  name: string,
  kind: K,
  run: () => Returned[K],
  index: number,
): Returned[K] | RecordError {
  try {
    const result = run()
    if (typeof result === kind && !Number.isNaN(result)) return result
    const got = typeof result === 'object' ? 'an object' : `${inspect(result)} (${typeof result})`
    return new RecordError(
      'invalid_record',
      `Expected \`${name}\` to return a ${kind} for record ${index}, got ${got}`,
    )
  } catch (cause) {
    return new RecordError('invalid_record', `\`${name}\` threw for record ${index}`, { cause })
  }
}
