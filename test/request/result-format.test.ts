import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { runs } from '../helpers/properties.ts'
import { zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { resultFormat } from '../../src/request/result-format.ts'
import type { JsonSchema } from '../../src/request/json-schema.ts'

/** The schema of one element. */
function elementOf(schema: z.core.$ZodType): JsonSchema {
  const results = (resultFormat(schema).jsonSchema['properties'] as { results: { items: JsonSchema } })
    .results
  return results.items
}

/** The schema of one result: of `value`, or of the properties beside `id`. */
function resultOf(schema: z.core.$ZodType): JsonSchema {
  const { properties } = elementOf(schema) as { properties: { value: JsonSchema } }
  return properties.value
}

/** All schemas inside a schema, including the schema itself. */
function* nodes(schema: JsonSchema): Generator<JsonSchema> {
  yield schema
  const maps = [schema['properties'], schema['$defs']] as (Record<string, JsonSchema> | undefined)[]
  for (const map of maps) for (const child of Object.values(map ?? {})) yield* nodes(child)
  for (const child of (schema['anyOf'] ?? []) as JsonSchema[]) yield* nodes(child)
  if (schema['items'] !== undefined) yield* nodes(schema['items'] as JsonSchema)
}

/** Checks what OpenAI's documentation requires of a strict schema. */
function expectStrict(root: JsonSchema): void {
  expect(root['type']).toBe('object')
  for (const node of nodes(root)) {
    for (const word of [
      'oneOf',
      'allOf',
      'not',
      'default',
      'prefixItems',
      'propertyNames',
      'patternProperties',
    ]) {
      expect(node).not.toHaveProperty(word)
    }
    if (node['type'] === 'object') {
      expect(node['additionalProperties']).toBe(false)
      expect(node['required']).toEqual(Object.keys(node['properties'] as object))
    }
    if (node['$ref'] !== undefined) {
      expect(Object.keys(node)).toEqual(['$ref'])
      expect(target(root, node['$ref'] as string)).toBeTypeOf('object')
    }
    expect(['type', 'anyOf', 'enum', 'const', '$ref'].some((word) => word in node)).toBe(true)
  }
}

function target(root: JsonSchema, ref: string): unknown {
  const [hash, ...path] = ref.split('/')
  expect(hash).toBe('#')
  const names = path.map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~'))
  return names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], root)
}

function validator(schema: JsonSchema): (value: unknown) => boolean {
  const ajv = new Ajv({ strict: false })
  addFormats.default(ajv)
  const validate = ajv.compile(schema)
  return (value) => validate(value)
}

describe('the place of a result', () => {
  it('the properties of an object are beside id, and id is first', () => {
    const format = resultFormat(z.object({ label: z.string(), score: z.number() }))
    expect(format.flat).toBe(true)
    expect(format.jsonSchema).toEqual({
      type: 'object',
      properties: {
        results: {
          type: 'array',
          items: {
            type: 'object',
            properties: { id: { type: 'integer' }, label: { type: 'string' }, score: { type: 'number' } },
            required: ['id', 'label', 'score'],
            additionalProperties: false,
          },
        },
      },
      required: ['results'],
      additionalProperties: false,
    })
    expect(
      Object.keys((elementOf(z.object({ label: z.string() })) as { properties: object }).properties)[0],
    ).toBe('id')
  })

  it.each<[string, boolean, z.ZodType]>([
    ['an object', true, z.object({ a: z.string() })],
    ['a strict object', true, z.strictObject({ a: z.string() })],
    ['an empty object', true, z.object({})],
    ['a transformed object', true, z.object({ a: z.string() }).transform(({ a }) => a)],
    ['an object with a key named value', true, z.object({ value: z.string() })],
    ['an object with a key named results', true, z.object({ results: z.array(z.string()) })],
    ['an object with a definition name', true, z.object({ a: z.string() }).meta({ id: 'RootWithName' })],
    ['an object with a key named id', false, z.object({ id: z.string() })],
    ['a nullable object', false, z.object({ a: z.string() }).nullable()],
    ['a string', false, z.string()],
    ['a list', false, z.array(z.string())],
    ['a union of objects', false, z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['null', false, z.null()],
  ])('%s: beside id is %s', (_name, flat, schema) => {
    const format = resultFormat(schema)
    expect(format.flat).toBe(flat)
    const { properties } = elementOf(schema) as { properties: Record<string, unknown> }
    expect(properties['id']).toEqual({ type: 'integer' })
    if (!flat) expect(Object.keys(properties)).toEqual(['id', 'value'])
  })

  it('the description of an object is kept', () => {
    expect(elementOf(z.object({ a: z.string() }).describe('One ticket'))).toMatchObject({
      description: 'One ticket',
    })
    expect(resultOf(z.string().describe('A label'))).toMatchObject({ description: 'A label' })
  })

  it('the schema is the same each time, so that the provider can cache it', () => {
    const schema = z.object({
      a: z.enum(['x', 'y']),
      get b() {
        return z.array(schema)
      },
    })
    expect(JSON.stringify(resultFormat(schema).jsonSchema)).toBe(
      JSON.stringify(resultFormat(schema).jsonSchema),
    )
  })
})

interface Tree {
  name: string
  children: Tree[]
}
const tree: z.ZodType<Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})
interface Chain {
  name: string
  next: Chain | null
}
const chain: z.ZodType<Chain> = z.object({
  name: z.string(),
  get next() {
    return chain.nullable()
  },
})
const named = z.object({ a: z.string() }).meta({ id: 'TestNamed', description: 'Named' })
const slashed = z.object({ a: z.string() }).meta({ id: 'a/b~c' })
const doubled = z.codec(z.string(), z.number(), { decode: Number, encode: String })

