import * as z from 'zod'
import { isUserSchema, type UserSchema } from '../../engine/index.ts'
import { readText } from '../flags/config.ts'
import { UsageError } from '../flags/usage-error.ts'
import { plainSchema } from './plain-schema.ts'
import { importModule } from './user-module.ts'

const MODULE = /\.[cm]?[jt]s$/

/** The form of a result. */
export interface ResultSchema {
  readonly schema: UserSchema
  /** Its fields, in order. `undefined`: they are not known, so the result has one column. */
  readonly fields: readonly string[] | undefined
  /**
   * The text of its module: a module may check more than a JSON Schema can say. Empty for other
   * files.
   */
  readonly source: string
}

/** Reads the schema of the result from the file of `--labels` or `--schema`. */
export async function readSchema(labels: string | undefined, schema = ''): Promise<ResultSchema> {
  if (labels !== undefined && schema !== '') throw new UsageError('Expected --labels or --schema, got both')
  const isModule = MODULE.test(schema)
  const read =
    labels !== undefined
      ? z.object({ label: z.enum(readLabels(labels)) })
      : isModule
        ? await importSchema(schema)
        : readJsonSchema(schema)
  return { schema: read, fields: fieldsOf(read), source: isModule ? readText(schema, '--schema') : '' }
}

function readLabels(file: string): string[] {
  const labels: string[] = []
  for (const [index, line] of readText(file, '--labels').split('\n').entries()) {
    const label = line.trim()
    if (label === '') continue
    if (labels.includes(label))
      throw new UsageError(`${file}:${index + 1}: the label ${JSON.stringify(label)} is there twice`)
    labels.push(label)
  }
  if (labels.length === 0)
    throw new UsageError(`${file}: expected labels, one on each line, and found no label`)
  return labels
}

async function importSchema(file: string): Promise<UserSchema> {
  const module = await importModule(file, '--schema')
  const found = module['default'] ?? module['schema']
  if (isUserSchema(found)) {
    try {
      jsonOf(found, 'input')
    } catch (cause) {
      throw new UsageError(`--schema: ${file}: ${(cause as Error).message}`, { cause })
    }
    return found
  }
  const what = 'a Zod 4 schema, or a Standard Schema that writes JSON Schema'
  throw new UsageError(`--schema: ${file}: expected ${what}, as its default export or as \`schema\``)
}

function readJsonSchema(file: string): z.ZodType {
  const text = readText(file, '--schema')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`--schema: ${file}: expected JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UsageError(
      `--schema: ${file}: expected a JSON Schema, which is an object, got ${text.trim().slice(0, 40)}`,
    )
  }
  try {
    const schema = z.fromJSONSchema(plainSchema(json) as Parameters<typeof z.fromJSONSchema>[0])
    z.toJSONSchema(schema, {
      unrepresentable: 'any',
      override: ({ zodSchema }) => {
        readUnicode(zodSchema)
      },
    })
    return schema
  } catch (cause) {
    throw new UsageError(`--schema: ${file}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Lets a pattern match Unicode characters, as JSON Schema says: `\p{L}` is a letter. Zod compiles
 * patterns without the flag.
 */
function readUnicode(schema: z.core.$ZodType): void {
  const { checks = [] } = schema._zod.def
  for (const {
    _zod: { def },
  } of checks as z.core.$ZodCheckRegex[]) {
    if (!(def.pattern instanceof RegExp)) continue
    try {
      def.pattern = new RegExp(def.pattern.source, 'u')
    } catch {
      // A pattern that only works without the flag, such as `\@`.
    }
  }
}

/** The names of the result's fields, if each result is an object with known fields. */
function fieldsOf(schema: UserSchema): string[] | undefined {
  let output: z.core.JSONSchema.JSONSchema
  try {
    output = jsonOf(schema, 'output')
  } catch {
    // The library cannot describe what its transforms make.
    return undefined
  }
  const { $ref, $defs, ...json } = output
  const root = $ref?.startsWith('#/$defs/') ? $defs?.[$ref.slice('#/$defs/'.length)] : json
  return root?.type === 'object' && root.properties ? Object.keys(root.properties) : undefined
}

/** The JSON Schema of the values that a schema takes in, or of the values that it gives out. */
export function jsonOf(schema: UserSchema, io: 'input' | 'output'): z.core.JSONSchema.JSONSchema {
  return '_zod' in schema
    ? z.toJSONSchema(schema, { io, unrepresentable: 'any' })
    : schema['~standard'].jsonSchema[io]({ target: 'draft-2020-12' })
}
