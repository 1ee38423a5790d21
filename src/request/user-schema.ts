import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod/v4/core'
import { withOption } from '../base/option-checks.ts'
import { wordFor, type ResultIssue } from '../record/errors.ts'
import type { JsonSchema } from './json-schema.ts'
import { refuse } from './strict-schema.ts'

/**
 * A schema of a library that follows [Standard Schema](https://standardschema.dev) and writes JSON
 * Schema, such as ArkType, or Valibot with `toStandardJsonSchema`.
 */
export interface StandardSchema<T> {
  readonly '~standard': StandardSchemaV1.Props<unknown, T> & StandardJSONSchemaV1.Props<unknown, T>
}

/** The result's schema, as users write it. */
export type UserSchema<T = unknown> = z.$ZodType<T> | StandardSchema<T>

export type Checked<T> = { value: T } | { issues: readonly ResultIssue[] }

/** The two abilities of a user's schema that the library needs. */
interface Readable<T> {
  /** The JSON Schema of the schema's input. Transforms and defaults run in `check`. */
  readonly json: JsonSchema
  /** Checks a result. */
  readonly check: (value: unknown) => Checked<T>
}

export function isUserSchema(schema: unknown): schema is UserSchema {
  const { _zod: zod, '~standard': standard } = (schema ?? {}) as { _zod?: unknown; '~standard'?: unknown }
  const { validate, jsonSchema } = (standard ?? {}) as Partial<StandardSchema<unknown>['~standard']>
  return typeof zod === 'object' || (typeof validate === 'function' && typeof jsonSchema === 'object')
}

/** @throws {TypeError} If the schema has no JSON Schema. */
export function readUserSchema<T>(schema: UserSchema<T>): Readable<T> {
  try {
    return '_zod' in schema ? ofZod(schema) : ofStandard(schema)
  } catch (error) {
    if (error instanceof TypeError && 'option' in error) throw error
    const said = error instanceof Error ? error.message : String(error)
    throw withOption(
      'schema',
      new TypeError(`Expected \`schema\` to be expressible as JSON Schema: ${said}`, { cause: error }),
    )
  }
}

function ofZod<T>(schema: z.$ZodType<T>): Readable<T> {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    // A type without a JSON form becomes an empty schema. It is refused later with its path, which
    // Zod's own message lacks.
    unrepresentable: 'any',
    override: ({ zodSchema, path }) => {
      const { def } = zodSchema._zod as z.$ZodLiteral['_zod'] | z.$ZodEnum['_zod'] | z.$ZodUnknown['_zod']
      const type: string = def.type
      if (type === 'promise' || type === 'file') refuse(path, `z.${type}() cannot be written by a model`)
      // Zod writes 5n as 5, and leaves `undefined` out. No answer could ever match.
      const literals =
        def.type === 'literal' ? def.values : def.type === 'enum' ? Object.values(def.entries) : []
      for (const literal of literals) {
        if (!isJson(literal)) refuse(path, `no JSON value is equal to the literal ${shown(literal)}`)
      }
    },
  })
  const check = (value: unknown): Checked<T> => {
    try {
      const result = z.safeParse(schema, value)
      if (result.success) return { value: result.data }
      return { issues: result.error.issues.map(issueOf) }
    } catch (error) {
      if (error instanceof z.$ZodAsyncError) throw isAsync(error)
      return hasThrown(error)
    }
  }
  return { json, check }
}

function ofStandard<T>({ '~standard': standard }: StandardSchema<T>): Readable<T> {
  const json = standard.jsonSchema.input({ target: 'draft-2020-12' })
  const check = (value: unknown): Checked<T> => {
    let result: ReturnType<typeof standard.validate>
    try {
      result = standard.validate(value)
    } catch (error) {
      return hasThrown(error)
    }
    if ('then' in result) throw isAsync()
    if (!result.issues) return { value: result.value }
    return {
      issues: result.issues.map((issue) => ({
        // ArkType's path is an array of a class of its own.
        path: Array.from(issue.path ?? [], (part) => (typeof part === 'object' ? part.key : part)),
        message: issue.message.replace(QUOTATION, ''),
        ...expectedByStandard(issue),
      })),
    }
  }
  return { json, check }
}

/**
 * What ArkType and Valibot expected. The words of a check of the user may quote the model's text.
 * For a union, ArkType writes the whole message there.
 */
function expectedByStandard(issue: object): { expected?: string } {
  const { expected, code, type } = issue as { expected?: unknown; code?: unknown; type?: unknown }
  if (typeof expected !== 'string' || code === 'predicate' || type === 'raw_check') return {}
  return { expected: expected.replace(QUOTATION, '').replace(/^[^]* must be /, '') }
}

/** The end of a message of ArkType or Valibot, which quotes the model's text. */
const QUOTATION = / (?:\(was|but received) [^]*$/

/** Zod's issue, with its message except for the code whose message quotes the model's text. */
function issueOf(issue: z.$ZodIssue): ResultIssue {
  const { code, path, message } = issue
  const expected = expectedBy(issue)
  return {
    ...{ path, message: code === 'unrecognized_keys' ? 'Unrecognized keys' : message },
    ...(expected === undefined ? {} : { expected }),
  }
}

/** Longest list of labels in an error, in characters. */
const LABELS_LENGTH = 120

function expectedBy(issue: z.$ZodIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value': {
      const labels = issue.values.map((value) =>
        typeof value === 'string' ? JSON.stringify(value) : String(value),
      )
      const all = labels.join(', ')
      return `${labels.length > 1 ? 'one of ' : ''}${all.length > LABELS_LENGTH ? `${all.slice(0, LABELS_LENGTH)}…` : all}`
    }
    case 'too_big':
      return `${bound(issue, 'at most', 'below')} ${issue.maximum}`
    case 'too_small':
      return `${bound(issue, 'at least', 'above')} ${issue.minimum}`
    case 'invalid_format':
      return formatOf(issue as Partial<z.$ZodStringFormatIssues>)
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    default:
      return undefined
  }
}

function bound(
  { exact, inclusive }: z.$ZodIssueTooBig | z.$ZodIssueTooSmall,
  within: string,
  without: string,
) {
  return exact === true ? 'exactly' : inclusive === false ? without : within
}

function formatOf(issue: Partial<z.$ZodStringFormatIssues>): string {
  switch (issue.format) {
    case 'regex':
      return `the pattern ${issue.pattern ?? ''}`
    case 'starts_with':
      return `a text that starts with ${JSON.stringify(issue.prefix)}`
    case 'ends_with':
      return `a text that ends with ${JSON.stringify(issue.suffix)}`
    case 'includes':
      return `a text that includes ${JSON.stringify(issue.includes)}`
    default:
      return `the format ${issue.format ?? ''}`
  }
}

/** A refinement or transform in the user's schema threw an error. */
function hasThrown(error: unknown) {
  return { issues: [{ path: [], message: `The schema threw ${wordFor(error)}` }] }
}

function isAsync(cause?: unknown): TypeError {
  const message = 'Expected `schema` to check results at once, but a refinement or transform of it is async'
  return withOption('schema', new TypeError(message, { cause }))
}

function isJson(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function shown(literal: unknown): string {
  return typeof literal === 'bigint' ? `${literal}n` : String(literal)
}