const accepted: [name: string, schema: z.core.$ZodType, good: unknown, bad: unknown][] = [
  ['string', z.string(), 'a', 1],
  ['number', z.number(), 1.5, '1'],
  ['integer', z.int(), 1, 1.5],
  ['boolean', z.boolean(), true, 'true'],
  ['null', z.null(), null, 0],
  ['enum', z.enum(['a', 'b']), 'b', 'c'],
  ['literal', z.literal('a'), 'a', 'b'],
  ['literal number', z.literal(1), 1, 2],
  ['literals of several types', z.literal(['a', 1, null]), null, 2],
  ['nullable', z.string().nullable(), null, 1],
  ['nullable enum', z.enum(['a', 'b']).nullable(), null, 'c'],
  ['union', z.union([z.string(), z.number()]), 1, true],
  ['array', z.array(z.string()), ['a'], [1]],
  ['array of arrays', z.array(z.array(z.int())), [[1], []], [1]],
  [
    'nested objects',
    z.object({ a: z.object({ b: z.object({ c: z.string() }) }) }),
    { a: { b: { c: '' } } },
    { a: { b: {} } },
  ],
  [
    'discriminated union',
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a') }),
      z.object({ kind: z.literal('b'), n: z.number() }),
    ]),
    { kind: 'b', n: 1 },
    { kind: 'b' },
  ],
  [
    'named definitions',
    z.object({ x: named, y: named.nullable(), z: z.array(named) }),
    { x: { a: '' }, y: null, z: [{ a: '' }] },
    { x: {}, y: null, z: [] },
  ],
  ['a described definition', z.object({ x: named.describe('Here') }), { x: { a: '' } }, { x: {} }],
  [
    'a definition whose name needs escaping',
    z.object({ x: slashed, y: slashed }),
    { x: { a: '' }, y: { a: '' } },
    { x: {}, y: {} },
  ],
  [
    'a recursive root',
    tree,
    { name: 'a', children: [{ name: 'b', children: [] }] },
    { name: 'a', children: [{ name: 'b' }] },
  ],
  [
    'a recursive nullable root',
    chain.nullable(),
    { name: 'a', next: { name: 'b', next: null } },
    { name: 'a', next: 1 },
  ],
  [
    'a recursive child',
    z.object({ tree: tree }),
    { tree: { name: 'a', children: [] } },
    { tree: { name: 'a' } },
  ],
  ['a recursive element', z.array(chain), [{ name: 'a', next: null }], [{ name: 'a' }]],
  [
    'a recursive root beside an id',
    z.object({ id: z.string(), chain }),
    { id: 'x', chain: { name: 'a', next: null } },
    { id: 'x' },
  ],
  [
    'the keys id, value, results in a list',
    z.array(z.object({ id: z.int(), value: z.int(), results: z.int() })),
    [{ id: 1, value: 2, results: 3 }],
    [{ id: 1 }],
  ],
  [
    'bounds',
    z.object({ s: z.string().min(1).max(3), n: z.number().gte(0).lt(5), l: z.array(z.int()).min(1).max(2) }),
    { s: 'a', n: 4, l: [1] },
    { s: '', n: 5, l: [] },
  ],
  ['a pattern', z.string().regex(/^a+$/), 'aa', 'b'],
  ['a format', z.uuid(), '123e4567-e89b-42d3-a456-426614174000', 1],
  ['lazy', z.lazy(() => z.string()), 'a', 1],
  ['readonly and branded', z.object({ a: z.string() }).readonly().brand('x'), { a: '' }, {}],
  [
    'mini',
    mini.object({ a: mini.nullable(mini.string()), b: mini.array(mini.enum(['x'])) }),
    { a: null, b: ['x'] },
    { a: null, b: ['y'] },
  ],
]

