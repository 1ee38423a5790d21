/** A JSON Schema has at least one of these words. */
const JSON_SCHEMA_WORDS = [
  ...['type', 'properties', '$schema', '$ref', 'enum', 'const'],
  ...['anyOf', 'oneOf', 'allOf'],
]

/** Says what a value is that is no usable `schema`, and how to make a usable schema from it. */
export function schemaHint(schema: unknown): string {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return ''
  const given = schema as Record<PropertyKey, unknown>
  const { vendor } = (given['~standard'] ?? {}) as { vendor?: unknown }
  if ('_def' in given) return ': it is a schema of Zod 3. Import `z` from `zod` 4, or from `zod/v4`'
  if (vendor === 'valibot') {
    return ': wrap it in `toStandardJsonSchema()` of `@valibot/to-json-schema`'
  }
  if (typeof vendor === 'string') return `: ${vendor} writes no JSON Schema in \`~standard.jsonSchema\``
  const isTypeBox = Symbol.for('TypeBox.Kind') in given || '~kind' in given
  if (isTypeBox) return ': it is a TypeBox schema. Pass `z.fromJSONSchema(schema)` of Zod'
  // The `response_format` of OpenAI, or a schema of the AI SDK.
  if ('json_schema' in given || 'jsonSchema' in given) return ': it is made from a schema. Pass that schema'
  if (Array.isArray(schema)) return ': for one of several labels pass `z.enum(labels)` of Zod'
  const parts = Object.values(given)
  const isShape = parts.length > 0 && parts.every((part) => '_zod' in Object(part))
  if (isShape) return ': put its properties into `z.object()`'
  // The module of Zod has functions of these names.
  const isJsonSchema = JSON_SCHEMA_WORDS.some((word) => word in given && typeof given[word] !== 'function')
  return isJsonSchema ? ': it is a JSON Schema. Pass `z.fromJSONSchema(schema)` of Zod' : ''
}

/** Says what a value is that is no usable `client`, and how to make a client from it. */
export function clientHint(client: unknown): string {
  if (typeof client === 'function') return ': pass an instance, such as `new OpenAI()`'
  const { doStream } = (client ?? {}) as Record<string, unknown>
  if (typeof doStream !== 'function') return ''
  return ': it is a model of the AI SDK. Wrap it in `fromAiSdk()` of `llm-pack-stream/ai-sdk`'
}
