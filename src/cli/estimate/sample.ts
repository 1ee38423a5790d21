import type { TokenCounter } from '../../index.ts'
import type { JsonSchema } from './plain-request.ts'

/** Values that fit a schema. */
export interface Sample {
  /** A value of the fewest tokens, and a value of the most tokens. */
  readonly short: unknown
  readonly long: unknown
  /** The expected number of tokens beyond the tokens of `short`. */
  readonly extra: number
}

/** A fact that a schema may leave open. */
export type Assumption = 'strings' | 'numbers' | 'arrays' | 'recursion'

/** A text of ten tokens. Each string is assumed to be as long. */
const TEXT = 'one two three four five six seven eight nine ten'
const FORMATS: Record<string, string> = {
  'date-time': '2025-06-30T12:00:00Z',
  date: '2025-06-30',
  time: '12:00:00Z',
  uuid: '0f8fad5b-d9cb-469f-a165-70867728950e',
  email: 'helpdesk@example.com',
}
/** Numbers of items that are assumed of an array without limits. */
const FEW = 1
const MANY = 3

/**
 * Finds the shortest and the longest value that fit a schema, with assumptions for the facts that
 * it leaves open.
 */
export class Sampler {
  readonly #count: TokenCounter
  readonly #definitions: Readonly<Record<string, JsonSchema>>
  readonly assumed = new Set<Assumption>()

  constructor(count: TokenCounter, definitions: Readonly<Record<string, JsonSchema>>) {
    this.#count = count
    this.#definitions = definitions
  }

  /** `undefined`: each value would contain itself. */
  sample(schema: JsonSchema, within: readonly string[] = []): Sample | undefined {
    const { $ref, enum: values, anyOf, type } = schema
    if (typeof $ref === 'string') return this.#reference($ref, within)
    if ('const' in schema) return fixed(schema['const'])
    if (Array.isArray(values)) return this.#choice(values.map(fixed))
    if (Array.isArray(anyOf)) {
      return this.#choice(anyOf.map((option) => this.sample(option as JsonSchema, within)))
    }
    const types = [type].flat()
    return this.#choice(types.map((one) => this.#typed(String(one), schema, within)))
  }

  #reference($ref: string, within: readonly string[]): Sample | undefined {
    if (within.includes($ref)) {
      this.assumed.add('recursion')
      return undefined
    }
    const name = $ref.replace('#/$defs/', '').replaceAll('~1', '/').replaceAll('~0', '~')
    return this.sample(this.#definitions[name] ?? {}, [...within, $ref])
  }

  #typed(type: string, schema: JsonSchema, within: readonly string[]): Sample | undefined {
    switch (type) {
      case 'null':
        return fixed(null)
      case 'boolean':
        return this.#choice([fixed(false), fixed(true)])
      case 'integer':
      case 'number':
        return this.#number(type, schema)
      case 'array':
        return this.#array(schema, within)
      case 'object':
        return this.#object(schema, within)
      default:
        return this.#string(schema)
    }
  }

  #number(type: string, { minimum, maximum }: JsonSchema): Sample | undefined {
    const isBounded = typeof minimum === 'number' && typeof maximum === 'number'
    if (type === 'integer' && isBounded) return this.#choice([fixed(minimum), fixed(maximum)])
    this.assumed.add('numbers')
    return this.#choice(type === 'integer' ? [fixed(7), fixed(1234567)] : [fixed(1), fixed(0.75)])
  }

  #string({ format, maxLength }: JsonSchema): Sample {
    const known = FORMATS[String(format)]
    if (known !== undefined) return fixed(known)
    this.assumed.add('strings')
    return fixed(TEXT.slice(0, typeof maxLength === 'number' ? maxLength : undefined))
  }

  #array({ items, minItems, maxItems }: JsonSchema, within: readonly string[]): Sample | undefined {
    const least = typeof minItems === 'number' ? minItems : 0
    const most = typeof maxItems === 'number' ? maxItems : Infinity
    if (least !== most) this.assumed.add('arrays')
    const item = this.sample((items ?? {}) as JsonSchema, within)
    if (!item) return least > 0 ? undefined : fixed([])
    const few = Math.min(Math.max(FEW, least), most)
    const many = Math.min(Math.max(MANY, least), most)
    const short = new Array<unknown>(few).fill(item.short)
    const long = new Array<unknown>(many).fill(item.long)
    // The expected value lies half way: a medium number of items, short and long.
    return {
      short,
      long,
      extra: few === many ? few * item.extra : (this.#tokens(long) - this.#tokens(short)) / 2,
    }
  }

  #object({ properties = {} }: JsonSchema, within: readonly string[]): Sample | undefined {
    const samples = Object.entries(properties as Record<string, JsonSchema>).map(
      ([name, schema]) => [name, this.sample(schema, within)] as const,
    )
    const short: [string, unknown][] = []
    const long: [string, unknown][] = []
    let extra = 0
    for (const [name, sample] of samples) {
      if (!sample) return undefined
      short.push([name, sample.short])
      long.push([name, sample.long])
      extra += sample.extra
    }
    return { short: Object.fromEntries(short), long: Object.fromEntries(long), extra }
  }

  /** A choice of several values, all equally likely. */
  #choice(options: readonly (Sample | undefined)[]): Sample | undefined {
    const possible = options.filter((option) => option !== undefined)
    const [first] = possible
    if (!first) return undefined
    if (possible.length === 1) return first
    const shortest = possible.map((option) => ({ value: option.short, tokens: this.#tokens(option.short) }))
    const longest = possible.map((option) => ({ value: option.long, tokens: this.#tokens(option.long) }))
    const short = shortest.reduce((best, one) => (one.tokens < best.tokens ? one : best))
    const long = longest.reduce((best, one) => (one.tokens > best.tokens ? one : best))
    const sum = possible.reduce((total, { extra }, i) => total + (shortest[i]?.tokens ?? 0) + extra, 0)
    return { short: short.value, long: long.value, extra: sum / possible.length - short.tokens }
  }

  /**
   * Tokens of a value between two names, because a tokenizer joins its marks with the marks around
   * it.
   */
  #tokens(value: unknown): number {
    return this.#count(`a":${JSON.stringify(value)},"a`)
  }
}

function fixed(value: unknown): Sample {
  return { short: value, long: value, extra: 0 }
}
