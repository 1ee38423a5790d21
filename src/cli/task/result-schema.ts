import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import * as z from 'zod'
import { closeObjects } from './close-objects.ts'
import { readText } from '../flags/config.ts'
import { UsageError } from '../flags/usage-error.ts'

const MODULE = /\.[cm]?[jt]s$/

/** The form of a result. */
export interface ResultSchema {
  readonly schema: z.ZodType
  /** Its fields, in order. `undefined`: they are not known, so the result has one column. */
  readonly fields: readonly string[] | undefined
  /**
   * The text of its module: a module may check more than a JSON Schema can say. Empty for other
   * files.
   */
  readonly source: string
}

/** Reads the schema of the result from the file of `--labels` or `--schema`. */
export async function readSchema(
  labels: string | undefined,
  schema: string | undefined,
): Promise<ResultSchema> {
  if (labels !== undefined && schema !== undefined)
    throw new UsageError('Expected --labels or --schema, got both')
  const read =
    labels !== undefined
      ? z.object({ label: z.enum(readLabels(labels)) })
      : schema === undefined
        ? undefined
        : MODULE.test(schema)
          ? await importSchema(schema)
          : readJsonSchema(schema)
  if (!read) throw new UsageError('Expected --labels or --schema: the form of the result')
  const isModule = schema !== undefined && MODULE.test(schema)
  return { schema: read, fields: fieldsOf(read), source: isModule ? readText(schema, '--schema') : '' }
}

function readLabels(file: string): string[] {
  const labels: string[] = []
  for (const [index, line] of readText(file, '--labels').split(/\r?\n/).entries()) {
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

async function importSchema(file: string): Promise<z.ZodType> {
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const hint = code === 'ERR_UNKNOWN_FILE_EXTENSION' ? ' (Node runs TypeScript from 22.18 on)' : ''
    throw new UsageError(`--schema: ${file} cannot be loaded${hint}: ${message}`, { cause })
  }
  const found = module['default'] ?? module['schema']
  if (typeof (found as { _zod?: unknown } | undefined)?._zod === 'object') return found as z.ZodType
  throw new UsageError(`--schema: ${file}: expected a Zod 4 schema as its default export, or as \`schema\``)
}

function readJsonSchema(file: string): z.ZodType {
  const text = readText(file, '--schema')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`--schema: ${file}: expected JSON: ${(cause as Error).message}`, { cause })
  }
  try {
    return z.fromJSONSchema(closeObjects(json) as Parameters<typeof z.fromJSONSchema>[0])
  } catch (cause) {
    throw new UsageError(`--schema: ${file}: ${(cause as Error).message}`, { cause })
  }
}

/** The names of the result's fields, if each result is an object with known fields. */
function fieldsOf(schema: z.ZodType): string[] | undefined {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })
  const { $ref } = json
  const root = $ref?.startsWith('#/$defs/') ? json.$defs?.[$ref.slice('#/$defs/'.length)] : json
  return root?.type === 'object' && root.properties ? Object.keys(root.properties) : undefined
}
