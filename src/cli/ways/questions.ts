import { resultFormat, type UserSchema } from '../../engine/index.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Numbers of choices of the closed questions that a result answers, or why it answers others. */
export type Questions =
  { readonly choices: readonly number[]; readonly why?: never } | { readonly why: string }

/** Reads from a schema whether each field of a result is one of some labels, or yes or no. */
export function questionsOf(schema: UserSchema): Questions {
  const { jsonSchema } = resultFormat(schema)
  const { results } = jsonSchema['properties'] as { results: { items: JsonSchema } }
  const definitions = (jsonSchema['$defs'] ?? {}) as Record<string, JsonSchema>
  const fields = Object.entries(results.items['properties'] as Record<string, JsonSchema>)
  const choices: number[] = []
  for (const [name, field] of fields.filter(([key]) => key !== 'id')) {
    const { $ref } = field
    const named = typeof $ref === 'string' ? definitions[$ref.replace('#/$defs/', '')] : undefined
    const count = choicesOf(named ?? field)
    if (count === undefined)
      return { why: `the field ${JSON.stringify(name)} is no choice from a list of labels` }
    choices.push(count)
  }
  return { choices }
}

function choicesOf({ enum: values, type }: JsonSchema): number | undefined {
  if (Array.isArray(values)) return values.length
  return type === 'boolean' ? 2 : undefined
}
