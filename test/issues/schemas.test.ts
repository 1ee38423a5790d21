import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { describe, expect, it } from 'vitest'
import { packAll } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import OpenAI from 'openai'
import * as v from 'valibot'
import * as z from 'zod'
import { resultFormat } from '../../src/request/result-format.ts'
import type { StandardSchema } from '../../src/request/user-schema.ts'

/** The written schema of the property `a`. */
function written(a: z.core.$ZodType): unknown {
  return schemaOf(z.object({ a }))['a']
}

/** The written schemas of the result's properties. */
function schemaOf(schema: z.core.$ZodType | StandardSchema<unknown>): Record<string, unknown> {
  const { properties } = resultFormat(schema).jsonSchema as {
    properties: { results: { items: { properties: Record<string, unknown> } } }
  }
  return properties.results.items.properties
}

const patternOf = (schema: z.core.$ZodType) => (z.toJSONSchema(schema) as { pattern: string }).pattern

describe('a pattern beside a known format', () => {
  const corporate = /^[a-z]+@corp\.example$/
  it.each<[string, z.ZodType, object]>([
    ['of the user', z.email({ pattern: corporate }), { format: 'email', pattern: corporate.source }],
    ['of a refinement', z.email().regex(corporate), { format: 'email', pattern: corporate.source }],
    ['of a version', z.uuidv7(), { format: 'uuid', pattern: patternOf(z.uuidv7()) }],
    [
      'of a precision',
      z.iso.datetime({ precision: 3 }),
      { format: 'date-time', pattern: patternOf(z.iso.datetime({ precision: 3 })) },
    ],
  ])('%s is sent', (_name, schema, words) => {
    expect(written(schema)).toEqual({ type: 'string', ...words })
  })

  it('lets a server keep to it, so that each record is paid once', async () => {
    await using simulator = await startSimulator({
      latency: { timeToFirstToken: 0, outputTokensPerSecond: Infinity },
    })
    const options = {
      ...{ client: new OpenAI({ baseURL: simulator.baseURL, apiKey: 'x' }), model: 'm', instructions: '' },
      schema: z.object({
        mail: z.email({ pattern: corporate }),
        key: z.uuidv7(),
        at: z.iso.datetime({ precision: 3 }),
        pair: z.tuple([z.string(), z.int()]),
        scores: z.record(z.enum(['good', 'bad']), z.int()),
      }),
    }
    const outcomes = await packAll(['one', 'two'], options)
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', attempts: 1 },
      { status: 'fulfilled', attempts: 1 },
    ])
  })

  it.each<[string, z.ZodType]>([
    ['email', z.email()],
    ['uuid', z.uuid()],
    ['uuid', z.guid()],
    ['date-time', z.iso.datetime()],
    ['date-time', z.iso.datetime({ offset: true })],
    ['date', z.iso.date()],
    ['duration', z.iso.duration()],
    ['ipv4', z.ipv4()],
    ['ipv6', z.ipv6()],
    ['hostname', z.hostname()],
  ])('that Zod writes for the format %s itself is not sent', (format, schema) => {
    expect(written(schema)).toEqual({ type: 'string', format })
  })

  it('is not sent where there are several, which strict mode cannot express', () => {
    expect(written(z.string().startsWith('a').endsWith('z'))).toEqual({ type: 'string' })
  })
})

describe('a literal that no JSON can match is refused with its path', () => {
  it.each<[string, z.ZodType]>([
    ['5n', z.literal(5n)],
    ['undefined', z.literal(undefined)],
    ['undefined', z.literal(['x', undefined])],
    ['NaN', z.literal(NaN)],
    ['Infinity', z.enum({ most: Infinity })],
  ])('%s', (shown, literal) => {
    const message = `no JSON value is equal to the literal ${shown}`
    expect(() => resultFormat(z.object({ a: z.array(literal) }))).toThrow(`at a[] it is not: ${message}`)
    expect(() => resultFormat(literal)).toThrow(`at its root it is not: ${message}`)
  })
})

