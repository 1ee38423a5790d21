export type JsonSchema = Readonly<Record<string, unknown>>
export type Definitions = Readonly<Record<string, JsonSchema>>

/** Name of the definition that a schema refers to. */
export function nameOf(schema: JsonSchema): string | undefined {
  const ref = typeof schema['$ref'] === 'string' ? schema['$ref'] : ''
  return /^#\/\$defs\/(.*)$/.exec(ref)?.[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
}

export function mapValues<V, W>(
  object: Readonly<Record<string, V>>,
  map: (value: V, key: string) => W,
): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
}
