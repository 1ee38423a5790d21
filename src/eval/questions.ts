import type { EscalateOptions, Example, PackStreamOptions } from '../index.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import type { StreamOptions } from './arms.ts'

/** A record as an arm asks it. */
export interface Question<R> {
  readonly record: R
  /** Number of its group. `undefined`: the record may share a request with any other. */
  readonly group: number | undefined
}

/** The same options for a stream of questions, whose groups share no request. */
export function forQuestions<R, T>(options: StreamOptions<R, T>): PackStreamOptions<Question<R>, T> {
  const { serialize, hoist } = resolveOptions(options)
  const { partition, validate, examples, escalate } = options
  return {
    ...options,
    serialize: ({ record }) => serialize(record),
    partition: ({ record, group }) => JSON.stringify([group, partition?.(record)]),
    hoist: hoist && (({ record }) => Object.fromEntries(hoist(record).map(({ name, text }) => [name, text]))),
    validate: validate && (({ record }, value) => validate(record, value)),
    examples: examples && asQuestions(examples),
    // The questions of the second step keep their partition, so its packs hold one group too.
    escalate: escalate && secondOf(escalate),
  }
}

function secondOf<R, T>({ when, examples, ...same }: EscalateOptions<R, T>): EscalateOptions<Question<R>, T> {
  return {
    ...same,
    ...(when && { when: ({ record }: Question<R>, value: T) => when(record, value) }),
    ...(examples && { examples: asQuestions(examples) }),
  }
}

function asQuestions<R>(examples: readonly Example<R>[]): Example<Question<R>>[] {
  return examples.map(({ record, value }) => ({ record: { record, group: undefined }, value }))
}

/** Returns the key of records that may share a request: the user's partition, and common fields. */
export function keyFor<R, T>(options: StreamOptions<R, T>): (record: R) => string {
  const { partition, hoist } = resolveOptions(options)
  return (record) => {
    try {
      return JSON.stringify([partition?.(record), hoist?.(record)])
    } catch {
      // The stream rejects such a record, and says why.
      return ''
    }
  }
}
