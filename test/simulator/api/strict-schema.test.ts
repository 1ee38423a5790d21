import { describe, expect, test } from 'vitest'
import { Answerer } from '../../../src/simulator/answer/answer.ts'
import type { ResponseFormat } from '../../../src/simulator/api/request.ts'
import { strictProblem } from '../../../src/simulator/api/strict-schema.ts'

const text = { type: 'string' }

function object(properties: Record<string, unknown>, more: object = {}) {
  const required = Object.keys(properties)
  return { type: 'object', properties, required, additionalProperties: false, ...more }
}

describe('accepted schemas', () => {
  const node = object({ value: text, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } })
  test.each<[string, unknown]>([
    ['an object', object({ a: text, b: { type: 'array', items: text, minItems: 1, maxItems: 3 } })],
    ['no properties', object({})],
    ['no properties, nothing required', { type: 'object', additionalProperties: false }],
    ['annotations', object({ a: { ...text, default: 'x', title: 'A', description: 'a' } }, { $schema: 'x' })],
    ['enum and const without a type', object({ a: { enum: ['x', null] }, b: { const: 1 } })],
    ['a union inside', object({ a: { anyOf: [text, object({ b: text })] } })],
    ['a type that may be null', object({ a: object({ b: text }, { type: ['object', 'null'] }) })],
    ['recursion through a definition', object({ list: { $ref: '#/$defs/node' } }, { $defs: { node } })],
    ['recursion through the root', object({ kids: { type: 'array', items: { $ref: '#' } } })],
    [
      'a pointer with escapes',
      object({ a: { $ref: '#/definitions/a~1b' } }, { definitions: { 'a/b': text } }),
    ],
    [
      'properties named like keywords',
      object({ not: text, oneOf: text, $ref: text, anyOf: text, format: text }),
    ],
    ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'].map(
      (format): [string, unknown] => [format, object({ a: { ...text, format } })],
    ),
  ])('%s', (_, schema) => {
    expect(strictProblem(schema)).toBeUndefined()
  })
})

describe('refused schemas', () => {
  const inA = (a: unknown, more?: object) => object({ a }, more)
  const atA = "In context=('properties', 'a'), "
  const noType = "schema must have a 'type' key"
  const open = "'additionalProperties' is required to be supplied and to be false"
  const missing = (name: string) =>
    `'required' is required to be supplied and to be an array including every key in properties. Missing '${name}'`
  const noObject = (got: string) => `schema must be a JSON Schema of 'type: "object"', got 'type: "${got}"'`
  const lost = (ref: string) => `${atA}reference to component ${ref} which was not found in the schema`

  test.each<[string, unknown, string]>([
    ['an array at the root', { type: 'array', items: text }, noObject('array')],
    ['a union at the root', { anyOf: [object({})] }, noObject('None')],
    ['a reference at the root', { $ref: '#/$defs/a', $defs: { a: object({}) } }, noObject('None')],
    ['a root that may be null', object({}, { type: ['object', 'null'] }), noObject('None')],
    ['true', true, noObject('None')],
    [
      'an object that is also a union',
      object({}, { anyOf: [text] }),
      "In context=(), 'anyOf' is not permitted",
    ],
    ['an open root', { ...object({ a: text }), additionalProperties: undefined }, `In context=(), ${open}`],
    ['other properties of a type', inA(object({}, { additionalProperties: text })), atA + open],
    ['an open object', inA({ type: 'object', properties: {}, required: [] }), atA + open],
    ['an open object or null', inA({ type: ['null', 'object'] }), atA + open],
    [
      'a property not required',
      object({ a: text, b: text }, { required: ['a'] }),
      `In context=(), ${missing('b')}`,
    ],
    ['nothing required', inA(object({ b: text }, { required: undefined })), atA + missing('b')],
    ['an object without a type', inA({ properties: { b: text } }), atA + noType],
    ['no type', inA({ description: 'anything' }), atA + noType],
    ['true as a schema', inA(true), atA + noType],
    ['a tuple', inA({ type: 'array', items: [text] }), "In context=('properties', 'a', 'items'), " + noType],
    [
      'keywords beside a reference',
      inA({ $ref: '#', title: 'A' }),
      `${atA}$ref cannot have keywords {'title'}`,
    ],
    [
      'a default beside a reference',
      inA({ $ref: '#', default: 1 }),
      `${atA}$ref cannot have keywords {'default'}`,
    ],
    ['a reference to nothing', inA({ $ref: '#/$defs/b' }, { $defs: { a: text } }), lost("'#/$defs/b'")],
    ['a reference elsewhere', inA({ $ref: 'https://example.com/a' }), lost("'https://example.com/a'")],
    ['an anchor', inA({ $ref: '#b' }, { $defs: { b: { ...text, $anchor: 'b' } } }), lost("'#b'")],
    ['a reference that is not text', inA({ $ref: 1 }), lost('1')],
    ['an unknown format', inA({ ...text, format: 'uri' }), `${atA}'uri' is not a valid format`],
    ...[
      ...['allOf', 'not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas'],
      ...['oneOf', 'prefixItems', 'uniqueItems', 'patternProperties'],
    ].map((word): [string, unknown, string] => [
      word,
      inA({ type: 'array', items: text, [word]: true }),
      `${atA}'${word}' is not permitted`,
    ]),
    ['in an array', inA({ type: 'array', items: {} }), `In context=('properties', 'a', 'items'), ${noType}`],
    ['in a union', inA({ anyOf: [text, {}] }), `In context=('properties', 'a', 'anyOf', '1'), ${noType}`],
    ['in a definition', object({}, { $defs: { a: {} } }), `In context=('$defs', 'a'), ${noType}`],
    [
      'in an older definition',
      object({}, { definitions: { a: {} } }),
      `In context=('definitions', 'a'), ${noType}`,
    ],
    [
      'in __proto__',
      JSON.parse(JSON.stringify(inA({})).replaceAll('"a"', '"__proto__"')),
      `In context=('properties', '__proto__'), ${noType}`,
    ],
  ])('%s', (_, schema, problem) => {
    expect(strictProblem(schema)).toBe(problem)
  })

  test('very deep and very wide schemas', () => {
    let deep: unknown = {}
    for (let level = 0; level < 100_000; level++) deep = { type: 'array', items: deep }
    expect(strictProblem(inA(deep))).toContain(noType)
    const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`p${i}`, text]))
    expect(strictProblem(object({ ...wide, last: {} }))).toBe(`In context=('properties', 'last'), ${noType}`)
  })
})

test('a schema of an earlier request is not read again', () => {
  const answerer = new Answerer()
  const schema = object({ a: text })
  const ask = (format: ResponseFormat) =>
    answerer.answer({
      api: 'chat',
      model: 'm',
      messages: [{ role: 'user', text: 'x' }],
      stream: false,
      maxTokens: undefined,
      format,
    })
  const format = { type: 'json_schema' as const, name: 'r', json: JSON.stringify(schema), strict: true }
  const first = ask({ ...format, schema })
  expect(ask({ ...format, schema: 'not looked at' })).toBe(first)
})