describe('a record whose keys are known', () => {
  it('is written as an object with all keys', () => {
    const scores = z.record(z.enum(['good', 'bad']), z.number())
    const object = {
      type: 'object',
      properties: { good: { type: 'number' }, bad: { type: 'number' } },
      required: ['good', 'bad'],
      additionalProperties: false,
    }
    expect(written(scores)).toEqual(object)
    expect(written(z.record(z.enum(['good', 'bad']).meta({ id: 'Known' }), z.number()))).toEqual(object)
    const format = resultFormat(scores)
    expect(format.flat).toBe(true)
    expect(format.decode('{"id":1,"good":1,"bad":2}')).toMatchObject({ value: { good: 1, bad: 2 } })
    expect(format.decode('{"id":1,"good":1}')).toMatchObject({ issues: [{ path: ['bad'] }] })
  })

  it('has all keys too if its values have a default', () => {
    const format = resultFormat(z.record(z.enum(['good', 'bad']), z.number().default(0)))
    expect(format.names).toEqual(['good', 'bad'])
    expect(format.decode('{"id":1,"good":1,"bad":2}')).toMatchObject({ value: { good: 1, bad: 2 } })
  })

  it('names the key whose value cannot be written', () => {
    expect(() => resultFormat(z.object({ a: z.record(z.literal('x'), z.date()) }))).toThrow(' at a.x ')
  })
})

describe('a tuple', () => {
  const pair = z.tuple([z.string(), z.object({ at: z.tuple([z.number(), z.number().nullable()]) })])

  it('is written as an object with a name for each place, at any depth', () => {
    expect(written(pair)).toMatchObject({
      type: 'object',
      properties: {
        item1: { type: 'string' },
        item2: { properties: { at: { required: ['item1', 'item2'], additionalProperties: false } } },
      },
      required: ['item1', 'item2'],
      additionalProperties: false,
    })
  })

  it('is an array again before the check', () => {
    const answer = { item1: 'x', item2: { at: { item1: 1, item2: null } } }
    const value = ['x', { at: [1, null] }]
    for (const [schema, result, expected] of [
      [z.object({ a: pair }), { a: answer }, { a: value }],
      [z.object({ a: z.array(pair).nullable() }), { a: [answer, answer] }, { a: [value, value] }],
    ] as const) {
      const format = resultFormat<unknown>(schema)
      expect(format.decode(JSON.stringify({ id: 7, ...result }))).toMatchObject({ id: 7, value: expected })
      // An example shows what the model has to write.
      expect(JSON.parse(format.encode(7, expected))).toEqual({ id: 7, ...result })
      // A cache may hold either form.
      expect(format.check(expected)).toEqual({ value: expected })
    }
  })

  it('as the whole result stands under `value`, and stays an array', () => {
    const format = resultFormat(pair)
    expect(format.flat).toBe(false)
    const text = format.encode(7, ['x', { at: [1, 2] }])
    expect(text).toBe('{"id":7,"value":{"item1":"x","item2":{"at":{"item1":1,"item2":2}}}}')
    expect(format.decode(text)).toMatchObject({ value: ['x', { at: [1, 2] }] })
  })

  it('is written behind several names too', () => {
    const named = z.object({ at: z.tuple([z.number()]) }).meta({ id: 'IssueNamed' })
    const { encode } = resultFormat(z.object({ a: named.meta({ id: 'IssueNamedAgain' }) }))
    expect(encode(1, { a: { at: [5] } })).toBe('{"id":1,"a":{"at":{"item1":5}}}')
  })

  it('in a union and in a definition is found by its place', () => {
    const point = z.tuple([z.number(), z.number()]).meta({ id: 'IssuePoint' })
    const format = resultFormat(z.object({ a: z.union([z.string(), point, z.array(z.string())]), b: point }))
    for (const a of ['x', [1, 2], ['x', 'y', 'z']]) {
      const text = format.encode(1, { a, b: [3, 4] })
      expect(format.decode(text)).toMatchObject({ value: { a, b: [3, 4] } })
    }
    expect(format.encode(1, { a: 'x', b: [3, 4] })).toBe('{"id":1,"a":"x","b":{"item1":3,"item2":4}}')
  })

  it('does not take the names of the properties of the user', () => {
    const schema = z.object({ a: z.object({ item1: z.string() }), b: z.tuple([z.string()]) })
    const format = resultFormat(schema)
    const value = { a: { item1: 'x' }, b: ['y'] }
    expect(format.encode(1, value)).toBe('{"id":1,"a":{"item1":"x"},"b":{"item_1":"y"}}')
    expect(format.decode(format.encode(1, value))).toMatchObject({ value })
  })

  it('of an answer that lacks a place is invalid', () => {
    const format = resultFormat(z.object({ a: pair }))
    expect(format.decode('{"id":1,"a":{"item2":{"at":[1,2]}}}')).toMatchObject({ issues: [{ path: ['a'] }] })
  })

  it.each<[string, z.ZodType]>([
    ['a tuple needs an item', z.tuple([])],
    ['a tuple cannot have a rest', z.tuple([z.string()], z.string())],
    ['a property cannot be optional', z.tuple([z.string(), z.string().optional()])],
  ])('is refused where %s', (message, schema) => {
    expect(() => resultFormat(z.object({ a: schema }))).toThrow(message)
  })
})

