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
  const isJsonSchema = ['type', 'properties', '$schema', '$ref', 'anyOf', 'enum'].some(
    (word) => word in given,
  )
  return isJsonSchema ? ': it is a JSON Schema. Pass `z.fromJSONSchema(schema)` of Zod' : ''
}

/** Says what a value is that is no usable `client`, and how to make a client from it. */
export function clientHint(client: unknown): string {
  if (typeof client === 'function') return ': pass an instance, such as `new OpenAI()`'
  const { doStream } = (client ?? {}) as Record<string, unknown>
  if (typeof doStream !== 'function') return ''
  return ': it is a model of the AI SDK. Wrap it in `fromAiSdk()` of `llm-pack-stream/ai-sdk`'
}