describe('the written schema and the check agree', () => {
  it.each(accepted)('%s', (_name, schema, good, bad) => {
    const format = resultFormat(schema)
    expectStrict(format.jsonSchema)
    const accepts = validator(format.jsonSchema)
    const answer = (value: unknown): unknown => JSON.parse(`{"results":[${format.encode(1, value)}]}`)
    expect(format.check(good)).toHaveProperty('value')
    expect(accepts(answer(good))).toBe(true)
    expect(format.decode(format.encode(7, good))).toEqual({ id: 7, value: good, result: good })
    expect(format.check(bad)).toHaveProperty('issues')
    expect(accepts(answer(bad))).toBe(false)
    expect(format.decode(format.encode(7, bad))).toMatchObject({
      id: 7,
      issues: expect.any(Array) as unknown,
    })
  })

  it.each(accepted.filter(([, schema]) => schema instanceof z.ZodType))(
    "%s: as by OpenAI's own helper",
    (_name, schema, good, bad) => {
      const wrapper = z.object({ results: z.array(z.object({ id: z.int(), value: schema as z.ZodType })) })
      const theirs = validator(zodResponseFormat(wrapper, 'results').json_schema.schema ?? {})
      const ours = resultFormat(schema)
      const accepts = validator(ours.jsonSchema)
      for (const value of [good, bad, null, {}, [], 'a', '', 0, 1.5, true]) {
        const expected = theirs({ results: [{ id: 1, value }] })
        // A result that is not an object cannot have its parts beside an id.
        if (ours.flat && (typeof value !== 'object' || value === null || Array.isArray(value))) continue
        expect(accepts({ results: [JSON.parse(ours.encode(1, value))] })).toBe(expected)
      }
    },
  )

  it.each<[string, z.ZodType, unknown, unknown]>([
    ['.default()', z.object({ a: z.string().default('x') }), { a: 'y' }, { a: 'y' }],
    ['.default() without a value', z.object({ a: z.string().default('x') }), {}, { a: 'x' }],
    [
      '.default() of a definition',
      z.object({ a: z.string().default('x').meta({ id: 'TestDefault' }) }),
      {},
      { a: 'x' },
    ],
    [
      '.default() in a nested object',
      z.object({ n: z.object({ a: z.string().default('x'), b: z.int() }) }),
      { n: { b: 1 } },
      { n: { a: 'x', b: 1 } },
    ],
    ['.prefault()', z.object({ a: z.string().prefault('x') }), {}, { a: 'x' }],
    ['.catch()', z.object({ a: z.string().catch('x') }), { a: 5 }, { a: 'x' }],
    ['.nullish()', z.object({ a: z.string().nullish() }), { a: null }, { a: null }],
    [
      '.optional() of a nullable definition',
      z.object({ a: z.string().nullable().meta({ id: 'TestNull' }).optional() }),
      { a: null },
      { a: null },
    ],
    [
      '.optional() of a union with null',
      z.object({ a: z.union([z.string(), z.null()]).optional() }),
      { a: null },
      { a: null },
    ],
    ['transforms', z.object({ a: z.string().transform((text) => text.length) }), { a: 'abc' }, { a: 3 }],
    ['codecs', z.object({ a: doubled }), { a: '12' }, { a: 12 }],
    [
      'dates by codec',
      z.object({
        a: z.codec(z.iso.datetime(), z.date(), {
          decode: (text) => new Date(text),
          encode: (date) => date.toISOString(),
        }),
      }),
      { a: '2020-01-01T00:00:00Z' },
      { a: new Date('2020-01-01T00:00:00Z') },
    ],
    [
      'preprocess',
      z.object({
        a: z.preprocess((value) => (typeof value === 'string' ? value.trim() : value), z.string()),
      }),
      { a: ' x ' },
      { a: 'x' },
    ],
    ['coercion', z.object({ a: z.coerce.number() }), { a: '5' }, { a: 5 }],
    [
      'pipes',
      z
        .string()
        .pipe(z.transform((text) => text.length))
        .pipe(z.number()),
      'abc',
      3,
    ],
    ['stringbool', z.stringbool(), 'yes', true],
    ['keys that the schema does not list', z.object({ a: z.string() }), { a: 'x', b: 1 }, { a: 'x' }],
    [
      'several patterns',
      z.object({ a: z.string().startsWith('a').endsWith('z') }),
      { a: 'abz' },
      { a: 'abz' },
    ],
    [
      'a pattern and a format',
      z.object({ a: z.email().regex(/^a/) }),
      { a: 'a@example.com' },
      { a: 'a@example.com' },
    ],
    [
      'metadata',
      z.object({ a: z.string().meta({ title: 'A', examples: ['x'], owner: 'me' }) }),
      { a: 'x' },
      { a: 'x' },
    ],
  ])(
    '%s: the schema describes the input, and the outcome holds the output',
    (_name, schema, input, output) => {
      const format = resultFormat(schema)
      expectStrict(format.jsonSchema)
      expect(format.decode(format.encode(1, input))).toEqual({
        id: 1,
        value: output,
        result: expect.anything() as unknown,
      })
    },
  )

  it('several patterns are all checked', () => {
    const { check } = resultFormat(z.string().startsWith('a').endsWith('z'))
    expect(check('abz')).toHaveProperty('value')
    expect(check('ab')).toHaveProperty('issues')
  })

  it('refinements are checked by the library', () => {
    const { check } = resultFormat(z.object({ a: z.string().refine((text) => text !== 'no', 'Not no') }))
    expect(check({ a: 'yes' })).toEqual({ value: { a: 'yes' } })
    expect(check({ a: 'no' })).toEqual({ issues: [{ path: ['a'], message: 'Not no' }] })
  })

  it('a refinement that throws makes the element invalid, and its message is not shown', () => {
    const { check, decode } = resultFormat(
      z.object({ a: z.string() }).refine(() => {
        throw new RangeError('secret')
      }),
    )
    expect(check({ a: '' })).toEqual({ issues: [{ path: [], message: 'The schema threw RangeError' }] })
    expect(decode('{"id":1,"a":""}')).toMatchObject({
      id: 1,
      issues: [{ message: 'The schema threw RangeError' }],
    })
  })

  it.each([
    ['a format of OpenAI', z.iso.date(), { type: 'string', format: 'date' }],
    ['another format', z.url(), { type: 'string' }],
    ['an integer', z.int(), { type: 'integer' }],
    ['an integer with a bound', z.int().min(3), { type: 'integer', minimum: 3 }],
    [
      'a bounded list',
      z.array(z.string()).length(2),
      { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
    ],
    [
      'exclusive bounds',
      z.number().gt(1).lt(9).multipleOf(2),
      { type: 'number', exclusiveMinimum: 1, exclusiveMaximum: 9, multipleOf: 2 },
    ],
  ])('%s is written in the form that strict mode requires', (_name, schema, expected) => {
    expect(resultOf(schema)).toEqual(expected)
  })
})

describe('a schema that strict mode cannot express is refused with its path', () => {
  const noType: [string, z.ZodType][] = [
    ['any', z.any()],
    ['unknown', z.unknown()],
    ['date', z.date()],
    ['bigint', z.bigint()],
    ['record', z.record(z.string(), z.number())],
    ['partialRecord', z.partialRecord(z.enum(['a', 'b']), z.string())],
    ['looseObject', z.looseObject({ a: z.string() })],
    ['catchall', z.object({ a: z.string() }).catchall(z.string())],
    ['tuple with a rest', z.tuple([z.string()], z.number())],
    ['custom', z.custom<string>()],
    ['instanceof', z.instanceof(URL)],
    ['never', z.never()],
    ['undefined', z.undefined()],
    ['void', z.void()],
    ['symbol', z.symbol()],
    ['nan', z.nan()],
    ['map', z.map(z.string(), z.string())],
    ['set', z.set(z.string())],
    ['function', z.function()],
    ['promise', z.promise(z.string())],
    ['file', z.file()],
    ['a coerced date', z.coerce.date()],
  ]

  it.each(noType)('%s', (_name, kind) => {
    expect(() => resultFormat(kind)).toThrow(TypeError)
    expect(() => resultFormat(kind)).toThrow(/`schema`.* at its root /)
    expect(() => resultFormat(z.object({ a: z.object({ b: kind }) }))).toThrow(/ at a\.b /)
    expect(() => resultFormat(z.object({ list: z.array(kind) }))).toThrow(/ at list\[\] /)
    expect(() => resultFormat(z.object({ u: z.union([z.string(), kind]) }))).toThrow(/ at u\|1 /)
    expect(() => resultFormat(z.array(z.object({ a: z.array(kind) })))).toThrow(/ at \[\]\.a\[\] /)
    expect(() => resultFormat(z.object({ n: kind.nullable() }))).toThrow(/ at n(\|0)? /)
  })

  it('.optional()', () => {
    const inner = z.object({ a: z.string().optional() })
    expect(() => resultFormat(inner)).toThrow(
      / at a it is not: a property cannot be optional, use \.nullable\(\) or \.default\(\) \(in a JSON Schema list it in "required", or let it be null\)$/,
    )
    expect(() => resultFormat(z.array(inner))).toThrow(/ at \[\]\.a it is not: a property/)
    expect(() => resultFormat(z.union([z.string(), inner]))).toThrow(/ at \|1\.a it is not: a property/)
    expect(() => resultFormat(z.object({ a: named.optional() }))).toThrow(/ at a it is not: a property/)
  })

  it('a type in a definition', () => {
    const bad = z.object({ when: z.date() }).meta({ id: 'TestBad' })
    expect(() => resultFormat(z.object({ a: bad }))).toThrow(/ at \$defs\.TestBad\.when /)
  })

  it('a type in a recursive schema', () => {
    const bad: z.ZodType = z.object({
      when: z.date(),
      get next() {
        return bad.nullable()
      },
    })
    expect(() => resultFormat(bad)).toThrow(/ at when /)
  })

  it('two definitions with the same name', () => {
    const twice = z.object({
      a: z.string().meta({ id: 'TestTwice' }),
      b: z.number().meta({ id: 'TestTwice' }),
    })
    expect(() => resultFormat(twice)).toThrow(TypeError)
    expect(() => resultFormat(twice)).toThrow(/`schema`.*TestTwice/)
  })
})

describe('reading elements', () => {
  const { decode } = resultFormat(z.object({ a: z.string() }))

  it.each([
    '',
    '{',
    '[]',
    'null',
    '1',
    '"a"',
    '{}',
    '{"a":"x"}',
    '{"__proto__":{"id":1},"a":"x"}',
    '[{"id":1}]',
  ])('%j carries no id', (text) => {
    expect(decode(text)).toEqual({ id: undefined })
  })

  it('an element without its value is invalid, not unknown', () => {
    expect(decode('{"id":3}')).toMatchObject({ id: 3, issues: [{ path: ['a'] }] })
    expect(resultFormat(z.string()).decode('{"id":3}')).toMatchObject({ id: 3, issues: [{ path: [] }] })
  })

  it('a __proto__ key pollutes no prototype', () => {
    expect(decode('{"id":3,"a":"x","__proto__":{"polluted":true}}')).toEqual({
      id: 3,
      value: { a: 'x' },
      result: expect.anything() as unknown,
    })
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('the id in a result and the id of the element stay separate', () => {
    const format = resultFormat(z.object({ id: z.string() }))
    expect(format.encode(3, { id: 'x' })).toBe('{"id":3,"value":{"id":"x"}}')
    expect(format.decode('{"id":3,"value":{"id":"x"}}')).toEqual({
      id: 3,
      value: { id: 'x' },
      result: expect.anything() as unknown,
    })
  })

  it('strict objects accept the id beside their properties', () => {
    expect(resultFormat(z.strictObject({ a: z.string() })).decode('{"id":3,"a":"x"}')).toEqual({
      id: 3,
      value: { a: 'x' },
      result: { a: 'x' },
    })
  })
})

describe('for any schema', () => {
  interface Pair {
    readonly schema: z.ZodType
    readonly value: fc.Arbitrary<unknown>
  }
  const pair = (schema: z.ZodType, value: fc.Arbitrary<unknown>): Pair => ({ schema, value })
  let names = 0

  const numbers = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)
  const leaves = fc.constantFrom(
    pair(z.string(), fc.string({ unit: 'binary' })),
    pair(z.string().max(3).describe('Short'), fc.string({ maxLength: 3 })),
    pair(z.number(), numbers),
    pair(z.int(), fc.integer()),
    pair(z.int().min(0).max(9), fc.integer({ min: 0, max: 9 })),
    pair(z.boolean(), fc.boolean()),
    pair(z.null(), fc.constant(null)),
    pair(z.literal('x'), fc.constant('x')),
    pair(z.literal(['x', 2, true]), fc.constantFrom('x', 2, true)),
    pair(z.enum(['red', 'green']), fc.constantFrom('red', 'green')),
    pair(z.string().default('x'), fc.string()),
    pair(z.tuple([z.string(), z.int()]), fc.tuple(fc.string(), fc.integer())),
    pair(z.record(z.enum(['x', 'y']), z.int()), fc.record({ x: fc.integer(), y: fc.integer() })),
    pair(z.union([z.string(), z.number(), z.null()]), fc.oneof(fc.string(), fc.integer(), fc.constant(null))),
    pair(
      tree,
      fc.constantFrom({ name: 'a', children: [] }, { name: 'a', children: [{ name: 'b', children: [] }] }),
    ),
    pair(chain, fc.constantFrom({ name: 'a', next: null }, { name: 'a', next: { name: 'b', next: null } })),
    pair(named, fc.record({ a: fc.string() })),
  )
  const keys = fc.constantFrom(
    ...['a', 'id', 'value', 'results', 'type', 'properties', '$ref', 'default', 'anyOf', 'items', 'é "'],
  )

  function pairs(depth: number): fc.Arbitrary<Pair> {
    if (depth === 0) return leaves
    const child = pairs(depth - 1)
    return fc.oneof(
      leaves,
      child.map(({ schema, value }) => pair(z.array(schema), fc.array(value, { maxLength: 3 }))),
      child.map(({ schema, value }) => pair(schema.nullable(), fc.option(value))),
      child.map(({ schema, value }) => pair(schema.meta({ id: `TestRandom${(names += 1)}` }), value)),
      child.map(({ schema, value }) => pair(schema.describe('Said'), value)),
      fc.array(fc.tuple(keys, child), { maxLength: 4 }).map((entries) => {
        const properties = Object.fromEntries(entries)
        const shape = Object.fromEntries(Object.entries(properties).map(([key, { schema }]) => [key, schema]))
        const values = Object.fromEntries(Object.entries(properties).map(([key, { value }]) => [key, value]))
        return pair(z.object(shape), fc.record(values))
      }),
      fc
        .tuple(child, child)
        .map(([one, two]) =>
          pair(
            z.discriminatedUnion('kind', [
              z.object({ kind: z.literal('one'), a: one.schema }),
              z.object({ kind: z.literal('two'), b: two.schema }),
            ]),
            fc.oneof(
              fc.record({ kind: fc.constant('one'), a: one.value }),
              fc.record({ kind: fc.constant('two'), b: two.value }),
            ),
          ),
        ),
    )
  }

  it('the JSON Schema is strict, and accepts what the schema accepts', () => {
    const cases = pairs(3).chain(({ schema, value }) => value.map((one) => ({ schema, value: one })))
    fc.assert(
      fc.property(cases, ({ schema, value }) => {
        const format = resultFormat(schema)
        expectStrict(format.jsonSchema)
        const element: unknown = JSON.parse(format.encode(1, value))
        expect(validator(format.jsonSchema)({ results: [element] })).toBe(true)
      }),
      { numRuns: runs(150) },
    )
  })

  it('a result that is written and read again is the same', () => {
    const cases = pairs(3).chain(({ schema, value }) =>
      fc.record({ schema: fc.constant(schema), value, id: fc.integer({ min: 1 }) }),
    )
    fc.assert(
      fc.property(cases, ({ schema, value, id }) => {
        const format = resultFormat(schema)
        const decoded = format.decode(format.encode(id, value))
        expect(decoded.id).toBe(id)
        expect('value' in decoded ? decoded.value : decoded).toEqual(schema.parse(value))
        expect('value' in decoded ? format.check(decoded.value) : decoded).toEqual({ value })
      }),
      { numRuns: runs(300) },
    )
  })
})