describe('a Standard Schema with JSON Schema', () => {
  const ark = type({ label: "'a' | 'b'", at: ['number', 'number'], note: 'string | null' })
  const valibot = toStandardJsonSchema(
    v.object({
      label: v.picklist(['a', 'b']),
      at: v.tuple([v.number(), v.number()]),
      note: v.nullable(v.string()),
    }),
  )

  it.each<[string, StandardSchema<unknown>]>([
    ['ArkType', ark],
    ['Valibot', valibot],
  ])('%s: is written, and checks the results', (_name, schema) => {
    expect(schemaOf(schema)).toMatchObject({
      label: { type: 'string', enum: ['a', 'b'] },
      at: { type: 'object', required: ['item1', 'item2'] },
      note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    })
    const format = resultFormat(schema)
    const value = { label: 'a', at: [1, 2], note: 'X' }
    expect(format.decode(format.encode(5, value))).toMatchObject({ id: 5, value })
    const bad = { ...value, at: [1, 'secret'], label: 'secret' }
    const decoded = format.decode(format.encode(5, bad))
    expect(decoded).toMatchObject({
      issues: expect.arrayContaining([expect.objectContaining({ path: ['at', 1] })]) as unknown,
    })
    expect(JSON.stringify('issues' in decoded && decoded.issues)).not.toContain('secret')
  })

  it('gives out what its transforms make', () => {
    const format = resultFormat(
      toStandardJsonSchema(v.object({ n: v.pipe(v.string(), v.transform(Number)) })),
    )
    expect(format.decode('{"id":1,"n":"12"}')).toMatchObject({ value: { n: 12 }, result: { n: '12' } })
    const parsed = resultFormat(type({ n: 'string.numeric.parse' }))
    expect(parsed.decode('{"id":1,"n":"12"}')).toMatchObject({ value: { n: 12 } })
  })

  it('that refers to itself works', () => {
    const { node } = type.module({ node: { name: 'string', next: 'node | null' } })
    const value = { name: 'a', next: { name: 'b', next: null } }
    const format = resultFormat(node)
    expect(format.decode(format.encode(5, value))).toMatchObject({ value })
  })

  it('must check at once', () => {
    const { '~standard': standard } = toStandardJsonSchema(v.string())
    const validate = (value: unknown) => Promise.resolve(standard.validate(value))
    const async = { '~standard': { ...standard, validate } }
    expect(() => resultFormat(async).check('x')).toThrow('Expected `schema` to check results at once')
  })

  it.each<[string, StandardSchema<unknown>, RegExp]>([
    ['an optional property', type({ 'a?': 'string' }), / at a it is not: a property cannot be optional/],
    ['a date', type({ a: 'Date' }), / at a it is not: there is no JSON type/],
    ['a record', type({ a: { '[string]': 'string' } }), / at a it is not: an object cannot have keys/],
    ['a map', toStandardJsonSchema(v.map(v.string(), v.string())), /to be expressible as JSON Schema: .*map/],
  ])('%s is refused with its place', (_name, schema, message) => {
    expect(() => resultFormat(schema)).toThrow(message)
    expect(() => resultFormat(schema)).toThrow(TypeError)
  })
})
